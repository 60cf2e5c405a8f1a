"""The culprit where memory is shared: a view that is changed in place."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.reference import KeptRuns, yardstick_of
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
