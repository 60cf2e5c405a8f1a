"""A run that stops is judged by what it had made: a value out of bounds counts before the step that failed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tensorflow_free import Judging, assert_recipe, load_recipe, register_op
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.commands import stored_sweeps
from tensorflow_free.files.opening import read_file
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.judging.settled import as_far_as, settled
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import run
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial

X = {"x": {"data": [1.0, 2.0], "requires_grad": True}}
TOO_LONG = "h @ torch.ones(3)"
EXP = {"reference": {"steps.h": {"op": "exp", "args": ["x"]}}}


def off(input: torch.Tensor) -> torch.Tensor:
    return input.exp() * 1.5


def meta_only(input: torch.Tensor) -> torch.Tensor:
    raise NotImplementedError("Could not run 'aten::none' with arguments from the 'CPU' backend.")


def exp_of_no_float64(input: torch.Tensor) -> torch.Tensor:
    if input.dtype == torch.float64:
        raise RuntimeError("no double here")
    return input.exp()


class NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(_, value):
        return value * 1

    @staticmethod
    def backward(*_):
        raise RuntimeError("no backward")


def without_backward(input: torch.Tensor) -> torch.Tensor:
    return NoBackward.apply(input)


def off_sin(input: torch.Tensor) -> torch.Tensor:
    return input.sin() * 1.01


def of_more_than_one(input: torch.Tensor) -> torch.Tensor:
    if input.dtype != torch.float64 and input.numel() < 2:
        raise RuntimeError("too short")
    return input.sum()


OPS = {
    "of_more_than_one": of_more_than_one,
    "off_sin": off_sin,
    "off": off,
    "nowhere": meta_only,
    "no_double": exp_of_no_float64,
    "no_backward": without_backward,
}


@pytest.fixture(autouse=True, scope="module")
def ops():
    for name, function in OPS.items():
        register_op(f"my.{name}", function)


def run_of(recipe, *overrides):
    return run(plan_of(load_recipe(recipe, list(overrides))))[0]


def fate(recipe, *overrides):
    result = run_of(recipe, *overrides)
    try:
        yardstick = yardstick_of(recipe, list(overrides), load_recipe(recipe, list(overrides)), KeptRuns())
    except NoReference as why:
        yardstick = why.partial
    return fate_of(result, yardstick.compare(result), failed=yardstick.failed)


@pytest.mark.parametrize("stop", [TOO_LONG, {"op": "my.nowhere", "args": ["h"]}])
def test_a_value_out_of_bounds_counts_before_the_step_that_failed_after_it(stop):
    found = fate({"tensors": X, "steps": {"h": {"op": "my.off", "args": ["x"]}, "y": stop}, **EXP})
    assert found.outcome == "mismatch"
    assert found.reason.startswith("h: it is ")
    assert "failed: " in found.reason


@pytest.mark.parametrize(
    ("stop", "outcome"), [(TOO_LONG, "failed"), ({"op": "my.nowhere", "args": ["h"]}, "unsupported")]
)
def test_a_run_that_stopped_and_made_nothing_wrong_is_what_stopped_it(stop, outcome):
    found = fate({"tensors": X, "steps": {"h": "x.exp()", "y": stop}, "backward": "y"})
    assert (found.outcome, len(found.causes)) == (outcome, 1)


def test_gradients_out_of_bounds_count_before_a_check_that_failed():
    recipe = {"tensors": X, "steps": {"h": {"op": "my.off", "args": ["x"]}, "y": "h.sum()"}, "backward": "y"}
    found = fate({**recipe, **EXP, "checks": {"c": "x @ torch.ones(3)"}, "expect": {"c": 1.0}})
    assert found.outcome == "mismatch"
    assert "x.grad" in found.reason


def test_a_gradient_that_was_made_before_a_backward_pass_failed_is_judged():
    steps = {"h": {"op": "my.no_backward", "args": ["x"]}, "y": "(h * 2).sum()"}
    result = run_of({"tensors": X, "steps": steps, "backward": "y"})
    assert "x.grad" not in settled(result).records
    assert torch.equal(settled(result)["h.grad"], torch.tensor([2.0, 2.0]))


def test_of_rounds_that_were_not_over_nothing_is_judged():
    loop = {"repeat": 3, "carry": {"a": "b"}, "steps": {"b": "a * 2", "c": "b @ torch.ones(${params.n})"}}
    recipe = {"params": {"n": 3}, "tensors": {"x": [1.0, 2.0]}, "steps": {"a": "x * 1", "loop": loop}}
    assert set(settled(run_of(recipe)).records) == {"x", "a"}
    assert fate(recipe).outcome == "failed"


def test_what_was_changed_in_place_before_the_stop_is_judged_as_its_steps_left_it():
    steps = {"a": "x.clone()", "b": {"op": "mul_", "args": ["a", 2.0]}, "y": "b @ torch.ones(3)"}
    result = run_of({"tensors": {"x": [1.0, 2.0]}, "steps": {**steps, "c": {"op": "add_", "args": ["a", 1.0]}}})
    assert "a.after" in result.records
    assert set(settled(result).records) == {"x", "a", "b", "y_1"}


def test_where_the_reference_stops_its_values_before_are_the_reference():
    recipe = {"tensors": X, "steps": {"h": {"op": "my.off", "args": ["x"]}, "y": {"op": "my.no_double", "args": ["h"]}}}
    found = fate({**recipe, "reference": {**EXP["reference"], "dtype": "float64"}})
    assert found.outcome == "mismatch"
    assert "its reference (cpu eager float64) failed at 'y': no double here" in found.reason


def test_a_cell_whose_reference_stops_is_failed_where_nothing_else_is_wrong():
    found = fate({"tensors": X, "steps": {"h": "x * 2", "y": {"op": "my.no_double", "args": ["h"]}}})
    assert found.outcome == "failed"
    assert found.reason.startswith("its reference (cpu eager float64) failed at 'y'")


def test_an_expectation_of_what_was_made_counts_before_a_missing_kernel():
    recipe = {"tensors": X, "steps": {"h": "x * 2", "y": {"op": "my.nowhere", "args": ["h"]}}}
    found = fate_of(run_of({**recipe, "expect": {"h": [9.0, 9.0], "y": 1.0}}))
    assert (found.outcome, found.unmet, found.exit_code) == ("failed", ["expect.h"], 3)


def test_a_gradient_that_a_stopped_run_never_came_to_is_no_expectation_that_fails():
    recipe = {"tensors": X, "steps": {"h": "x * 2", "y": {"op": "my.nowhere", "args": ["h"]}}, "backward": "y"}
    assert fate_of(run_of({**recipe, "expect": {"x.grad": [2.0, 2.0]}})).outcome == "unsupported"


def test_a_known_fault_beside_a_stop_is_no_mismatch():
    recipe = {"tensors": X, "steps": {"h": {"op": "my.off", "args": ["x"]}, "y": TOO_LONG}, **EXP}
    assert fate({**recipe, "xfail": [{"keys": ["h"], "reason": "r"}]}).outcome == "failed"
    assert fate({**recipe, "xfail": [{"keys": ["y"], "reason": "r"}]}).outcome == "mismatch"
    assert fate({**recipe, "xfail": [{"reason": "r"}]}).outcome == "known fault"


def test_a_sweep_keeps_the_comparison_of_a_cell_that_stopped(tmp_path):
    path = tmp_path / "r.yaml"
    steps = {"h": {"op": "my.off", "args": ["x"]}, "y": TOO_LONG}
    path.write_text(json.dumps({"tensors": X, "steps": steps, **EXP}), encoding="utf-8")
    row = Trial(Path(tmp_path)).row(Cell(0, str(path), folder="0"))
    assert (row.outcome, row.where.step, row.compared) == ("mismatch", "h", 2)
    assert json.loads(read_file(tmp_path / "0" / "comparison.json"))["values"][0]["name"] == "h"


# against a golden, or another stored run


TWO = {"tensors": X, "steps": {"h": {"op": "exp", "args": ["x"]}, "y": {"op": "sum", "args": ["h"]}}}


@pytest.fixture
def golden(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(json.dumps(TWO), encoding="utf-8")
    list(record(path))
    return path


def test_a_golden_judges_what_was_made_before_a_missing_kernel(golden):
    found = verify_case(golden, "", ["steps.h.op=my.off", "steps.y.op=my.nowhere"])
    assert (found.outcome, found.comparison.where.step) == ("mismatch", "h")
    assert any("Could not run" in line for line in found.stopped)
    assert verify_case(golden, "", ["steps.y.op=my.nowhere"]).outcome == "failed"


def test_the_failure_of_a_test_tells_the_mismatch_and_what_stopped_the_run(golden):
    with pytest.raises(AssertionError) as failure:
        assert_recipe(golden, "steps.h.op=my.off", "steps.y.op=my.nowhere")
    told = str(failure.value)
    assert "\nmismatch: culprit h (my.off, forward), " in told
    assert "\nh (my.off, forward) is the first value out of bounds: " in told
    assert "'my.nowhere' failed: Could not run" in told


def test_of_two_stored_runs_of_which_one_stopped_a_mismatch_is_told_with_where_it_stopped():
    mine, its = run_of(TWO, "steps.h.op=my.off", "steps.y.op=my.nowhere"), run_of(TWO)
    found = stored_sweeps._judged(mine, its, compare_stored(mine, its, Judging()))
    assert (found["outcome"], found["where"].step) == ("mismatch", "h")
    assert "it stopped at 'y'" in found["reason"]


def test_a_field_by_its_position_was_made_and_an_end_that_never_came_was_not():
    recipe = {"tensors": X, "steps": {"t": {"op": "topk", "args": ["x", 1]}, "y": {"op": "my.nowhere", "args": ["x"]}}}
    found = fate_of(run_of({**recipe, "expect": {"t.0": [9.0]}}))
    assert (found.outcome, found.unmet) == ("failed", ["expect.t.0"])
    assert fate_of(run_of({**recipe, "expect": {"t.0": [2.0]}})).outcome == "unsupported"


def test_what_a_reference_did_not_come_to_although_the_cell_did_is_partly_judged():
    steps = {"h": "x * 2", "y": {"op": "my.no_double", "args": ["h"]}}
    when = {"error": {"step": "y", "when": {"dtype": "float64"}}}
    found = fate({"tensors": X, "steps": steps, "expect": when})
    assert found.outcome == "partly judged"
    assert "values could not be judged: y" in found.reason
    assert "the reference stopped before it was done with it" in found.reason


# in the rounds of a block


def in_rounds(step, fails_in, **more):
    """A recipe whose block fails in a round, when a tensor that each round shortens is too short; from 0."""
    inner = {"b": {"op": step, "args": ["a"]}, "m": "n[1:]", "c": {"op": "select", "args": ["m", 0, 4 - fails_in]}}
    loop = {"repeat": 6, "carry": {"a": "b", "n": "m"}, "steps": {**inner, "d": "b * 2"}}
    tensors = {"x": [0.1, 0.2], "k": {"init": "zeros", "size": [5]}}
    steps = {"a": "x * 1", "n": "k * 1", "loop": loop}
    return {"tensors": tensors, "steps": steps, "reference": {"steps.loop.steps.b.op": "sin"}, **more}


def row_of_rounds(tmp_path, step, fails_in):
    path = tmp_path / "r.yaml"
    path.write_text(json.dumps(in_rounds(step, fails_in)), encoding="utf-8")
    return Trial(Path(tmp_path)).row(Cell(0, str(path), folder="0"))


@pytest.mark.parametrize("fails_in", [0, 3])
def test_the_round_in_which_a_block_stopped_is_judged_as_far_as_it_came(tmp_path, fails_in):
    row = row_of_rounds(tmp_path, "my.off_sin", fails_in)
    assert (row.outcome, row.where.step) == ("mismatch", "b")


@pytest.mark.parametrize("fails_in", [0, 3])
def test_a_block_that_stopped_and_was_right_until_then_is_failed(tmp_path, fails_in):
    row = row_of_rounds(tmp_path, "sin", fails_in)
    assert row.outcome == "failed"
    names = {one["name"] for one in json.loads(read_file(tmp_path / "0" / "comparison.json"))["values"]}
    # the reference stops at the same step, so that what the round before left is compared, too
    assert names == {"a", "n", "b", "m"} | ({"c", "d"} if fails_in else set())


@pytest.mark.parametrize(("step", "outcome"), [("sin", "failed"), ("my.off_sin", "mismatch")])
def test_a_block_that_stops_in_the_cell_alone_is_held_against_the_same_round(tmp_path, step, outcome):
    recipe = in_rounds(step, 0)
    recipe["steps"]["loop"]["steps"]["c"] = {"op": "my.of_more_than_one", "args": ["m"]}
    path = tmp_path / "r.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    row = Trial(Path(tmp_path)).row(Cell(0, str(path), folder="0"))
    values = json.loads(read_file(tmp_path / "0" / "comparison.json"))["values"]
    assert (row.outcome, {one["name"] for one in values}) == (outcome, {"a", "n", "b", "m"})


def test_a_run_ends_with_the_round_of_another_where_outer_blocks_have_no_whole_rounds():
    result = run_of(in_rounds("sin", 3))
    assert (result.rounds, as_far_as(result)) == ((3,), ["steps.loop.repeat=4"])
    assert as_far_as(replace(result, rounds=(1, 3))) == []
