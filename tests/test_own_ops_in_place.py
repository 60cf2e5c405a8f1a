"""An op of the user's own may share memory, and PyTorch's does not: both are judged, whatever is changed in place later."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import compare_results, load_recipe, register_op, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns

TENSORS = {"x": [1.0, -1.0, 2.0]}


@pytest.fixture(autouse=True)
def ops():
    register_op("mine.relu", lambda x: x.clamp(min=0), replace=True)
    register_op("mine.wrong", lambda x: x.clamp(min=0.1), replace=True)
    register_op("mine.same", lambda x: x, replace=True)
    register_op("mine.noise", lambda x: torch.rand(x.shape, dtype=x.dtype), replace=True)


def steps_of(op, changed):
    return {"h": "x * 2", "rl": {"op": op, "args": ["h"]}, "z": {"op": "mul_", "args": [changed, 3]}, "y": "rl + z"}


def judged(op, changed, other, *overrides):
    source = {"tensors": TENSORS, "steps": steps_of(op, changed), "reference": {"steps.rl.op": other}}
    recipe = load_recipe(source, list(overrides))
    return yardstick_of(source, list(overrides), recipe, KeptRuns()).compare(run_recipe(recipe))


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("changed", ["rl", "h"])
@pytest.mark.parametrize("pair", [("mine.relu", "relu"), ("relu", "mine.relu")])
def test_ops_that_do_the_same_agree(pair, changed, dtype):
    found = judged(pair[0], changed, pair[1], f"dtype={dtype}")
    assert found.is_well
    assert {"h.after", "rl.after"} <= {one.name for one in found.values}
    assert found.not_comparable == 0


@pytest.mark.parametrize("changed", ["rl", "h"])
def test_a_wrong_op_is_the_first_that_is_told(changed):
    found = judged("mine.wrong", changed, "relu")
    assert (found.where.step, found.where.op) == ("rl", "mine.wrong")


@pytest.mark.parametrize("pair", [("mine.same", "clone"), ("clone", "mine.same")])
def test_memory_that_only_one_of_them_shares_shows_in_what_becomes_of_it(pair):
    found = judged(pair[0], "rl", pair[1])
    assert "h.after" in {one.name for one in found.values if one.outcome == "mismatch"}


def test_two_results_are_compared_alike():
    mine, its = (
        run_recipe(load_recipe({"tensors": TENSORS, "steps": steps_of(op, "h")})) for op in ("mine.relu", "relu")
    )
    assert compare_results(mine, its).is_well
    assert compare_results(its, mine).is_well


def test_what_another_stream_drew_is_not_comparable_in_the_end_either():
    found = judged("mine.noise", "h", "rand_like", "dtype=float32")
    assert {one.outcome for one in found.values if one.name in ("rl", "rl.after")} == {"not comparable"}
