"""How far a relation holds of each value: bit for bit, within noise, or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

import torch

from tensorflow_free.cell.stored_pair import NoMovementError, StoredPair
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.repeats import why_apart
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import AnyReason
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.relations.changed_runs import Asked, Ground, Rebuilt
from tensorflow_free.relations.relation_table import TABLE
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record

RANDOM = "it lies downstream of a random step, which draws other numbers for the changed tensors"
NOT_RECORDED = "this cell does not record it"


KEPT_BYTES: Final = 1 << 28
"""Values of nudged runs up to this size are kept for the next relation, as each asks for the same."""


class Level(IntEnum):
    """How far a relation holds of a value; the worse, the more."""

    BITS = 0
    NOISE = 1
    BROKEN = 2


@dataclass(frozen=True)
class Held:
    """How far a relation holds of one value.

    Attributes:
        name: the value's.
        kind: that of its record.
        op: the op that gave it.
        level: how far it holds.
        how: how the tensors were changed where it holds least, in words.
        cause: what differs there; None where nothing does.
        used: how many times what rounding moves it is away; 0 where it was not asked.
        loose: whether noise is the best that there is.
    """

    name: str
    kind: str
    op: str | None
    level: Level
    how: str
    cause: AnyReason | None = None
    used: float = 0.0
    loose: bool = False


@dataclass
class Levels:
    """How far a relation holds.

    Attributes:
        held: of each value that was judged, by name.
        left: of which it says nothing here, and why.
    """

    held: dict[str, Held] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def take(self, found: Iterable[Held]) -> None:
        """Keep of each value where the relation holds least."""
        for one in found:
            known = self.held.get(one.name)
            if known is None or (one.level, one.used) > (known.level, known.used):
                self.held[one.name] = one


def levels_of(ground: Ground, asked: Asked) -> Levels:
    """How far a relation holds of each value of a run.

    Raises:
        UnrelatedError: it says nothing of this run.
    """
    levels = Levels()
    records = ground.result.records
    for rebuilt in TABLE[asked.kind.name](ground, asked):
        levels.left |= {name: NOT_RECORDED if name not in records else why for name, why in rebuilt.left.items()}
        rebuilt.values = {name: value for name, value in rebuilt.values.items() if name in records}
        if not asked.kind.draws and (random := ground.random & rebuilt.values.keys()):
            levels.left |= dict.fromkeys(random, RANDOM)
            rebuilt.values = {name: value for name, value in rebuilt.values.items() if name not in random}
        levels.take(_held(ground, rebuilt))
    levels.left = {name: why for name, why in levels.left.items() if name not in levels.held}
    return levels


def _held(ground: Ground, rebuilt: Rebuilt) -> Iterable[Held]:
    """How far what was rebuilt is what the run has."""
    records = ground.result.records
    apart: dict[str, AnyReason] = {}
    for name, value in rebuilt.values.items():
        its = replace(records[name], value=_rounded(value, records[name].value))
        cause = why_apart(records[name], its)
        if cause is None:
            yield _of(records[name], Level.BITS, rebuilt)
        else:
            apart[name] = cause
    if apart:
        yield from _by_noise(ground, rebuilt, apart)


def _of(record: Record, level: Level, rebuilt: Rebuilt, cause: AnyReason | None = None, used: float = 0.0) -> Held:
    loose = record.name in rebuilt.loose or rebuilt.dtype is not None
    return Held(record.name, record.kind, record.op, level, rebuilt.how, cause, used, loose)


def _rounded(value: object, its: object) -> object:
    """A value in the dtype of the run's own, where both are rounded."""
    if not isinstance(value, torch.Tensor) or not isinstance(its, torch.Tensor):
        return value
    return value.to(its.dtype) if value.is_floating_point() and its.is_floating_point() else value


def _by_noise(ground: Ground, rebuilt: Rebuilt, apart: dict[str, AnyReason]) -> Iterable[Held]:
    """Of the values whose bits differ, whether rounding explains it."""
    found = _judged(ground, rebuilt, list(apart))
    for name, cause in apart.items():
        record, verdict = ground.result.records[name], found.get(name)
        if verdict is None or verdict.outcome in (Outcome.OK, Outcome.DTYPE_DEPENDENT):
            used = 0.0 if verdict is None else verdict.used
            yield _of(record, Level.NOISE, rebuilt, cause, used)
        else:
            yield _of(record, Level.BROKEN, rebuilt, verdict.cause or cause, verdict.used)


def _judged(ground: Ground, rebuilt: Rebuilt, names: list[str]) -> dict[str, ValueVerdict]:
    """The verdicts on values, each held against what was rebuilt, by the noise of both."""
    mine = ground.result.records
    its = {name: replace(mine[name], value=rebuilt.values[name]) for name in names}
    actual = Result(ground.plan.recipe, {name: mine[name] for name in names})
    expected = Result(_recipe(ground, rebuilt.dtype), its)
    k = ground.plan.recipe.judge.k
    try:
        judging = Judging(k=k, starts=False, measures=False, movement=_pair(ground, rebuilt.dtype).of(expected))
        comparison = compare_results(actual, expected, judging=judging)
    except NoMovementError:
        # the recipe does not run in float64, so that the tolerance of the dtype judges
        comparison = compare_results(actual, expected, judging=Judging(k=k, starts=False, measures=False))
    return {one.name: one for one in comparison.values}


def _recipe(ground: Ground, dtype: str | None) -> Recipe:
    """The run's recipe, or that in another dtype."""
    recipe = ground.plan.recipe
    if dtype is None:
        return recipe
    other = recipe.model_copy(update={"dtype": dtype})
    other.write({**recipe.written, "dtype": dtype})
    return other


def _pair(ground: Ground, dtype: str | None) -> StoredPair:
    """The noise between the run and another of its recipe, or of that in another dtype: once for all relations."""
    if dtype not in ground.noise:
        starts = {name: Record(name, "tensor", value) for name, value in ground.starts.items()}
        records = {**ground.result.records, **starts}
        runs = (Result(one, records) for one in (ground.plan.recipe, _recipe(ground, dtype)))
        ground.noise[dtype] = StoredPair(*runs, keep_bytes=KEPT_BYTES)
    return ground.noise[dtype]
