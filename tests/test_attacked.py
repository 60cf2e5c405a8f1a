"""Small cells on which the judge was wrong: a wrong kernel that passed, or a right one that did not."""

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns


def compared(recipe, *overrides):
    loaded = load_recipe(recipe, overrides)
    return yardstick_of(recipe, overrides, loaded, KeptRuns()).compare(run_recipe(loaded))


def test_a_jump_in_the_place_of_which_is_an_op_of_the_users_is_judged_number_by_number():
    def wrong(x):
        return x.floor().index_add(0, torch.tensor([99]), torch.ones(1, dtype=x.dtype))

    register_op("attacked.down", wrong)
    # rounding takes each second number across the edge at which it jumps; it does not take the last one there
    numbers = [1.0, 3.0] * 49 + [0.3, 0.5]
    recipe = {"tensors": {"x": numbers}, "steps": {"a": "x * 0.3", "b": "a / 0.3", "y": {"op": "floor", "args": ["b"]}}}
    right, own = recipe, {"steps.y.op": "floor"}
    wrong_cell = {**recipe, "steps": {**recipe["steps"], "y": {"op": "attacked.down", "args": ["b"]}}, "reference": own}
    assert compared(right, "dtype=bfloat16").is_well
    assert "y" in {one.name for one in compared(wrong_cell, "dtype=bfloat16").bad}


def test_long_bags_of_an_embedding_err_as_long_sums_do():
    tensors = {
        "w": {"init": "randn", "size": [50, 3], "requires_grad": True},
        "i": {"init": "randint", "low": 0, "high": 50, "size": [2, 2000]},
    }
    step = {"op": "F.embedding_bag", "args": ["i", "w"], "kwargs": {"mode": {"str": "sum"}}}
    comparison = compared({"tensors": tensors, "steps": {"y": step, "l": "y.sum()"}, "backward": "l"})
    assert comparison.is_well, comparison.bad


NORMS = {
    "layer": {"op": "F.layer_norm", "args": ["x", [64]]},
    "group": {"op": "F.group_norm", "args": ["x", 1]},
}


@pytest.mark.parametrize("step", NORMS.values(), ids=NORMS)
def test_a_norm_of_nearly_equal_numbers_is_held_to_statistics_in_float32(step):
    register_op("attacked.zeros", lambda x: x * 0, replace=True)
    tensors = {"x": {"init": "normal", "mean": 100, "std": 0.01, "size": [8, 64]}}
    right = {"tensors": tensors, "steps": {"y": step}}
    zeros = {"op": "attacked.zeros", "args": step["args"][:1]}
    wrong = {"tensors": tensors, "steps": {"y": zeros}, "reference": {"steps": {"y": step}}}
    assert compared(right, "dtype=float16").is_well
    assert compared(wrong, "dtype=float16").bad
