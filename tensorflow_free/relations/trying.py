"""Which relations hold of a recipe: every kind that fits, tried on its tensors one by one and together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, zip_longest
from math import inf
from time import monotonic
from typing import Any, Final

import torch

from tensorflow_free.errors import words_of
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import RelationSpec
from tensorflow_free.recipe.relation_kinds import LAYOUTS, RELATION_KINDS, RelationKind, Takes
from tensorflow_free.relations.changed_runs import GRADIENT, REFUSED, Asked, Ground, UnrelatedError, plain_value
from tensorflow_free.relations.how_far import Level, Levels, levels_of
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors


@dataclass(frozen=True)
class Tried:
    """A relation that was tried.

    Attributes:
        kind: its kind.
        of: what it is of, as a recipe would say it.
        exact: the values and gradients of which it holds bit for bit.
        close: those of which it holds within noise.
        broken: those of which it does not hold.
        why: why it says nothing of others, or of any.
        is_tried: whether it was tried, as the time was not over yet.
    """

    kind: str
    of: Any
    exact: Sequence[str] = ()
    close: Sequence[str] = ()
    broken: Sequence[str] = ()
    why: str = ""
    is_tried: bool = True

    @property
    def holds(self) -> list[str]:
        """The values and gradients of which it holds."""
        return [*self.exact, *self.close]

    @property
    def level(self) -> Level | None:
        """How far it holds of all values that it judges; `BROKEN` where of some alone, None where of none."""
        if not self.holds:
            return None
        return Level.BROKEN if self.broken else Level.NOISE if self.close else Level.BITS


SoFar = Callable[[int, int, str], None]
"""Called with how many relations are tried, how many there are, and the kind of the next."""


def tried(
    plan: Plan, result: Result, *, seconds: float = inf, best: bool = False, progress: SoFar | None = None
) -> Iterator[Tried]:
    """Every kind of relation, tried on whatever of a run's tensors it fits, the kinds in turn.

    Args:
        plan: what ran.
        result: what it gave.
        seconds: after how many no other relation is tried.
        best: whether a kind is left once one relation of it holds bit for bit of all values: no other holds any better.
        progress: told how many are tried.
    """
    end, done = monotonic() + seconds, set[str]()
    ground = Ground(plan, result, None)
    every = list(_in_turn(ground))
    for number, asked in enumerate(every):
        kind = asked.kind.name
        if best and kind in done:
            continue
        if progress is not None:
            progress(number, len(every), kind)
        if monotonic() >= end:
            yield Tried(kind, asked.spec.of, why=f"not tried: {seconds:g} seconds are over", is_tried=False)
            continue
        found = _one(ground, asked)
        if found.level == Level.BITS:
            done.add(kind)
        yield found


def _in_turn(ground: Ground) -> Iterator[Asked]:
    """One relation of each kind, then the next of each, so that every kind has its turn before the time is over."""
    for turn in zip_longest(*(_of_kind(ground, kind) for kind in RELATION_KINDS.values())):
        yield from (one for one in turn if one is not None)


def _of_kind(ground: Ground, kind: RelationKind) -> Iterator[Asked]:
    for of in _CANDIDATES[kind.takes](ground, kind):
        yield Asked(kind, RelationSpec(of=of), kind.name)


def _one(ground: Ground, asked: Asked) -> Tried:
    try:
        levels = levels_of(ground, asked)
    except UnrelatedError as why:
        return Tried(asked.kind.name, asked.spec.of, why=str(why))
    except REFUSED as error:
        return Tried(asked.kind.name, asked.spec.of, why=words_of(error))
    exact, close, broken = (_names(levels, level) for level in Level)
    left = "; ".join(dict.fromkeys(levels.left.values()))
    return Tried(asked.kind.name, asked.spec.of, exact, close, broken, left)


def _names(levels: Levels, level: Level) -> list[str]:
    return [one.name for one in levels.held.values() if one.level == level]


# what each kind may be of


def _plain(ground: Ground) -> GivenTensors:
    return {name: value for name, value in ground.starts.items() if value.layout == torch.strided}


def _floating(ground: Ground) -> GivenTensors:
    return {name: value for name, value in _plain(ground).items() if value.is_floating_point() or value.is_complex()}


def _of_dimensions(ground: Ground, kind: RelationKind) -> Iterator[dict[str, int]]:
    """Each dimension of each tensor alone; those of one length together, in one place or where two tensors meet."""
    lengths: dict[tuple[int, int], dict[str, int]] = {}
    starts = _plain(ground)
    for name, value in starts.items():
        for at, length in enumerate(value.shape):
            if length >= kind.least:
                yield {name: at}
                lengths.setdefault((at, length), {})[name] = at
    yield from (together for together in lengths.values() if len(together) > 1)
    if kind.name in ("permutation", "padding"):
        yield from _meeting(starts, kind.least)


def _meeting(starts: GivenTensors, least: int) -> Iterator[dict[str, int]]:
    """The last dimension of one tensor, and the last but one of another, which a product sums over."""
    for one, other in permutations(starts, 2):
        sizes = starts[one].shape[-1:], starts[other].shape[-2:-1]
        if sizes[0] and sizes[0] == sizes[1] and sizes[0][0] >= least:
            yield {one: starts[one].dim() - 1, other: starts[other].dim() - 2}


def _of_layouts(ground: Ground, _: RelationKind) -> Iterator[dict[str, str]]:
    needs = {"transposed": 2, "channels_last": 4}
    for name, value in _plain(ground).items():
        for word in LAYOUTS:
            fits = value.dim() == needs[word] if word == "channels_last" else value.dim() >= needs.get(word, 1)
            if fits:
                yield {name: word}


def _of_floating(told: Any) -> Any:
    def candidates(ground: Ground, _: RelationKind) -> Iterator[dict[str, Any]]:
        starts = _floating(ground)
        yield from ({name: told} for name in starts)
        if len(starts) > 1:
            yield dict.fromkeys(starts, told)

    return candidates


def _of_values(ground: Ground, _: RelationKind) -> Iterator[dict[str, str]]:
    """Each value that has the shape and dtype of a tensor that it was made of."""
    for name, start in _floating(ground).items():
        below = ground.below([name])
        for record in ground.result.records.values():
            value = plain_value(record)
            fits = value is not None and value.shape == start.shape and value.dtype == start.dtype
            if fits and record.name in below and not record.name.endswith(GRADIENT):
                yield {name: record.name}


def _of_pairs(ground: Ground, _: RelationKind) -> Iterator[dict[str, str]]:
    starts = _floating(ground)
    for one, other in permutations(starts, 2):
        alike = starts[one].shape == starts[other].shape and starts[one].dtype == starts[other].dtype
        product = min(starts[one].dim(), starts[other].dim()) > 1 and starts[one].shape[-1] == starts[other].shape[-2]
        if (alike and one < other) or product:
            yield {one: other}


_CANDIDATES: Final[Mapping[Takes, Any]] = {
    "dimension": _of_dimensions,
    "part": _of_dimensions,
    "padding": _of_dimensions,
    "layout": _of_layouts,
    "factor": _of_floating(4),
    "number": _of_floating(1.0),
    "value": _of_values,
    "tensor": _of_pairs,
    "dtype": lambda *_: ["float64"],
    "threads": lambda *_: [[1, 2]],
    "count": lambda *_: [2],
}
"""What a relation may be of in a run, by what it takes."""
