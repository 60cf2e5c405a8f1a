"""The commands as they are typed: exit codes, what they print and where, and what they leave on disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tensorflow_free import Result, cli, read_result
from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.commands.subcommands import parser_of, recipe_parser
from tensorflow_free.result.model import RunFile
from tests.processes import finished, shown_on_terminal, started, waited, without_escapes

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

LINEAR = (ROOT / "recipes" / "linear_autograd.yaml").read_text(encoding="utf-8")
CASES = "cases:\n  small: {tensors: {x: 1.0}, steps: {y: x + 1}}\n  big: {tensors: {x: 2.0}, steps: {y: x + 1}}\n"
FAILING = "tensors: {x: [[1.0, 2.0]]}\nsteps:\n  y: x * 2\n  z: {op: mm, args: [y, y]}\n"
OPS = "from tensorflow_free import register_op\nregister_op('cli_tripled', lambda x: x * 3)\n"
SLOW_OPS = """
import pathlib, time
from tensorflow_free import register_op

def cli_nap(x):
    pathlib.Path("napping").touch()
    time.sleep(0.02)
    return x + 0

register_op("cli_nap", cli_nap)
"""
SLOW = "tensors: {x: 1.0}\nsteps:\n  many: {repeat: 60, steps: {y: {op: cli_nap, args: [x]}}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with recipes, in which every test runs."""
    monkeypatch.chdir(tmp_path)
    texts = {"linear.yaml": LINEAR, "cases.yaml": CASES, "failing.yaml": FAILING, "slow.yaml": SLOW}
    for name, text in {**texts, "ops.py": OPS, "slow_ops.py": SLOW_OPS}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def typed(capsys):
    """Runs a command line in this process: its exit code, standard output and standard error."""

    def type_in(command, *words):
        main = {"run-recipe": cli.run_recipe_main, "recipe": cli.recipe_main}[command]
        code = cli._guarded(main, words)
        return code, *capsys.readouterr()

    return type_in


def shell(line, **environment):
    """A line as a shell runs it, in a process of its own."""
    variables = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **environment}
    return finished("bash", "-c", line, text=False, env=variables)


def results():
    return sorted(Path().rglob("result.json"))


# exit codes


def test_0_when_all_is_well(typed):
    code, out, err = typed("run-recipe", "linear.yaml")
    assert (code, err) == (0, "")
    assert "2 of 2 expectations hold." in out


CASES_OF_TENSORS = "cases: {one: {tensors: {x: 1.0}}, two: {params: {n: 2}, tensors: {x: 2.0}}}\n"


@pytest.mark.parametrize(
    ("steps", "case"),
    [
        ("y: x * 2", "one"),
        ("{y: x * 2, z: frobnicate(y)}", "one"),
        ("y: 3 * ${params.n}", "two"),
        ("y: frobnicate(2)", None),
    ],
)
def test_that_no_case_is_chosen_is_told_where_a_case_would_help(typed, steps, case):
    Path("try.yaml").write_text(
        f"{CASES_OF_TENSORS}steps: {steps}\n".replace("steps: y", "steps:\n  y"), encoding="utf-8"
    )
    code, _, err = typed("run-recipe", "try.yaml")
    assert code == 2
    assert ("no case is chosen" in err) == (case is not None)
    assert case is None or f"cases: no case is chosen; there are one, two: case={case}" in err


def test_1_when_something_expected_does_not_hold(typed):
    code, out, _ = typed("run-recipe", "linear.yaml", "expect.y=6")
    assert code == 1
    assert "FAILS  y" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["linear.yaml", "dtpye=float64"], "'dtpye' is not a key of a recipe; did you mean 'dtype'?"),
        (["linear.yaml", "steps.y.op=addd"], "did you mean 'add'?"),
        (["linear.yaml", "--no-such-flag"], "flag '--no-such-flag': it is not a flag"),
        (["linear.yaml", "--config-path=x"], "it is refused"),
        (["linear.yaml", "case=big"], "'big' is not a case of this recipe"),
        (["linear.yaml", "device=toaster"], "'toaster' is not a device"),
        (["linear.yaml", "steps.y"], "steps.y"),
        (["nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["dtype=float64"], "no recipe is named"),
        (["linear.yaml", "--ops"], "it needs a Python file"),
        (["linear.yaml", "--ops", "--no-save"], "flag '--ops': it needs a Python file"),
        (["linear.yaml", "--timeout", "--quiet"], "flag '--timeout': it needs a number of seconds"),
        (["linear.yaml", "--ops", "nowhere.py"], "flag '--ops': 'nowhere.py' is not there"),
    ],
)
def test_2_when_the_recipe_or_the_command_line_is_wrong(typed, words, said):
    code, out, err = typed("run-recipe", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert results() == []


def test_2_for_a_device_that_is_not_here(typed):
    code, _, err = typed("run-recipe", "linear.yaml", "device=cuda:99")
    assert code == 2
    assert "cuda:99" in err


def test_3_when_a_step_fails_and_what_there_is_is_saved(typed):
    code, out, _ = typed("run-recipe", "failing.yaml")
    assert code == 3
    assert re.search(r"failing\.yaml:4:\d+: steps\.z: 'mm' failed: mat1 and mat2", out)
    read = read_result(results()[0].parent)
    assert (list(read), read.error.step) == (["x", "y"], "z")


def test_0_when_a_step_fails_as_expected(typed):
    code, out, _ = typed("run-recipe", "failing.yaml", "expect={error: {step: z, match: shapes cannot}}")
    assert code == 0
    assert "stopped as expected" in out


@pytest.mark.parametrize("flags", [[], ["--json"], ["--quiet"]])
def test_4_when_the_output_cannot_be_written_and_the_result_is_shown_all_the_same(typed, flags):
    Path("outputs").write_text("in the way")
    code, out, err = typed("run-recipe", "linear.yaml", *flags)
    assert code == 4
    assert re.fullmatch(r"outputs/linear/\S+: the result cannot be written: Not a directory\n", err)
    assert bool(out) == (flags != ["--quiet"])


def test_4_and_a_traceback_for_an_error_of_ours(typed, monkeypatch):
    monkeypatch.setattr(Result, "on_disk", lambda _: 1 / 0)
    code, _, err = typed("run-recipe", "linear.yaml", "--json")
    assert code == 4
    assert "this is an error in tensorflow_free, not in your recipe: ZeroDivisionError" in err


def test_130_when_it_is_interrupted(here):
    command = [BIN / "run-recipe", "slow.yaml", "steps.many.repeat=100000", "--ops", "slow_ops.py"]
    with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        waited(Path("napping").exists)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (130, b"", b"interrupted; what was written is complete\n")
    assert results() == []


def test_several_recipes_run_each_and_the_worst_code_counts(typed):
    code, out, _ = typed("run-recipe", "linear.yaml", "failing.yaml")
    assert code == 3
    assert "linear · cpu" in out
    assert "failing · cpu" in out
    assert len(results()) == 2


def test_mistakes_in_several_recipes_are_told_together(typed):
    Path("one.yaml").write_text("stepps: {}")
    Path("two.yaml").write_text("tensor: {}")
    code, _, err = typed("run-recipe", "one.yaml", "linear.yaml", "two.yaml", "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml" in err


# cases


def test_a_file_of_cases_lists_them(typed):
    code, out, err = typed("run-recipe", "cases.yaml")
    assert (code, out) == (2, "")
    assert (
        err
        == "cases.yaml:1:1: cases: the recipe has no steps of its own; choose one of its cases:\n  case=small\n  case=big\n"
    )


def test_a_case_of_a_file_of_cases_runs(typed):
    code, out, _ = typed("run-recipe", "cases.yaml", "case=big")
    assert code == 0
    assert out.startswith("cases · case big · cpu")


# flags


def test_no_arguments_print_the_help(typed):
    for command, help_text in (("run-recipe", run_parser().format_help()), ("recipe", recipe_parser().format_help())):
        assert typed(command) == (2, help_text, "")
        assert typed(command, "--help") == (0, help_text, "")
        assert typed(command, "-h") == (0, help_text, "")


def test_help_fits_a_terminal_and_names_every_exit_code():
    texts = [one.format_help() for one in (run_parser(), recipe_parser(), *map(parser_of, COMMANDS))]
    assert all(len(line) <= 120 for text in texts for line in text.splitlines())
    assert all(f"{code} " in texts[0] for code in (0, 1, 2, 3, 4, 130))


def test_each_command_has_a_help_of_its_own_that_names_all_its_flags(typed):
    code, out, err = typed("recipe", "compare", "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: recipe compare A B [flags]\n")
    assert all(
        flag in out for flag in ("--rtol X", "--atol X", "--signed-zeros", "--baseline RUN", "-k N, --k N", "--json")
    )
    assert typed("recipe", "--help", "compare")[1] == out


def test_version(typed):
    import tensorflow_free

    assert typed("run-recipe", "--version") == (0, f"tensorflow_free {tensorflow_free.__version__}\n", "")
    assert typed("recipe", "--version") == (0, f"tensorflow_free {tensorflow_free.__version__}\n", "")


def test_json_is_the_result_and_nothing_else(typed):
    code, out, err = typed("run-recipe", "linear.yaml", "--json")
    assert (code, err) == (0, "")
    assert RunFile.model_validate(json.loads(out)) == RunFile.model_validate(json.loads(results()[0].read_text()))


def test_json_of_a_run_that_failed_holds_the_error(typed):
    code, out, _ = typed("run-recipe", "failing.yaml", "--json", "--no-save")
    assert code == 3
    assert json.loads(out)["error"]["step"] == "z"


def test_quiet_prints_nothing_when_all_is_well(typed):
    assert typed("run-recipe", "linear.yaml", "--quiet") == (0, "", "")
    assert typed("run-recipe", "linear.yaml", "-q") == (0, "", "")


def test_quiet_prints_what_is_wrong(typed):
    code, out, err = typed("run-recipe", "linear.yaml", "-q", "expect.y=6")
    assert (code, out) == (1, "")
    assert err.startswith("linear (cpu float32 eager): expect.y: fails: 6: it is 5")
    code, out, err = typed("run-recipe", "failing.yaml", "-q")
    assert (code, out) == (3, "")
    assert "'mm' failed" in err


def test_no_save_writes_nothing(typed, here):
    before = sorted(here.rglob("*"))
    assert typed("run-recipe", "linear.yaml", "--no-save")[0] == 0
    assert sorted(here.rglob("*")) == before


def test_the_file_that_holds_the_result_is_named(typed):
    _, out, _ = typed("run-recipe", "linear.yaml")
    assert out.splitlines()[-1] == str(results()[0])
    assert re.fullmatch(
        r"outputs/linear/\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}-[0-9a-f]{6}/result\.json", str(results()[0])
    )


def test_ops_of_a_file_can_be_used():
    words = "'steps.y={op: cli_tripled, args: [wx]}' '~expect'"
    done = shell(
        f"run-recipe linear.yaml linear.yaml {words} --ops ops.py && run-recipe -m linear.yaml seed=1,2 {words} --ops=ops.py"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(re.findall(rb"^y +cli_tripled +float32 +\[\] +6 ", done.stdout, re.MULTILINE)) == 2
    assert b"2 cells: 2 ok." in done.stdout


def test_ops_of_a_file_can_be_looked_up():
    assert shell("recipe ops --ops ops.py cli_tripled").stdout.startswith(b"cli_tripled\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("from tensorflow_free import register_op\nregister_op('mul', lambda x: x)", "'mul'"),
    ],
)
def test_a_file_of_ops_that_does_not_load_is_told_in_words(typed, text, said):
    Path("bad.py").write_text(text)
    code, _, err = typed("run-recipe", "linear.yaml", "--ops", "bad.py")
    assert code == 2
    assert err.startswith("bad.py")
    assert said in err
    assert "Traceback" not in err


# through Hydra


def test_a_folder_can_be_named(typed):
    code, _, _ = typed("run-recipe", "linear.yaml", "hydra.run.dir=kept")
    assert code == 0
    assert read_result("kept")["y"].item() == 5.0
    assert (Path("kept") / ".hydra").is_dir()


def test_a_folder_that_holds_something_is_refused(typed):
    typed("run-recipe", "linear.yaml", "hydra.run.dir=kept")
    code, _, err = typed("run-recipe", "linear.yaml", "hydra.run.dir=kept")
    assert code == 2
    assert "holds something already" in err


def test_multirun_runs_every_combination(typed):
    code, out, _ = typed("run-recipe", "-m", "linear.yaml", "dtype=float32,float64", "seed=1,2")
    assert code == 0
    [sweep] = [path.parent for path in Path().rglob("sweep.json")]
    assert {read_result(sweep / str(cell)).recipe.dtype for cell in range(4)} == {"float32", "float64"}
    assert "4 cells: 4 ok." in out


def test_the_worst_exit_code_of_a_multirun_counts(typed):
    code, out, err = typed("run-recipe", "-m", "linear.yaml", "expect.y=5,6", "-q")
    assert (code, out) == (1, "")
    assert err.startswith("cell 1 (expect.y=6): failed: ")


def test_json_of_a_multirun_is_json_alone(typed):
    _, out, _ = typed("run-recipe", "-m", "linear.yaml", "dtype=float32,float64", "--json")
    sweep = json.loads(out)
    assert (sweep["cells"], sweep["well"]) == (2, True)
    assert [row["dtype"] for row in sweep["rows"]] == ["float32", "float64"]


def test_a_multirun_without_saving_keeps_rows_and_no_results(typed):
    typed("run-recipe", "-m", "linear.yaml", "dtype=float32,float64", "--no-save", "hydra.sweep.dir=kept")
    assert sorted(path.name for path in Path("kept").iterdir()) == ["cells.jsonl", "sweep.csv", "sweep.json"]


def test_cfg_shows_the_composed_recipe_and_runs_nothing(typed):
    code, out, _ = typed("run-recipe", "linear.yaml", "dtype=float64", "--cfg", "job")
    assert code == 0
    assert "dtype: float64" in out
    assert results() == []


# where the output goes


def test_a_pipe_that_closes_is_no_error():
    done = shell("set -o pipefail; run-recipe linear.yaml | head -1; echo ${PIPESTATUS[0]}; recipe ops | head -1")
    assert done.stderr == b""
    assert done.stdout.splitlines()[1] == b"0"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_keeps_the_exit_code(unbuffered):
    done = shell("run-recipe linear.yaml expect.y=6 | true; echo ${PIPESTATUS[0]}", PYTHONUNBUFFERED=unbuffered)
    assert (done.stdout, done.stderr) == (b"1\n", b"")


def test_no_standard_output_is_no_error():
    done = shell("run-recipe linear.yaml >&-")
    assert (done.returncode, done.stderr) == (0, b"")


def test_any_encoding_will_do():
    done = shell("run-recipe linear.yaml", LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"linear ? cpu ? float32" in done.stdout


def test_json_is_right_in_any_encoding():
    done = shell("run-recipe linear.yaml --json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["description"] == "y = w·x + b, and how y changes with w."


def test_messages_go_to_standard_error_in_any_encoding():
    Path("ü.yaml").write_text("stepps: {ü: 1}", encoding="utf-8")
    done = shell("run-recipe ü.yaml", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"stepps" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_terminal_gets_colour():
    text = shown_on_terminal(BIN / "run-recipe", "linear.yaml", columns=80)
    assert "\x1b[" in text
    assert "2 of 2 expectations hold." in text


def test_a_narrow_terminal_gets_a_narrow_table():
    text = without_escapes(shown_on_terminal(BIN / "run-recipe", "linear.yaml", columns=40))
    rows = [line for line in text.splitlines() if line.startswith(("name", "x ", "w ", "wx ", "y "))]
    assert all(len(row.rstrip()) <= 40 for row in rows)
    assert any("value" in row for row in rows)


def test_a_long_run_shows_progress_on_a_terminal():
    text = shown_on_terminal(BIN / "run-recipe", "slow.yaml", "--ops", "slow_ops.py", columns=80)
    assert "steps, " in text


def test_what_is_no_terminal_gets_no_colour_and_no_progress():
    done = shell("run-recipe slow.yaml --ops slow_ops.py", FORCE_COLOR="1", COLUMNS="20")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    assert b"name  op       dtype" in done.stdout


# recipe


def test_list_names_each_recipe_with_its_cases_and_description(typed):
    code, out, err = typed("recipe", "list", ".")
    assert (code, err) == (0, "")
    assert re.search(r"^linear\.yaml +y = w·x \+ b, and how y changes with w\.$", out, re.MULTILINE)
    assert re.search(r"^cases\.yaml +\(cases: small, big\)$", out, re.MULTILINE)


def test_list_is_of_the_folder_recipes_without_a_word(typed):
    Path("recipes").mkdir()
    shutil.copy("linear.yaml", "recipes")
    assert typed("recipe", "list")[1].startswith("recipes/linear.yaml  y = ")


def test_list_without_a_word_where_there_is_no_folder_recipes_asks_for_one(typed):
    told = "command line: there is no folder 'recipes' here; name one: recipe list FOLDER\n"
    assert typed("recipe", "list") == (2, "", told)


def test_list_as_json(typed):
    listed = json.loads(typed("recipe", "list", ".", "--json")[1])
    assert {entry["recipe"]: entry["cases"] for entry in listed}["cases.yaml"] == ["small", "big"]


def test_list_tells_of_recipes_that_are_wrong_and_lists_the_others(typed):
    Path("bad.yaml").write_text("stepps: {}")
    code, out, err = typed("recipe", "list", ".")
    assert code == 2
    assert "linear.yaml" in out
    assert "bad.yaml:1:1: stepps: 'stepps' is not a key of a recipe" in err


def test_list_of_nothing_is_told(typed):
    Path("empty").mkdir()
    assert typed("recipe", "list", "empty") == (
        2,
        "",
        "empty: there is no recipe in this folder or below it; what runs wrote is skipped\n",
    )


def test_check_binds_every_case_and_runs_nothing(typed):
    assert typed("recipe", "check", "linear.yaml", "cases.yaml") == (
        0,
        "linear.yaml: well-formed\ncases.yaml: well-formed\n",
        "",
    )
    assert results() == []


def test_check_tells_every_problem_of_every_case(typed):
    Path("bad.yaml").write_text(
        "cases:\n  one: {steps: {y: {op: mull, args: [x]}}}\n  two: {steps: {y: {op: addd, args: [x]}}}\ntensors: {x: 1.0}\n"
    )
    code, out, err = typed("recipe", "check", "bad.yaml", "linear.yaml")
    assert (code, out) == (2, "linear.yaml: well-formed\n")
    assert "'mull' is not an op" in err
    assert "'addd' is not an op" in err


def test_show_shows_the_result_in_a_folder(typed):
    _, printed, _ = typed("run-recipe", "linear.yaml")
    code, shown, _ = typed("recipe", "show", str(results()[0].parent))
    assert code == 0
    assert shown.splitlines() == printed.splitlines()[:-2]


def test_show_of_several_tells_each_by_its_file(typed):
    typed("run-recipe", "linear.yaml", "-q")
    folder = str(results()[0].parent)
    _, out, _ = typed("recipe", "show", folder, folder)
    assert out.count(f"\n{folder}/result.json\n") == 2
    assert f"{folder}/result.json\n\nlinear" in out


def test_show_as_json(typed):
    typed("run-recipe", "linear.yaml", "-q")
    _, out, _ = typed("recipe", "show", str(results()[0].parent), "--json")
    assert json.loads(out) == json.loads(results()[0].read_text())


def test_show_of_what_is_no_result_is_told(typed):
    code, _, err = typed("recipe", "show", "nowhere")
    assert (code, err) == (2, "nowhere: is not a run's folder; there is no result.json in it\n")


def test_show_of_the_folder_around_runs_names_the_newest(typed):
    for seed in (1, 2):
        typed("run-recipe", "linear.yaml", "-q", f"seed={seed}", f"hydra.run.dir=kept/{seed}")
    os.utime("kept/2/result.json", (1, 1))
    code, _, err = typed("recipe", "show", "kept")
    told = "is not a run's folder; there is no result.json in it; the newest runs below it are kept/1, kept/2"
    assert (code, err) == (2, f"kept: {told}\n")


def test_table_of_a_run_names_what_shows_it(typed):
    typed("run-recipe", "linear.yaml", "-q", "hydra.run.dir=kept")
    code, _, err = typed("recipe", "table", "kept")
    assert (code, err) == (2, "kept: is a run's folder; recipe show kept shows it\n")


LOOKUPS_ALONE = """
import sys
from tensorflow_free.entry import recipe
for words in ("--help", "help", "help judging#the-rule", "help verify", "explain", "explain mismatch", "new --list", "completion zsh"):
    sys.argv = ["recipe", *words.split()]
    try:
        recipe()
    except SystemExit as end:
        assert not end.code, words
    assert not {"torch", "hydra"} & {*sys.modules}, words
"""


def test_help_codes_starters_and_completion_are_shown_without_torch():
    done = finished(sys.executable, "-c", LOOKUPS_ALONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "#compdef recipe" in done.stdout


SCHEMA_ALONE = """
import sys
from tensorflow_free.entry import recipe
sys.argv = ["recipe", "schema", "recipe"]
try:
    recipe()
except SystemExit as end:
    sys.exit(end.code or {"torch", "pydantic"} & {*sys.modules} or 0)
"""


def test_schema_of_a_recipe_is_printed_as_it_came_without_torch():
    done = finished(sys.executable, "-c", SCHEMA_ALONE)
    kept = Path(cli.__file__).parent.parent / "docs" / "recipe.schema.json"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == kept.read_text(encoding="utf-8")


def test_schema_of_a_recipe_has_ops_of_ones_own_where_they_are_given(typed):
    Path("mine.py").write_text(
        "from tensorflow_free import register_op\n"
        "@register_op('schemas.own', replace=True)\n"
        "def own(x, how: float = 2.0):\n    return x * how\n"
    )
    code, out, _ = typed("recipe", "schema", "recipe", "--ops", "mine.py")
    assert code == 0
    ops = json.loads(out)["definitions"]
    offered = next(one for one in ops["op"]["anyOf"] if "enum" in one)
    assert offered["enumDescriptions"][offered["enum"].index("schemas.own")].startswith("schemas.own(x, how=2.0)")


def test_schema_prints_the_schema_of_result_json(typed):
    code, out, _ = typed("recipe", "schema", "result")
    assert code == 0
    assert json.loads(out) == RunFile.model_json_schema()


@pytest.mark.parametrize("name", ["recipe", "result", "row", "comparison", "sweep", "golden"])
def test_each_file_that_is_kept_has_a_schema(typed, name):
    code, out, _ = typed("recipe", "schema", name)
    assert (code, json.loads(out)["type"]) == (0, "object")


def test_a_schema_of_no_file_is_refused(typed):
    code, _, err = typed("recipe", "schema", "rows")
    known = "recipe, result, row, comparison, sweep, golden, matrix"
    assert (code, err) == (2, f"command line: 'rows' names no schema; give one of {known}\n")
    code, out, err = typed("recipe", "schema")
    assert (code, out, err) == (2, "", f"command line: no schema is named; give one of {known}\n")


def test_ops_lists_one_many_or_all(typed):
    assert typed("recipe", "ops", "softmax")[1].startswith("softmax\n")
    assert "linalg.svd" in typed("recipe", "ops", "linalg.*")[1]
    assert len(typed("recipe", "ops")[1].splitlines()) > 1000
    assert json.loads(typed("recipe", "ops", "softmax", "--json")[1])["name"] == "softmax"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lisst"], "command line: 'lisst' is not a command; did you mean 'list'?"),
        (
            ["xyzzy"],
            f"command line: 'xyzzy' is not a command; the commands are {', '.join(COMMANDS)}",
        ),
        (
            ["list", "--fail-fast"],
            "flag '--fail-fast': it is a flag of recipe check-in and run-recipe, and not of this command; see recipe list --help",
        ),
        (
            ["list", "--resume", "x"],
            "flag '--resume': it is a flag of run-recipe, and not of this command; see recipe list --help",
        ),
        (["list", "--jsn"], "flag '--jsn': it is not a flag; did you mean '--json'? See recipe list --help"),
        (["ops", "a", "b"], "command line: 'b' is one word too many; give one op or one pattern, in quotes"),
        (["ops", "sofmax"], "'sofmax' is not an op, nor part of the name of one; did you mean 'softmax'?"),
        (["check"], "command line: no recipe is named; give the path of a .yaml file"),
        (["show"], "command line: no folder is named; give a run's folder"),
        (["check", "zzzzzzzz.yaml"], "zzzzzzzz.yaml: there is no such file"),
    ],
)
def test_2_for_words_that_recipe_does_not_know(typed, words, said):
    assert typed("recipe", *words) == (2, "", f"{said}\n")
