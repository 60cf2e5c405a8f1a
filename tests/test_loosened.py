"""`judge: {k: …}` and `xfail` with a bound: a cell is loosened where the recipe says so, and that is told."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import RecipeError, cli, load_recipe, register_op, run_recipe
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.golden.digest import digest_of
from tensorflow_free.golden.recording import record
from tensorflow_free.report.comparison_report import page_of as comparison_page
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.summary import Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.text.drawing import text_of

OFF = 20 * torch.finfo(torch.float32).eps


def off_by_20(input: torch.Tensor) -> torch.Tensor:
    return input.exp() * (1 + OFF)


@pytest.fixture(autouse=True, scope="module")
def ops():
    register_op("off.exp", off_by_20)


RECIPE = {
    "tensors": {"x": {"init": "ones", "size": [5], "requires_grad": True}},
    "steps": {"y": {"op": "off.exp", "args": ["x"]}},
    "reference": {"steps.y.op": "exp"},
}


def judged(recipe, *overrides):
    loaded = load_recipe(recipe, list(overrides))
    result = run_recipe(loaded)
    comparison = yardstick_of(recipe, list(overrides), loaded, KeptRuns()).compare(result)
    return comparison, fate_of(result, comparison)


def marked(**mark):
    return judged({**RECIPE, "xfail": [{"keys": ["y"], "reason": "known", **mark}]})


# judge


def test_a_value_that_is_20_epsilons_away_is_out_of_bounds_where_nothing_loosens_them():
    comparison, found = judged(RECIPE)
    assert (found.outcome, comparison.k, found.notes) == ("mismatch", None, [])
    assert 1 < comparison["y"].used < 20


@pytest.mark.parametrize(("k", "outcome"), [(5, "mismatch"), (120, "ok")])
def test_judge_k_stands_in_place_of_the_number_of_the_dtype(k, outcome):
    comparison, found = judged({**RECIPE, "judge": {"k": k}})
    assert (found.outcome, comparison.k, comparison.usual_k) == (outcome, k, 6)
    assert [note.code for note in found.notes] == ["other k"]


def test_the_k_that_bears_a_value_is_the_usual_one_times_the_share_that_was_used():
    needed = 6 * judged(RECIPE)[0]["y"].used
    outcomes = [judged({**RECIPE, "judge": {"k": k * needed}})[1].outcome for k in (0.8, 1.2)]
    assert outcomes == ["mismatch", "ok"]


def test_judge_k_is_set_from_the_command_line_and_by_a_case():
    assert judged(RECIPE, "judge.k=120")[1].outcome == "ok"
    assert judged({**RECIPE, "cases": {"loose": {"judge": {"k": 120}}}}, "case=loose")[1].outcome == "ok"


def test_a_k_that_allows_zeros_makes_verdicts_that_could_not_have_failed():
    comparison, found = judged(RECIPE, "judge.k=1e9")
    assert [one.name for one in comparison.vacuous] == ["y"]
    assert [note.code for note in found.notes] == ["other k", "vacuous"]
    assert found.strictly().is_bad


def test_the_usual_k_said_again_is_nothing_to_tell():
    assert judged({**RECIPE, "judge": {"k": 6}})[1].notes == []


def test_a_comparison_says_with_which_k_it_was_judged():
    comparison, _ = judged(RECIPE, "judge.k=120")
    assert "\nJudged with k=120 instead of 6." in text_of(comparison_page(comparison))
    assert type(comparison).from_plain(comparison.to_plain()).usual_k == 6


PLAIN = "tensors: {x: {init: ones, size: [5]}}\nsteps: {y: x.exp()}\n"


def test_the_last_lines_of_a_table_say_it_too(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(f"{PLAIN}judge: {{k: 12}}\n", encoding="utf-8")
    text = text_of(page_of(Summary(None, [Trial(None).row(Cell(0, str(path)))])))
    assert text.endswith("judged with k=12 instead of 6, in 1 cell.\n\n1 cell: 1 ok.")


def test_a_golden_is_not_stale_by_another_k_and_verify_says_it(tmp_path, capsys):
    path = tmp_path / "r.yaml"
    path.write_text(PLAIN, encoding="utf-8")
    list(record(path))
    before = digest_of(path)
    path.write_text(f"{PLAIN}judge: {{k: 12}}\n", encoding="utf-8")
    assert digest_of(path) == before
    assert cli._guarded(cli.recipe_main, ["verify", str(path)]) == 0
    assert "judged with k=12 instead of " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        ({"k": 0}, "judge.k: '0' does not fit `k`, which is a number of times what rounding moves, more than 0"),
        ({"k": float("inf")}, "judge.k: '.inf' does not fit `k`"),
        ({"k": "wide"}, "judge.k: 'wide' does not fit `k`"),
        ({"kk": 3}, "judge.kk: 'kk' is not a key of `judge`; did you mean 'k'?"),
        (12, "judge: '12' does not fit `judge`, which is a mapping such as {k: 12}"),
    ],
)
def test_what_judge_cannot_say_is_refused(judge, message):
    with pytest.raises(RecipeError) as refusal:
        load_recipe({**RECIPE, "judge": judge})
    assert message in str(refusal.value)


# a known fault with a bound


def test_a_mark_bears_a_fault_up_to_its_bound_and_says_how_far_it_is():
    comparison, found = marked(at_most=30)
    used = comparison["y"].used
    assert found.outcome == "known fault"
    assert found.reason == f"known: known; {used:.3g} times what is allowed, of at most 30 times"


def test_above_the_bound_it_is_a_mismatch_that_tells_both_numbers():
    comparison, found = marked(at_most=1.5)
    assert found.outcome == "mismatch"
    first = found.reason.splitlines()[0]
    assert f"; {comparison['y'].used:.3g} times what is allowed (" in first
    assert first.endswith("; at most 1.5 times is known: known")


def test_a_mark_without_a_bound_bears_whatever_there_is():
    assert marked()[1].reason == "known: known"


def test_nan_and_a_step_that_fails_are_borne_by_a_mark_without_a_bound_alone():
    steps = {"y": {"op": "mul", "args": ["x", float("nan")]}}
    recipe = {**RECIPE, "steps": steps, "reference": {"steps.y.args": ["x", 1.0]}}
    mark = {"keys": ["y"], "reason": "r"}
    assert judged({**recipe, "xfail": [mark]})[1].outcome == "known fault"
    assert judged({**recipe, "xfail": [{**mark, "at_most": 1e30}]})[1].outcome == "mismatch"


def expecting(at_most):
    expect = {"y": {"value": 1.0, "rtol": 0.01, "atol": 0}}
    xfail = [{"keys": ["y"], "reason": "known", "at_most": at_most}]
    return run_recipe(
        load_recipe({"tensors": {"x": 1.1}, "steps": {"y": "x * 1"}, "expect": expect, "xfail": xfail})
    ).expectations


def test_an_expectation_is_borne_up_to_the_bound():
    (found,) = expecting(11)
    assert found.outcome == "known fault"
    assert found.message.endswith("(known: known, at most 11 times what is allowed)")


def test_an_expectation_further_away_fails_as_if_unmarked_and_tells_both_numbers():
    (found,) = expecting(9)
    assert found.outcome == "fails"
    assert found.message.endswith("; it is 10 times what is allowed, and at most 9 times is known: known")


@pytest.mark.parametrize("at_most", [1, 0, -3, float("inf"), "30x"])
def test_a_bound_that_bears_nothing_or_anything_is_refused(at_most):
    with pytest.raises(
        RecipeError, match=r"xfail\.0\.at_most: '.*' does not fit `at_most`, which is a number of times"
    ):
        load_recipe({**RECIPE, "xfail": [{"reason": "r", "at_most": at_most}]})
