"""`recipe compare` and `compare_results` of saved runs: noise from the recipe that one of them keeps, inputs, counts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from tensorflow_free import Comparison, Judging, cli, compare_results, load_recipe, read_result, register_op, run_recipe
from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.commands import stored_sweeps
from tensorflow_free.judging.same_starts import same_start

ATTENTION = Path(__file__).parent / "cases" / "sdpa_compare.yaml"
MODEL = {
    "tensors": {
        "x": {"init": "randn", "size": [8, 16], "requires_grad": True},
        "w": {"init": "randn", "size": [16, 4], "requires_grad": True},
    },
    "steps": {"h": "x @ w", "y": "h.softmax(-1)", "top": "y.argmax(-1)", "loss": "y.log().mean()"},
    "backward": "loss",
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def typed(capsys):
    def type_in(*words):
        code = cli._guarded(cli.recipe_main, ["compare", *words])
        return code, *capsys.readouterr()

    return type_in


def ran(*overrides, recipe=MODEL):
    return run_recipe(load_recipe(recipe, overrides))


def saved(folder, *overrides, recipe=MODEL, change=None):
    result = ran(*overrides, recipe=recipe)
    if change is not None:
        change(result)
    return str(result.save(folder))


def scaled(name, factor):
    return lambda result: result.records[name].value.mul_(factor)


# noise from the recipe

PAIRS = [("bfloat16", "float32"), ("float32", "bfloat16"), ("bfloat16", "float16"), ("float32", "float64")]


@pytest.mark.parametrize("dtypes", PAIRS)
def test_true_runs_of_two_dtypes_agree_in_every_value(dtypes):
    comparison = compare_results(*(ran(f"dtype={dtype}") for dtype in dtypes))
    assert not [(one.name, one.reason) for one in comparison.bad]
    assert {one.rule for one in comparison.values} <= {"inputs", "equal", "rounding", "exact"}
    assert comparison.compared + (comparison["top"].outcome == "dtype-dependent") == 11


@pytest.mark.parametrize("dtypes", PAIRS)
@pytest.mark.parametrize("side", [0, 1])
def test_a_wrong_gradient_of_either_run_is_red(dtypes, side):
    results = [ran(f"dtype={dtype}") for dtype in dtypes]
    results[side].records["w.grad"].value.mul_(1.25)
    assert [one.name for one in compare_results(*results).bad] == ["w.grad"]


def test_all_gradients_of_attention_without_dropout_are_compared(typed):
    folders = [saved(dtype, f"dtype={dtype}", recipe=ATTENTION) for dtype in ("bfloat16", "float32")]
    code, out, _ = typed(*folders, "--json")
    values = json.loads(out)["comparison"]["values"]
    assert code == 0
    assert [one["outcome"] for one in values if one["kind"] == "gradient"] == ["ok"] * 40
    assert typed(*folders)[1].splitlines()[-4] == "86 values compared, all within bounds."


@pytest.mark.parametrize("name", ["q.grad", "v2.grad", "weights.grad", "k2r_4.grad"])
def test_a_wrong_gradient_of_attention_is_red(name, typed):
    wrong = saved("wrong", "dtype=bfloat16", recipe=ATTENTION, change=scaled(name, 1.25))
    code, out, _ = typed(wrong, saved("float32", recipe=ATTENTION))
    assert code == 1
    assert "1 value out of bounds, of 86 compared." in out
    assert f"\n{name}: " in out


def test_two_low_precision_runs_may_both_round():
    chain = {
        **MODEL,
        "steps": {f"h{n}": f"{f'h{n - 1}' if n else 'x'} * 1.1 + 0.3" for n in range(40)},
        "backward": None,
    }
    one, other = (ran(f"dtype={dtype}", recipe=chain) for dtype in ("bfloat16", "float16"))
    assert compare_results(one, other).is_well
    other.records["h39"].value.mul_(1.3)
    assert [one.name for one in compare_results(one, other).bad] == ["h39"]


def test_two_runs_of_one_dtype_are_held_to_the_noise_of_both():
    one, other = ran(), ran()
    other.records["w.grad"].value.mul_(1 + 2**-22)
    assert compare_results(one, other)["w.grad"].outcome == "ok"
    other.records["w.grad"].value.mul_(1 + 2**-15)
    assert compare_results(one, other)["w.grad"].outcome == "mismatch"


def test_k_replaces_that_of_the_rule(typed):
    low = saved("low", "dtype=bfloat16", change=scaled("w.grad", 1.25))
    codes = [typed(low, saved("high"), *flags)[0] for flags in ([], ["--k=100"])]
    assert codes == [1, 0]


def test_an_integer_may_differ_where_the_rounding_of_what_was_started_from_makes_it():
    recipe = {"tensors": {"x": [1.0, 1.001]}, "steps": {"top": "x.argmax()", "two": "top * 2"}}
    low, high = ran("dtype=bfloat16", recipe=recipe), ran(recipe=recipe)
    assert compare_results(low, high)["top"].outcome == "dtype-dependent"
    low.records["two"].value.fill_(9)
    assert [one.name for one in compare_results(low, high).bad] == ["two"]


def test_a_stored_run_reads_the_files_that_its_folder_keeps():
    start = {"init": "tensor", "data": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).T}
    recipe = {"tensors": {"x": start}, "steps": {"y": "x.exp()"}}
    folders = [saved(dtype, f"dtype={dtype}", recipe=recipe) for dtype in ("float16", "float64")]
    comparison = compare_results(*map(read_result, folders))
    assert (comparison["y"].rule, comparison.notes) == ("rounding", ())


def test_a_recipe_that_cannot_run_here_is_judged_by_tolerance_and_that_is_told(typed):
    register_op("compare_gone", lambda x: x.exp())
    recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "compare_gone(x)", "z": "y * 1.1 - y * 1.0999"}}
    folders = [saved(dtype, f"dtype={dtype}", recipe=recipe) for dtype in ("float32", "float64")]
    stored = Path(folders[1]) / "recipe.yaml"
    stored.write_text(stored.read_text("utf-8").replace("compare_gone", "compare_gone_long_ago"), encoding="utf-8")
    code, out, _ = typed(*folders)
    assert code == 0
    assert (
        "\nhow far rounding may take a value cannot be found here, so that the tolerance of its dtype judges: " in out
    )
    assert "'compare_gone_long_ago' is an op of the user's own" in out


def test_a_sparse_value_is_compared_by_the_noise(typed):
    steps = {"s": "a.to_sparse()", "p": "torch.sparse.mm(s, a)", "q": "p.sum()"}
    recipe = {"tensors": {"a": {"init": "randn", "size": [9, 9]}}, "steps": steps}
    good = [ran(f"dtype={dtype}", recipe=recipe) for dtype in ("float32", "float64")]
    assert compare_results(*good).is_well
    good[0].records["p"].value.mul_(1.001)
    assert [one.name for one in compare_results(*good).bad] == ["p"]


def test_complex_numbers_and_float64_are_held_to_their_own_rounding():
    steps = {"y": "x.exp()", "f": "torch.fft.fft(y)", "loss": "y.abs().sum()"}
    start = {"init": "randn", "size": [6], "dtype": "complex", "requires_grad": True}
    recipe = {"tensors": {"x": start}, "steps": steps, "backward": "loss"}
    for dtypes, small, large in ((("float32", "float64"), 1e-7, 1e-4), (("float64", "float64"), 3e-16, 1e-12)):
        one, other = (ran(f"dtype={dtype}", recipe=recipe) for dtype in dtypes)
        one.records["x.grad"].value.mul_(1 + small)
        assert compare_results(one, other).is_well
        one.records["x.grad"].value.mul_(1 + large)
        assert [each.name for each in compare_results(one, other).bad] == ["x.grad"]


@pytest.mark.parametrize("turn", [1, -1])
def test_what_a_run_started_from_and_does_not_record_is_drawn_again(turn):
    start = {"init": "randn", "size": [400]}
    recipe = {"tensors": {"x": start}, "steps": {"s": "x.sort()", "i": "s.indices", "y": "x.sin()"}}
    runs = [ran(f"dtype={dtype}", "record=[i, y]", recipe=recipe) for dtype in ("bfloat16", "float32")][::turn]
    comparison = compare_results(*runs)
    assert [(one.name, one.outcome) for one in comparison.values] == [("i", "dtype-dependent"), ("y", "ok")]


def torn(result):
    result.environment = result.environment.model_copy(update={"torch": "1.0"})
    result.records["w.grad"].value.mul_(1.05)


def test_a_run_that_is_not_eager_pytorch_here_is_held_against_one_that_is(typed):
    low, high = saved("low", "dtype=bfloat16", change=torn), saved("high")
    code, out, _ = typed(low, high)
    assert code == 1
    assert re.search(r"^> w.grad .* MISMATCH +baseline ", out, re.MULTILINE)


def test_compiled_and_stopped_runs_are_compared_as_far_as_both_go():
    one, other = ran("backend=aot_eager", "dtype=bfloat16"), ran()
    comparison = compare_results(one, other, judging=Judging(whole=True))
    assert (comparison.is_well, {each.cause.code for each in comparison.skipped}) == (True, {"only in the reference"})
    one.records["w.grad"].value.mul_(1.5)
    assert [each.name for each in compare_results(one, other).bad] == ["w.grad"]


# inputs


def test_inputs_that_differ_are_told_first_and_named_as_the_cause(typed):
    other = saved("b", change=lambda result: result.records["x"].value[0, :3].add_(1))
    code, out, _ = typed(saved("a", "seed=0"), other)
    assert code == 1
    assert "\nThe inputs differ: x (3 of 128 elements).\n" in out
    assert "\n11 values compared, all within bounds, but the inputs differ.\n" in out
    out = typed("a", saved("c", "tensors.x.init=rand"))[1]
    assert "\nThe inputs differ: x (128 of 128 elements); what follows is downstream of that.\n" in out
    assert "\n9 values out of bounds, of 11 compared.\nIt starts at x (forward).\n" in out


@pytest.mark.parametrize("numbers", [[1.0, 0.1, 3e-5, -7e4, 6e-8, 0.0, torch.inf, torch.nan]])
@pytest.mark.parametrize("pair", [("float32", "bfloat16"), ("bfloat16", "float16"), ("float64", "float16")])
def test_the_same_numbers_rounded_to_other_dtypes_are_the_same_start(numbers, pair):
    exact = torch.cat([torch.tensor(numbers), torch.randn(500, generator=torch.Generator().manual_seed(0))])
    one, other = (exact.to(getattr(torch, word)) for word in pair)
    assert same_start(one, other).all()
    low = min((one, other), key=lambda each: torch.finfo(each.dtype).bits)
    low[1] = torch.nextafter(low[1], torch.tensor(torch.inf, dtype=low.dtype)) * 1.02
    assert same_start(one, other).logical_not().nonzero().flatten().tolist() == [1]


def test_a_stated_tolerance_is_for_inputs_that_are_other_numbers(typed):
    low, high = saved("low", "dtype=bfloat16"), saved("high")
    assert "The inputs differ" not in typed(low, high, "--rtol=1e-9")[1]
    moved = saved("moved", change=lambda result: result.records["x"].value.mul_(1.001))
    assert ["The inputs differ" in typed(moved, high, f"--rtol={rtol}")[1] for rtol in ("1e-4", "1e-2")] == [
        True,
        False,
    ]


# what is skipped is counted


def test_values_that_one_run_alone_has_are_counted(typed):
    folders = saved("all"), saved("few", "record=outputs")
    code, out, _ = typed(*folders)
    assert code == 0
    assert "compared, all within bounds; 7 not: not recorded in the reference." in out
    assert typed(*folders, "--strict")[0] == 1
    assert "; 7 not: in the reference alone, as this run stopped or records less." in typed(*folders[::-1])[1]


NORM = {
    "tensors": {"x": {"init": "randn", "size": [4, 32], "requires_grad": True}},
    "steps": {"ms": "(x * x).mean(-1, keepdim=True)", "y": "(x * (ms + 1e-6).rsqrt()).sum()"},
    "backward": "y",
}
REWRITTEN = 'steps.ms="(x * x).sum(-1, keepdim=True) / 32"'
NOT_COMPARED = "not compared, as they are parts of lines that the two recipes write differently: "


def test_parts_of_a_line_that_is_written_differently_are_not_compared_and_told_in_a_line(typed):
    folders = saved("new", REWRITTEN, recipe=NORM), saved("old", recipe=NORM)
    code, out, _ = typed(*folders, "--page", "pair.html")
    assert (code, re.findall(r"^ *(\w+(?:\.grad)?) .* ok ", out, re.MULTILINE)[:4]) == (0, ["x", "ms_1", "ms", "y_1"])
    assert out.count(f"\n{NOT_COMPARED}ms_2, ms_1.grad\n") == 1
    assert "all within bounds.\n" in out
    assert f"{NOT_COMPARED}ms_2, ms_1.grad" in Path("pair.html").read_text("utf-8")
    code, out, _ = typed(*folders[::-1], "--strict")
    assert (code, f"\n{NOT_COMPARED}ms_1.grad, ms_2\n" in out) == (0, True)


def test_parts_are_left_out_of_cells_of_sweeps_and_of_results_too():
    mine, its = ran(REWRITTEN, recipe=NORM), ran(recipe=NORM)
    comparison = compare_results(mine, its)
    assert (comparison.is_well, comparison.told) == (True, [f"{NOT_COMPARED}ms_2, ms_1.grad"])
    cell = stored_sweeps._judged(mine, its, compare_stored(mine, its, Judging()))
    assert (cell["outcome"], cell["told"]) == ("ok", [f"{NOT_COMPARED}ms_2, ms_1.grad"])


def test_a_part_of_one_name_that_another_op_gives_and_what_reads_it_are_not_compared():
    recipe = {"tensors": {"x": {"init": "randn", "size": [4, 32]}}, "steps": {"ms": "(x * x).sum(-1).abs() / 32"}}
    comparison = compare_results(ran('steps.ms="(x * x / 32).abs().sum(-1)"', recipe=recipe), ran(recipe=recipe))
    assert (comparison.is_well, [one.name for one in comparison.values]) == (True, ["x", "ms_1", "ms"])


def test_a_part_in_which_a_number_alone_is_another_is_compared(typed):
    folders = (
        saved("new", 'steps.ms="(x * 3).sum()"', recipe=NORM),
        saved("old", 'steps.ms="(x * 2).sum()"', recipe=NORM),
    )
    code, out, _ = typed(*folders)
    assert (code, "It starts at ms_1 (*, forward)." in out, NOT_COMPARED in out) == (1, True, False)


def test_a_step_that_only_one_run_has_is_a_mismatch_also_beside_parts(typed):
    folders = saved("new", REWRITTEN, "+steps.z=x * 2", recipe=NORM), saved("old", recipe=NORM)
    code, out, _ = typed(*folders)
    assert (code, "\nz: the reference has no such value\n" in out) == (1, True)
    assert "1 value out of bounds" in out


def test_steps_of_a_run_that_were_written_out_are_no_parts(typed):
    steps = {"ms_1": "x * x", "ms_2": "ms_1.sum(-1, keepdim=True)", "ms": "ms_2 / 32", "y": NORM["steps"]["y"]}
    code, out, _ = typed(saved("new", recipe=NORM | {"steps": steps}), saved("old", recipe=NORM))
    assert (code, "\nms_2: the reference has no such value\n" in out) == (1, True)


def test_another_torch_may_draw_otherwise(typed):
    recipe = {"tensors": {"x": {"init": "ones", "size": [64]}}, "steps": {"y": "F.dropout(x)", "z": "x + 1"}}
    one = saved("one", recipe=recipe)
    two = saved("two", recipe=recipe, change=lambda result: result.records["y"].value.copy_(torch.zeros(64)))
    assert "\ny: it is" in typed(one, two)[1]
    stored = Path(two) / "result.json"
    stored.write_text(stored.read_text("utf-8").replace(f'"{torch.__version__}"', '"1.0"'), encoding="utf-8")
    assert "1 of 2 values compared, all within bounds; 1 not: downstream of a random step." in typed(one, two)[1]


# what is measured


def test_of_values_that_pass_the_one_that_used_most_is_measured_in_full(typed):
    results = [ran(f"dtype={dtype}") for dtype in ("bfloat16", "float64")]
    brief, full = (compare_results(*results, judging=Judging(measures=measures)) for measures in (False, True))
    assert [(one.name, one.used) for one in brief.values] == [(one.name, one.used) for one in full.values]
    assert brief.worst == full.worst
    other = next(one for one in brief.values if one.rule == "rounding" and one.name != brief.worst.name)
    assert (other.measure.max_abs, other.measure.rmse) == (
        full[other.name].measure.max_abs,
        full[other.name].measure.rmse,
    )
    assert other.measure.max_ulp is other.measure.max_rel is other.measure.unequal is None
    assert Comparison.from_plain(brief.to_plain()) == brief
