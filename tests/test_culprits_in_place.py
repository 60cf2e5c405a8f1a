"""The culprit where memory is shared: views that are changed in place, copies that are none."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.judging.culprits import Blame
from tests.faults.bench.manners import scaled
from tests.faults.placing.wrongs import gradient_in_place


@register_op("in_place.add_", changes=["other"], replace=True)
def doubling(other: Tensor, more: Tensor) -> Tensor:
    return gradient_in_place(1, scaled(2.0))(Tensor.add_, other, more)


def blame_of(recipe: dict[str, Any]) -> Blame:
    loaded, kept = load_recipe(recipe), KeptRuns()
    result = run_recipe(loaded)
    found = blamed(recipe, [], loaded, result, yardstick_of(recipe, [], loaded, kept).compare(result), kept).blame
    assert found is not None
    return found


def test_the_gradient_of_a_view_that_is_changed_in_place_has_its_step() -> None:
    steps = {"y": "w * 2", "row": "y[1]", "row1": {"op": "in_place.add_", "args": ["row", "r"]}, "turned": "y.T"}
    steps |= {"turned1": {"op": "mul_", "args": ["turned", 3.0]}, "loss": "y.sin().sum()"}
    tensors = {
        name: {"init": "randn", "size": size, "requires_grad": True} for name, size in (("w", [4, 3]), ("r", [3]))
    }
    recipe = {"tensors": tensors, "steps": steps, "backward": "loss", "reference": {"steps.row1.op": "add_"}}
    found = blame_of(recipe)
    assert [(one.step, one.direction, one.value) for one in found.culprits] == [("row1", "backward", "r.grad")]


@register_op("in_place.narrow", replace=True)
def narrow_as_a_copy(input: Tensor) -> Tensor:
    return input[:2].clone()


@register_op("in_place.clone", replace=True)
def clone_as_a_view(input: Tensor) -> Tensor:
    return input.view_as(input)


X = {"x": {"init": "randn", "size": [4, 3]}}


def test_a_copy_that_should_be_a_view_is_the_culprit_where_it_is_changed() -> None:
    steps = {"y": "x * 2", "top": {"op": "in_place.narrow", "args": ["y"]}, "top1": "top.add_(1)", "total": "y.sum()"}
    found = blame_of({"tensors": X, "steps": steps, "reference": {"steps.top": "y[:2]"}})
    assert [(one.step, one.direction, one.cause.code) for one in found.culprits if one.cause] == [
        ("top", "forward", "memory not shared")
    ]


def test_a_view_that_should_be_a_copy_is_the_culprit_where_it_is_changed() -> None:
    steps = {"y": "x * 2", "kept": {"op": "in_place.clone", "args": ["y"]}, "y1": "y.add_(1)", "total": "kept.sum()"}
    found = blame_of({"tensors": X, "steps": steps, "reference": {"steps.kept.op": "clone"}})
    assert [(one.step, one.direction, one.cause.code) for one in found.culprits if one.cause] == [
        ("kept", "forward", "memory shared")
    ]


def test_a_copy_in_place_of_a_view_is_no_culprit_where_nothing_changes_it() -> None:
    steps = {"y": "x * 2", "top": {"op": "in_place.narrow", "args": ["y"]}, "total": "top.sum()", "z": "total + 1"}
    found = blame_of({"tensors": X, "steps": steps, "reference": {"steps.top": "y[:2]", "steps.z": "total + 2"}})
    assert "top" not in [one.step for one in found.culprits]
