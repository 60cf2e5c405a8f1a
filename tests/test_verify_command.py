"""`recipe record`, `recipe verify`, `recipe compare` and `recipe table` as they are typed: lines, files, exit codes."""

from __future__ import annotations

import json
import re
import shlex
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, load_recipe, register_op, run_recipe
from tensorflow_free.cell.random_streams import downstream
from tensorflow_free.command_table.flag_values import above_0
from tensorflow_free.commands.parser import Parser
from tensorflow_free.commands.recipe_words import recipe_files
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.errors import RecipeError
from tensorflow_free.sweep.axes import axes_of
from tensorflow_free.sweep.matrix import Combinations

SCALE = {"factor": 2.0}
register_op("verify_scaled", lambda x: x * SCALE["factor"])

CHAIN = """
tensors:
  x: {init: randn, size: [3, 4], requires_grad: true}
steps:
  h: {op: exp, args: [x]}
  s: {op: verify_scaled, args: [h]}
  loss: {op: sum, args: [s]}
backward: loss
"""
CASES = """
params: {n: 1}
cases: {small: {params: {n: 2}}, big: {params: {n: 200}}}
tensors: {x: {init: randn, size: ["${params.n}"]}}
steps: {y: x * 3}
"""
FAILING = "tensors: {x: [[1.0, 2.0]]}\nsteps:\n  y: x * 2\n  z: {op: mm, args: [y, y]}\n"
RANDOM = "tensors: {x: {init: ones, size: [9]}}\nsteps:\n  h: x * 2\n  y: F.dropout(h)\n  z: y + 1\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with recipes, in which every test runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(SCALE, "factor", 2.0)
    for name, text in {"chain.yaml": CHAIN, "cases.yaml": CASES}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def typed(capsys):
    """Runs a command line in this process: its exit code, standard output and standard error."""

    def type_in(*words):
        return cli._guarded(cli.recipe_main, words), *capsys.readouterr()

    return type_in


def ran(name, *overrides, recipe="chain.yaml"):
    """The folder of a run."""
    run_recipe(load_recipe(recipe, overrides)).save(name)
    return name


# record


def test_each_case_has_a_line_that_says_what_became_of_it(typed):
    code, out, err = typed("record", ".")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "cases.yaml  small  written  cases.golden.json",
        "cases.yaml  big    written  cases.golden.json",
        "chain.yaml         written  chain.golden.json",
        "",
        "3 cases: 3 written.",
    ]


def test_recording_again_changes_no_byte_and_says_so(typed, here):
    typed("record", ".")
    before = {path: path.read_bytes() for path in here.glob("*.golden.*")}
    assert "3 cases: 3 unchanged." in typed("record", ".")[1]
    assert {path: path.read_bytes() for path in here.glob("*.golden.*")} == before


def test_one_case_alone_is_recorded_and_then_what_is_missing(typed):
    assert "1 case: 1 written." in typed("record", "cases.yaml", "case=big")[1]
    assert "2 cases: 1 written, 1 kept." in typed("record", "cases.yaml", "--missing")[1]


def test_what_cannot_be_recorded_is_refused_with_its_reason_and_the_rest_is_recorded(typed, here):
    (here / "failing.yaml").write_text(FAILING, encoding="utf-8")
    code, out, _ = typed("record", ".", "--stale")
    assert code == 3
    assert re.search(r"failing\.yaml +REFUSED\n {4}it does not run in float64:\n.*'mm' failed", out)
    assert "4 cases: 3 written, 1 refused." in out


def test_record_as_json_holds_what_the_lines_hold(typed):
    found = json.loads(typed("record", "chain.yaml", "--json")[1])
    entry = {"recipe": "chain.yaml", "case": "", "did": "written", "golden": "chain.golden.json", "reason": ""}
    assert found == {"well": True, "recorded": [entry]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["record", "chain.yaml", "dtype=float64"], "override 'dtype=float64': a golden applies to every cell"),
        (["record", "chain.yaml", "--missing", "--stale"], "give one of --missing and --stale"),
        (["record"], "command line: no recipe is named"),
        (
            ["verify", "--device", "cpu", "chain.yaml"],
            "flag '--device': it is not a flag of this command; a key of the recipe is written device=VALUE",
        ),
        (["record", "--sale", "chain.yaml"], "flag '--sale': it is not a flag; did you mean '--stale'?"),
        (["verify", "chain.yaml", "steps.s=x + 1"], "it changes the recipe"),
        (["verify", "chain.yaml", "recipe=a,b"], "override 'recipe=a,b': 'recipe' is not a key of a recipe"),
        (["verify", "chain.yaml", "dtpye=float64"], "'dtpye' is not a key of a recipe; did you mean 'dtype'?"),
        (["record", "chain.yaml", "device=auto"], "a golden is for one type of device"),
        (["record", "chain.yaml", "device=meta"], "it holds no numbers"),
        (["verify", "chain.yaml", "-k"], "flag '-k': it needs a number above 0"),
        (["verify", "chain.yaml", "-k", "none"], "flag '-k': 'none' is not a number above 0"),
        (["verify", "chain.yaml", "dtype=choice()"], "override 'dtype=choice()'"),
        (["verify", "cases.yaml", "case=glob(*)"], "list them: case=A,B"),
        (["compare", "one"], "command line: 1 folder named; give two"),
        (["compare", "one", "two", "--k=0"], "flag '--k': "),
        (["compare", "one", "two", "--rtol=nan"], "'nan' is not a number of at least 0"),
        (["compare", "one", "two", "--signed-zeros=1"], "it takes no value; write --signed-zeros"),
        (["compare", "nowhere", "nobody"], "nowhere: is not a run's folder"),
        (["table"], "command line: no folder is named"),
        (["table", "nowhere"], "nowhere: is not a sweep's folder"),
    ],
)
def test_2_for_a_command_line_that_makes_no_sense(typed, words, said):
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_the_golden_of_a_numbered_cpu_is_the_default_one(typed, here):
    assert typed("record", "chain.yaml", "device=cpu:0")[0] == 0
    assert sorted(path.name for path in here.glob("*.json")) == ["chain.golden.json"]


# verify


def test_what_was_recorded_verifies_in_every_dtype_and_each_cell_has_a_line(typed):
    typed("record", ".")
    code, out, _ = typed("verify", ".", "dtype=float64,float32,bfloat16,float16")
    assert code == 0
    assert re.search(r"^ok +cases\.yaml +big +bfloat16-cpu +[\d.]+x? +cases\.golden\.json$", out, re.MULTILINE)
    assert out.splitlines()[-1] == "12 cells: 12 ok."


def test_a_failure_is_told_in_full_with_the_command_that_shows_it_alone(typed, monkeypatch):
    typed("record", "chain.yaml")
    monkeypatch.setitem(SCALE, "factor", 2.5)
    code, out, _ = typed("verify", "chain.yaml", "dtype=float32,bfloat16")
    assert code == 1
    assert re.search(r"^MISMATCH +chain\.yaml +bfloat16-cpu +\d+x +chain\.golden\.json$", out, re.MULTILINE)
    assert "s (verify_scaled, forward) is the first value out of bounds: it is " in out
    assert "      h: bfloat16 [3, 4] cpu\n" in out
    assert "also out of bounds: loss, x.grad, h.grad" in out
    assert "    recipe verify chain.yaml dtype=bfloat16\n" in out
    assert out.splitlines()[-1] == "2 cells: 2 mismatch."


def test_the_command_of_a_failure_shows_that_cell_alone(typed, monkeypatch):
    typed("record", "cases.yaml", "chain.yaml")
    monkeypatch.setitem(SCALE, "factor", 2.5)
    told = typed("verify", ".", "dtype=float32,float16")[1]
    words = re.search(r"recipe (verify .* dtype=float16)", told)[1].split()
    assert typed(*words)[1].splitlines()[-1] == "1 cell: 1 mismatch."


def test_each_command_that_verify_prints_names_the_files_of_ops_and_runs_as_it_stands(typed, here, monkeypatch):
    backend = "import torch\nif 'thine' not in torch.compiler.list_backends(exclude_tags=()):\n    "
    (here / "my back.py").write_text(f"{backend}torch._dynamo.register_backend(lambda g, _: g.forward, name='thine')\n")
    words = ("verify", "chain.yaml", "backend=thine", "--ops", "my back.py")

    def told(start):
        lines = [line.strip() for line in typed(*words)[1].splitlines()]
        return next(line[line.index(start) :] for line in lines if start in line)

    assert (record := told("recipe record")) == "recipe record --missing chain.yaml --ops 'my back.py'"
    assert typed(*shlex.split(record)[1:])[0] == 0
    monkeypatch.setitem(SCALE, "factor", 2.5)
    assert (alone := told("recipe verify")) == "recipe verify chain.yaml backend=thine --ops 'my back.py'"
    assert typed(*shlex.split(alone)[1:])[0] == 1
    (here / "chain.yaml").write_text(CHAIN.replace("exp", "sin"))
    assert told("recipe review") == "recipe review chain.yaml --ops 'my back.py'"


def test_cases_of_any_name_are_checked_recorded_and_verified(typed, here):
    names = ["a, b", "it's", "=cmd()", "ü", "1", "null", "\x1b[2J"]
    text = {"cases": {name: {"seed": 1} for name in names}, "tensors": {"x": [1.0]}, "steps": {"y": "x * 2"}}
    (here / "odd.yaml").write_text(json.dumps(text))
    assert typed("check", "odd.yaml") == (0, "odd.yaml: well-formed\n", "")
    assert "7 cases: 7 written." in typed("record", "odd.yaml")[1]
    assert "7 cells: 7 ok." in typed("verify", "odd.yaml")[1]
    for name in names:
        assert "1 cell: 1 ok." in typed("verify", "odd.yaml", case_override(name).text)[1]


def test_a_nan_uses_infinitely_much_of_what_is_allowed(typed, monkeypatch):
    typed("record", "chain.yaml")
    monkeypatch.setitem(SCALE, "factor", float("nan"))
    out = typed("verify", "chain.yaml")[1]
    assert re.search(r"MISMATCH +chain\.yaml +float32-cpu +inf \(NaN\)", out)


def test_a_gradient_alone_that_moved_is_told_as_backward(typed, here):
    typed("record", "chain.yaml")
    golden = here / "chain.golden.json"
    document = json.loads(golden.read_text(encoding="utf-8"))
    gradient = next(one for one in document["cases"][""]["values"] if one["name"] == "x.grad")
    gradient["value"][1][2] += 1
    golden.write_text(json.dumps(document), encoding="utf-8")
    out = typed("verify", "chain.yaml")[1]
    assert "x.grad (backward of h) is the first value out of bounds" in out
    assert "forward, all is within bounds" in out
    assert "at [1, 2]" in out


def test_missing_goldens_are_told_together_with_the_command_that_records_them(typed):
    code, out, _ = typed("verify", ".")
    assert code == 1
    assert "MISSING: 2 recipes without a golden" in out
    assert "    recipe record --missing cases.yaml chain.yaml\n" in out


def test_a_recipe_that_changed_is_stale(typed, here):
    typed("record", "chain.yaml")
    (here / "chain.yaml").write_text(CHAIN + "dtype: float16\n", encoding="utf-8")
    code, out, _ = typed("verify", "chain.yaml")
    assert code == 1
    assert "STALE" in out


def test_goldens_of_cases_and_recipes_that_are_gone_are_unused(typed, here):
    typed("record", ".")
    (here / "chain.yaml").unlink()
    (here / "cases.yaml").write_text(CASES.replace("big", "huge"), encoding="utf-8")
    code, out, _ = typed("verify", ".", "dtype=float32,float64")
    assert code == 1
    assert "there is no 'chain.yaml' beside chain.golden.json" in out
    assert "its case 'big'" in out
    assert out.splitlines()[-1] == "6 cells: 2 ok, 2 missing, 2 unused."


def test_a_folder_of_nothing_but_goldens_is_no_empty_folder(typed, here):
    typed("record", "chain.yaml")
    (here / "goldens").mkdir()
    (here / "chain.golden.json").rename(here / "goldens" / "chain.golden.json")
    assert typed("verify", "goldens")[1].splitlines()[-1] == "1 cell: 1 unused."


def test_2_for_a_recipe_that_does_not_parse_and_the_others_are_checked(typed, here):
    typed("record", ".")
    (here / "broken.yaml").write_text("steps: {y: {op: mul", encoding="utf-8")
    code, out, _ = typed("verify", ".")
    assert code == 2
    assert out.splitlines()[-1] == "4 cells: 3 ok, 1 refused."


def test_3_for_a_step_that_fails(typed, here, monkeypatch):
    typed("record", "chain.yaml")
    monkeypatch.setitem(SCALE, "factor", torch.ones(7))
    code, out, _ = typed("verify", "chain.yaml")
    assert code == 3
    assert "'verify_scaled' failed: The size of tensor a" in out


def test_2_where_no_cell_could_be_had(typed):
    typed("record", "chain.yaml")
    code, out, _ = typed("verify", "chain.yaml", "device=cuda:99")
    assert code == 2
    assert out.splitlines()[-1] == "1 cell: 1 unavailable."


def test_k_widens_what_is_allowed(typed, here, monkeypatch):
    (here / "chain.yaml").write_text(CHAIN.replace("backward: loss", ""), encoding="utf-8")
    typed("record", "chain.yaml")
    monkeypatch.setitem(SCALE, "factor", 2.0 + 1e-5)
    assert typed("verify", "chain.yaml", "-q")[0] == 1
    assert typed("verify", "chain.yaml", "-q", "-k", "1e6") == (0, "", "")


def test_verify_as_json_is_strict_and_holds_the_comparison(typed, monkeypatch):
    typed("record", "chain.yaml")
    monkeypatch.setitem(SCALE, "factor", float("nan"))
    code, out, _ = typed("verify", "chain.yaml", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    one = found["verifications"][0]
    assert (code, found["well"], found["exit_code"]) == (1, False, 1)
    assert (one["outcome"], one["used"], one["golden"]) == ("mismatch", "inf", "chain.golden.json")
    assert one["comparison"]["where"]["step"] == "s"


# compare


def test_two_equal_runs_agree(typed):
    code, out, _ = typed("compare", ran("a"), ran("b"))
    assert code == 0
    assert "7 values compared, all within bounds." in out
    assert "differ" not in out


def test_a_run_is_held_against_another_and_what_differs_besides_is_said(typed, here):
    ran("a", "seed=1")
    ran("b")
    stored = here / "b" / "result.json"
    stored.write_text(re.sub(r'"torch": "[^"]+"', '"torch": "1.0"', stored.read_text("utf-8")), encoding="utf-8")
    code, out, _ = typed("compare", "a", "b")
    assert code == 1
    assert "It starts at x (forward)." in out
    assert f"    torch: {torch.__version__}, and 1.0 in the reference" in out
    assert "    seed: 1, and 0 in the reference" in out


def test_runs_are_judged_anew_under_other_tolerances(typed):
    ran("low", "dtype=bfloat16")
    ran("high", "dtype=float64")
    codes = [typed("compare", "low", "high", f"--rtol={rtol}")[0] for rtol in ("1e-9", "0.1")]
    assert codes == [1, 0]


def test_with_a_baseline_noise_judges_and_k_says_how_much_of_it(typed):
    ran("low", "dtype=float32")
    ran("high", "dtype=float64")
    code, out, _ = typed("compare", "low", "high", "--baseline", "low", "--k=1")
    assert code == 0
    assert re.search(r"^h +exp +float32 +ok +noise", out, re.MULTILINE)


def test_a_baseline_of_another_dtype_or_no_eager_one_is_refused(typed):
    ran("low", "dtype=float32")
    ran("high", "dtype=float64")
    code, _, err = typed("compare", "low", "high", "--baseline", "high")
    assert code == 2
    assert err == "flag '--baseline': 'high' is a run of cpu eager float64; give one of cpu eager float32\n"


def test_signed_zeros_are_told_apart_where_that_is_asked(typed, here):
    (here / "zero.yaml").write_text("tensors: {x: [0.0]}\nsteps: {y: x * 1}\n", encoding="utf-8")
    ran("plus", recipe="zero.yaml")
    ran("minus", "tensors.x=[-0.0]", recipe="zero.yaml")
    assert [typed("compare", "minus", "plus", *flag)[0] for flag in ([], ["--signed-zeros"])] == [0, 1]


def test_what_lies_downstream_of_a_random_step_is_not_comparable_across_streams(typed, here):
    (here / "random.yaml").write_text(RANDOM, encoding="utf-8")
    ran("low", "dtype=bfloat16", recipe="random.yaml")
    ran("high", "dtype=float64", recipe="random.yaml")
    code, out, _ = typed("compare", "low", "high")
    assert code == 0
    assert "\nnot comparable: y, z: " in out


BRANCHES = """
tensors: {a: {data: [1.0, 2.0], requires_grad: true}, b: {data: [3.0, 4.0], requires_grad: true}}
steps:
  h: a * 2
  dropped: F.dropout(h)
  other: b.exp()

backward: [{target: dropped, gradient: {init: ones}}, {target: other, gradient: {init: ones}}]
"""
ASIDE = """
tensors: {a: {data: [1.0, 2.0], requires_grad: true}}
steps: {h: a.sin().mul_(2), dropped: F.dropout(h), other: h.sum()}
backward: other
"""
ATTENTION = "tensors: {q: {init: randn, size: [2, 4]}}\nsteps: {y: 'F.scaled_dot_product_attention(q, q, q)'}\n"
OTHERS = [
    (BRANCHES, "", "", "dropped a.grad h.grad dropped.grad"),
    (BRANCHES, "dropout(h)", "dropout(h, 0.0)", ""),
    (BRANCHES, "dropout(h)", "dropout(h, training=False)", ""),
    (BRANCHES, "b.exp()", "b * dropped.detach()", "dropped other_1 other a.grad b.grad h.grad dropped.grad other.grad"),
    (
        BRANCHES,
        "other, gradient: {init: ones}",
        "other, gradient: dropped",
        "dropped a.grad b.grad h.grad dropped.grad other.grad",
    ),
    (BRANCHES, "b.exp()", "b.sin().mul_(2)", "dropped a.grad b.grad h.grad dropped.grad other_1.grad other.grad"),
    (BRANCHES, "{target: dropped, gradient: {init: ones}}, ", "", "dropped"),
    (ASIDE, "", "", "dropped"),
    (ATTENTION, "", "", ""),
    (ATTENTION, "q, q)", "q, q, dropout_p=0.5)", "y"),
]


@pytest.mark.parametrize(("text", "words", "others", "random"), OTHERS)
def test_only_what_a_random_step_is_in_the_way_of_is_not_comparable(text, words, others, random):
    Path("r.yaml").write_text(text.replace(words, others))
    one, two = (run_recipe(load_recipe("r.yaml", [f"seed={n}"])) for n in (1, 2))
    assert downstream(one, two) == set(random.split())


def test_a_run_that_stopped_does_not_agree_with_one_that_did_not(typed, here):
    (here / "failing.yaml").write_text(FAILING, encoding="utf-8")
    cli._guarded(cli.run_recipe_main, ["failing.yaml", "hydra.run.dir=stopped", "-q"])
    ran("whole", "steps.z.op=add", recipe="failing.yaml")
    code, out, _ = typed("compare", "stopped", "whole")
    assert code == 1
    assert "it stopped at 'z' (RuntimeError); in the reference, it ran to its end" in out


def test_compare_as_json_holds_verdicts_and_differences(typed):
    found = json.loads(typed("compare", ran("a", "dtype=float64"), ran("b"), "--rtol=1e-3", "--json")[1])
    assert found["recipes"] == {"dtype": ["float64", "float32"]}
    assert {one["outcome"] for one in found["comparison"]["values"]} == {"ok"}


# sweeps


@pytest.fixture
def swept(here, capsys):
    """Two sweeps that have float32 in common."""
    (here / "plain.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: exp(x)}\n", encoding="utf-8")
    for name, dtypes in (("one", "float32,float64"), ("two", "float32,float16")):
        words = ["-m", "plain.yaml", f"dtype={dtypes}", f"hydra.sweep.dir={name}", "hydra.launcher.n_jobs=1", "-q"]
        assert cli._guarded(cli.run_recipe_main, words) == 0
    capsys.readouterr()


def test_a_sweep_is_tabled_again_and_held_against_another_cell_by_cell(typed, swept, here):
    code, out, _ = typed("table", "one")
    assert (code, out.splitlines()[-1]) == (0, "2 cells: 2 ok.")
    assert len(json.loads(typed("table", "one", "--json")[1])["rows"]) == 2
    assert typed("compare", "one", "one")[0] == 0
    code, out, _ = typed("compare", "one", "two")
    assert (code, out.splitlines()[-1]) == (1, "3 cells: 1 ok, 2 failed.")
    assert "the other sweep has no such cell" in out
    code, _, err = typed("compare", "one", "one/0")
    assert (code, err) == (2, "command line: 'one' is a sweep, and the other is a run\n")
    code, _, err = typed("compare", "one", "none")
    assert (code, err) == (2, "none: there is no such file or folder; give the folder of another sweep\n")


def test_cells_of_two_sweeps_that_differ_are_told_by_where_they_start(typed, swept, here):
    (here / "plain.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: exp2(x)}\n", encoding="utf-8")
    words = ["-m", "plain.yaml", "dtype=float32", "hydra.sweep.dir=changed", "hydra.launcher.n_jobs=1", "-q"]
    assert cli._guarded(cli.run_recipe_main, words) == 0
    code, out, err = typed("compare", "one", "changed")
    assert (code, err) == (1, "")
    assert "MISMATCH at y (exp, forward): 1 cell" in out
    row = json.loads(typed("compare", "one", "changed", "--json")[1])["rows"][0]
    assert (row["outcome"], row["where"]["step"]) == ("mismatch", "y")


# the words of a command line


def test_every_combination_of_the_values_given_is_a_cell():
    cells = Combinations(axes_of(["dtype=float32,float64", "device=cpu", "case=a,b"]))
    assert [texts_of(cell) for cell in cells] == [
        ("dtype=float32", "device=cpu", "case=a"),
        ("dtype=float32", "device=cpu", "case=b"),
        ("dtype=float64", "device=cpu", "case=a"),
        ("dtype=float64", "device=cpu", "case=b"),
    ]


def test_options_are_taken_off_wherever_they_stand_and_all_wrong_ones_are_told():
    parser, options = Parser("recipe"), Namespace()
    parser.add_argument("-k", type=above_0())
    parser.add_argument("--all", action="store_true")
    assert parser.words_beside(["a.yaml", "-k", "2", "b.yaml", "->"], options, {}) == ["a.yaml", "b.yaml", "->"]
    assert (options.k, options.all) == (2.0, False)
    with pytest.raises(RecipeError) as raised:
        parser.words_beside(["-k=0", "--all=3", "--what", "-k5", "--al"], options, {})
    assert str(raised.value).splitlines() == [
        "flag '-k': '0' is not a number above 0, such as 2",
        "flag '--all': it takes no value; write --all",
        "flag '--what': it is not a flag; see recipe --help",
        "flag '-k5': it is not a flag; see recipe --help",
        "flag '--al': it is not a flag; did you mean '--all'? See recipe --help",
    ]


def test_the_commands_of_goldens_are_refused_without_loading_torch(typed):
    from tests.test_light import loaded_by

    lines = "from tensorflow_free import cli\ntry: cli._guarded(cli.recipe_main, ['verify', 'a.yaml', '--bogus'])\nexcept SystemExit: pass"
    assert loaded_by(lines) & {"torch", "hydra", "omegaconf"} == set()
    assert "torch" in loaded_by("import tensorflow_free.commands.verify")
    assert Path("chain.yaml").is_file()


def test_what_does_not_fit_its_recipe_any_more_is_told_with_review(typed, here):
    typed("record", ".")
    (here / "chain.yaml").write_text(CHAIN + "dtype: float16\n", encoding="utf-8")
    (here / "cases.yaml").write_text(CASES.replace("big", "huge"), encoding="utf-8")
    _, out, _ = typed("verify", ".")
    assert "look at what that changed, and accept it or not: recipe review chain.yaml" in out
    assert "remove it: recipe review cases.yaml" in out
    code, out, _ = typed("record", "--missing", "chain.yaml")
    assert code == 0
    assert "stale: the recipe has changed since; look at what that changed: recipe review chain.yaml" in out


@pytest.mark.parametrize("place", ["outputs/chain/a", "chain/here", ".hidden"])
def test_recipes_that_runs_stored_are_passed_by_below_a_folder(typed, here, place):
    ran(place)
    Path(place, ".hydra").mkdir()
    Path(place, ".hydra", "config.yaml").write_text("a: 1\n")
    for command in ("list", "check", "verify"):
        _, out, err = typed(command, ".")
        assert "chain.yaml" in out
        assert "recipe.yaml" not in out + err
        assert "config.yaml" not in out + err
    assert typed("check", f"{place}/recipe.yaml")[0] == 0


def test_a_folder_of_nothing_but_runs_has_no_recipe(typed, here):
    ran("outputs/a")
    with pytest.raises(RecipeError, match="there is no recipe in this folder or below it; what runs wrote is skipped"):
        next(recipe_files(["outputs"]))


def test_recipes_of_sweeps_are_passed_by_whatever_their_folder_is_called(typed, here):
    Path("swept/0").mkdir(parents=True)
    for file in ("swept/sweep.json", "swept/multirun.yaml", "swept/0/recipe.yaml"):
        Path(file).write_text("{}\n")
    _, out, err = typed("list", ".")
    assert "swept" not in out + err
