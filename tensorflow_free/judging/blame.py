"""Where the first fault is: the first value out of bounds, forward before backward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from tensorflow_free.judging.culprits import Blame
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict, Where
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.recipe.graph import readers_of, reads_of, steps_of
from tensorflow_free.recipe.models import Recipe, Step
from tensorflow_free.registry import find

_GRADIENT: Final = ".grad"

_DIFFERENTIATE: Final = frozenset({"backward", "grad"})
"""Ops whose value is a gradient: what is wrong with it is the backward of a step above it."""


def where_it_starts(values: Sequence[ValueVerdict], recipe: Recipe) -> Where | None:
    """The first step whose value is out of bounds; else, backward, the step nearest the target whose gradient is.

    Args:
        values: the verdicts on all values, those of steps in the order in which they ran.
        recipe: the recipe, for what reads what.
    """
    return where_of([one for one in values if one.outcome == Outcome.MISMATCH], recipe)


MOST_DRIFT: Final = 100.0
"""The share of what is allowed up to which small errors of right steps may take a value; a few times is usual."""


def with_blame(comparison: Comparison, blame: Blame) -> Comparison:
    """A comparison with what is to blame; where no step is, with whether errors that add up can be."""
    far = [one for one in comparison.bad if one.rule == "structure" or not one.used <= MOST_DRIFT]
    return replace(comparison, blame=replace(blame, is_beyond_drift=blame.drift and bool(far)))


class Suspect(Protocol):
    """A value that is not what it should be."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def kind(self) -> str:
        """That of its record."""

    @property
    def op(self) -> str | None:
        """The op that gave it."""

    @property
    def used(self) -> float:
        """How bad it is: of gradients of one step, the worst is told."""


def where_of(bad: Sequence[Suspect], recipe: Recipe) -> Where | None:
    """The first of these values, forward before backward; None of none."""
    forward = [one for one in bad if one.kind != "gradient"]
    gradients = [one for one in bad if one.kind == "gradient"]
    blame = _Blame(recipe)
    if forward:
        return blame.forward(forward)
    return blame.backward(gradients) if gradients else None


class _Blame:
    """A recipe whose values went wrong."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._steps: Mapping[str, Step] = dict(steps_of(recipe.steps))
        self._reads = reads_of(recipe)

    def forward(self, bad: Sequence[Suspect]) -> Where:
        # a value as it is at the end comes after all steps, and one that the run started from before them
        first = min(bad, key=lambda one: _TURN.get(one.kind, 1))
        step = _root(first.name)
        if first.kind == "after":
            step = self._changer(step) or step
        op = self._op(step) or first.op
        if op in _DIFFERENTIATE:
            return Where("backward", first.name, step, op, tuple(reversed(list(self._above(step)))))
        return Where("forward", first.name, step, op)

    def backward(self, bad: Sequence[Suspect]) -> Where:
        order = {name: position for position, name in enumerate((*self._recipe.tensors, *self._reads))}
        # autograd goes from the target back, so that the last step in order is the one that it came to first
        nearest = max(bad, key=lambda one: (order.get(_root(one.name), -1), one.used))
        step = _root(nearest.name)
        return Where("backward", nearest.name, step, self._op(step), readers_of(self._reads).get(step, ()))

    def _op(self, step: str) -> str | None:
        found = self._steps.get(step)
        return None if found is None else found.op

    def _changer(self, name: str) -> str | None:
        """The last step that writes to the memory of `name`, itself or through a view.

        The last, as what an earlier one wrote is read by those after it, whose own values would be wrong.
        """
        found = None
        there = {name}
        for step, names in self._reads.items():
            written = self._steps[step]
            op = find(written.op or "")
            if op is None or there.isdisjoint(names):
                continue
            changes = {one for signature in op.signatures for one in signature.changes}
            if changes - {"out"} or "out" in written.kwargs:
                found = step
            if any(signature.shares != () for signature in op.signatures):
                there.add(step)
        return found

    def _above(self, step: str) -> Iterator[str]:
        """The steps that a value is computed from, in order."""
        above = set(self._reads.get(step, ()))
        for name in reversed(self._reads):
            if name in above:
                above.update(self._reads[name])
        return (name for name in self._reads if name in above and name != step)


_TURN: Final = {"tensor": 0, "step": 1, "trace": 1, "after": 2}


def _root(name: str) -> str:
    return name.removesuffix(_GRADIENT).partition(".")[0]
