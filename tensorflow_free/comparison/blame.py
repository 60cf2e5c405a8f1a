"""Where what is wrong begins: the first value out of bounds, forward before backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tensorflow_free.comparison.graph import readers_of, reads_of
from tensorflow_free.comparison.verdicts import ValueVerdict, Where
from tensorflow_free.recipe import Recipe

_GRADIENT: Final = ".grad"


def where_it_starts(values: Sequence[ValueVerdict], recipe: Recipe) -> Where | None:
    """The first step whose value is out of bounds; else, backward, the step nearest the target whose gradient is.

    Args:
        values: the verdicts on all values, those of steps in the order in which they ran.
        recipe: the recipe, for what reads what.
    """
    bad = [one for one in values if one.outcome == "mismatch"]
    forward = [one for one in bad if one.kind != "gradient"]
    if forward:
        return _forward(forward, recipe)
    reads = reads_of(recipe)
    order = {name: position for position, name in enumerate((*recipe.tensors, *reads))}
    gradients = [one for one in bad if one.kind == "gradient"]
    if not gradients:
        return None
    # autograd goes from the target back, so that the last step in order is the one that it came to first
    nearest = max(gradients, key=lambda one: (order.get(_root(one.name), -1), one.used))
    return _backward(nearest, readers_of(reads), recipe)


def _forward(bad: Sequence[ValueVerdict], recipe: Recipe) -> Where:
    # a value as it is in the end comes after all steps, and one that the run started from before them
    first = min(bad, key=lambda one: _TURN.get(one.kind, 1))
    step = _root(first.name)
    if first.kind == "after":
        step = _changer(step, recipe) or step
    return Where("forward", first.name, step, _op(step, recipe) or first.op)


_TURN: Final = {"tensor": 0, "step": 1, "trace": 1, "after": 2, "check": 3}


def _changer(name: str, recipe: Recipe) -> str | None:
    """The first step that reads `name` and works in place, if one can be told by its name."""
    for step, names in reads_of(recipe).items():
        op = _op(step, recipe) or ""
        if name in names and (op.endswith("_") or op == "[]="):
            return step
    return None


def _backward(nearest: ValueVerdict, readers: Mapping[str, tuple[str, ...]], recipe: Recipe) -> Where:
    step = _root(nearest.name)
    return Where("backward", nearest.name, step, _op(step, recipe), readers.get(step, ()))


def _root(name: str) -> str:
    return name.removesuffix(_GRADIENT).partition(".")[0]


def _op(step: str, recipe: Recipe) -> str | None:
    found = recipe.steps.get(step)
    return found.op if found is not None else None
