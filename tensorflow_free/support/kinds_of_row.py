"""What a row of a sweep says of an op's value and of its gradient, each for itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tensorflow_free.cell.fate import STOPPED
from tensorflow_free.ops.guards.bounds import BoundsError
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import CellMismatch, Problems, Shortfall, StepFailed
from tensorflow_free.outcome.sentences import words
from tensorflow_free.sweep.rows import Row

OpSide = Literal["value", "gradient"]

KINDS_OF_VALUES: Final[tuple[OpSide, ...]] = ("value", "gradient")
"""What is judged of an op."""

GRADIENT: Final = ".grad"
"""How the name of a gradient ends."""

ENDED: Final = frozenset(
    {Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.FAILED, Outcome.UNSUPPORTED}
)
"""Outcomes of a run that did not come to its end, so that they do not say how far it came."""


@dataclass(frozen=True)
class KindVerdict:
    """What became of an op's value, or of its gradient.

    Attributes:
        outcome: in a word.
        reason: why, in words; empty where it is ok.
    """

    outcome: Outcome
    reason: str = ""


Verdicts = dict[OpSide, KindVerdict]
"""Of a run; without a gradient where it has none."""


def has_stopped(row: Row) -> bool:
    """Whether a run did not come to its end: only without its backward pass does it show what becomes of the value."""
    return outcome_of(row) in ENDED or _stop(row) is not None


def verdicts_of(row: Row, *, has_gradient: bool) -> Verdicts:
    """What a run says of the value, and of the gradient where it has one."""
    verdicts: Verdicts = {"value": _of(row, "value")}
    if has_gradient:
        verdicts["gradient"] = _of(row, "gradient")
    return verdicts


def verdicts_of_both(row: Row, forward: Row) -> Verdicts:
    """What a run that stopped says of the gradient, and the same without its backward pass of the value."""
    return {"value": _of(forward, "value"), "gradient": stop_of(row)}


def stop_of(row: Row) -> KindVerdict:
    """How a run stopped, whatever was found of what it had made by then; its own outcome where it did not."""
    stop, outcome = _stop(row), outcome_of(row)
    return KindVerdict(outcome if outcome in ENDED or stop is None else STOPPED[stop.code], _reason(row))


def outcome_of(row: Row) -> Outcome:
    """What became of a run; *not comparable* where what failed is not the device.

    That is the reference of a sample that reads memory beside its tensor, or a check that refuses its arguments.
    """
    if row.outcome == Outcome.FAILED and _stop(row) is None:
        failed = [one for one in row.causes if isinstance(one, StepFailed | Problems)]
        return Outcome.NOT_COMPARABLE if failed else row.outcome
    return row.outcome


def _reason(row: Row) -> str:
    """Why, in words, without the place in a file that is gone when it is read."""
    away = {"file": None, "line": None, "column": None}
    causes = [one.model_copy(update=away) if isinstance(one, StepFailed) else one for one in row.causes]
    return "\n".join(map(words, causes))


def _stop(row: Row) -> StepFailed | None:
    """The step at which a run stopped although it was not meant to, but for one that a check of arguments refuses."""
    stops = (one for one in row.causes if isinstance(one, StepFailed) and not one.expected)
    return next((one for one in stops if one.type.rpartition(".")[2] != BoundsError.__name__), None)


def _of(row: Row, kind: OpSide) -> KindVerdict:
    found = KindVerdict(outcome_of(row), _reason(row))
    if row.outcome == Outcome.MISMATCH:
        return found if kind in _wrong(row) else KindVerdict(Outcome.OK)
    if row.outcome == Outcome.PARTLY_JUDGED:
        return found if kind in _unjudged(row) else KindVerdict(Outcome.OK)
    return found if row.outcome != Outcome.OK else KindVerdict(Outcome.OK)


def _wrong(row: Row) -> set[OpSide]:
    """What is wrong of a mismatch: by the steps that are wrong alone; where none is known, by the values."""
    mismatch = next((one for one in row.causes if isinstance(one, CellMismatch)), None)
    by_name = set() if mismatch is None else _kinds(mismatch.names)
    blame = row.blame
    if blame is None or not blame.culprits:
        return by_name or {"value"}
    by_step: set[OpSide] = {"gradient" if one.direction == "backward" else "value" for one in blame.culprits}
    return by_step | by_name if blame.unjudged else by_step


def _unjudged(row: Row) -> set[OpSide]:
    shortfalls = [one for one in row.causes if isinstance(one, Shortfall)]
    named = _kinds(name for one in shortfalls for name in one.names)
    return set(KINDS_OF_VALUES) if any(one.count > len(one.names) for one in shortfalls) else named


def _kinds(names: Iterable[str]) -> set[OpSide]:
    return {"gradient" if name.endswith(GRADIENT) else "value" for name in names}
