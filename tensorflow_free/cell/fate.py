"""What became of a cell: its run, expectations, comparison and known faults, in one outcome with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tensorflow_free.judging.known_faults import is_marked
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import CellOutcome, Outcome
from tensorflow_free.plan.calls import described
from tensorflow_free.plan.conditions import holds
from tensorflow_free.recipe.graph import reads_of, steps_of
from tensorflow_free.recipe.models import KnownFault, Recipe
from tensorflow_free.report.result_report import failure
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result
from tensorflow_free.run.torch_errors import is_unsupported

SHOWN: Final = 5
"""Names that are listed of the values out of bounds."""


@dataclass(frozen=True)
class Found:
    """What became of a cell.

    Attributes:
        outcome: in a word.
        reason: why, in words, a line or more; empty where it is ok.
        exit_code: of a single run that came to this.
        told: what is worth saying and is no failure.
        nothing: whether it failed as nothing was compared.
        unmet: the expectations that do not hold, by their paths.
    """

    outcome: CellOutcome
    reason: str = ""
    exit_code: ExitCode = ExitCode.OK
    told: list[str] = field(default_factory=list)
    nothing: bool = False
    unmet: list[str] = field(default_factory=list)


def outcome_of(
    result: Result,
    cause: Exception | None,
    comparison: Comparison | None,
    without: str = "there is no reference",
    unmet: frozenset[str] = frozenset(),
) -> Found:
    """What became of a cell.

    Args:
        result: its run.
        cause: the error that stopped the run, or None.
        comparison: its values against the reference, or None where there is none.
        without: why there is none.
        unmet: expectations, by their paths, that are known not to hold in this cell.
    """
    if result.error is not None and not result.error.expected:
        reason = "\n".join(failure(result))
        return Found(Outcome.UNSUPPORTED if is_unsupported(cause) else Outcome.FAILED, reason, ExitCode.STEP_FAILED)
    return _Weighing(result, comparison, without, unmet).found()


class _Weighing:
    """A run that came to its end, or stopped as it was meant to, being weighed."""

    def __init__(self, result: Result, comparison: Comparison | None, without: str, unmet: frozenset[str]) -> None:
        self._result = result
        self._comparison = comparison
        self._without = without
        self._known_unmet = unmet
        recipe = result.recipe
        self._faults = {number: one for number, one in enumerate(recipe.xfail) if holds(one.when, recipe)}
        self._bad = [] if comparison is None else comparison.bad

    def found(self) -> Found:
        told = list(self._told())
        unmarked = [one for one in self._bad if not any(is_marked(one.name, mark) for mark in self._faults.values())]
        verdicts = list(self._unmet())
        paths = [one.path for one in verdicts]
        unmet = [f"{one.path}: {one.asks}: {one.message}" for one in verdicts]
        if unmarked and self._comparison is not None:
            reason = "\n".join([*_mismatch(self._comparison, self._result), *unmet])
            return Found(Outcome.MISMATCH, reason, ExitCode.UNMET, told, unmet=paths)
        if unmet:
            return Found(Outcome.FAILED, "\n".join(unmet), ExitCode.UNMET, told, unmet=paths)
        if self._comparison is None:
            return Found(Outcome.FAILED, self._without, ExitCode.UNMET, told)
        if fixed := [self._faults[number] for number in self._faults if self._is_fixed(number)]:
            return Found(Outcome.FIXED, "\n".join(_fixed(one) for one in fixed), ExitCode.UNMET, told)
        borne = [mark for number, mark in self._faults.items() if self._is_borne(number)]
        if borne:
            return Found(Outcome.KNOWN_FAULT, "\n".join(_known(one) for one in borne), ExitCode.OK, told)
        return self._compared(self._comparison, told)

    def _compared(self, comparison: Comparison, told: list[str]) -> Found:
        """Nothing is wrong: whether anything was looked at."""
        stopped = self._result.error is not None
        if comparison.compared or stopped:
            return Found(Outcome.OK, "", ExitCode.OK, told)
        if comparison.not_comparable:
            reason = next(one.reason for one in comparison.values if one.outcome == Outcome.NOT_COMPARABLE)
            return Found(Outcome.NOT_COMPARABLE, reason, ExitCode.OK, told)
        if any(one.outcome == Outcome.DTYPE_DEPENDENT for one in comparison.values):
            reason = "all values are integers that differ between dtypes"
            return Found(Outcome.NOT_COMPARABLE, reason, ExitCode.OK, told)
        reason = "nothing was compared: the run records no value that the reference has"
        return Found(Outcome.FAILED, reason, ExitCode.UNMET, told, nothing=True)

    def _unmet(self) -> Iterator[Verdict]:
        compared = self._comparison is not None and self._comparison.compared > 0
        for verdict in self._result.expectations:
            # that the expectations compare nothing is no fault where the reference does
            if (
                verdict.outcome == Outcome.FAILS
                and verdict.path not in self._known_unmet
                and not (compared and verdict.path == "expect")
            ):
                yield verdict

    def _is_borne(self, number: int) -> bool:
        """Whether a mark is borne out: by a value, an expectation or the error that stopped the run."""
        mark = self._faults[number]
        return any(is_marked(one.name, mark) for one in self._bad) or any(
            one.outcome == Outcome.KNOWN_FAULT and (one.path == f"xfail.{number}" or is_marked(one.name, mark))
            for one in self._result.expectations
        )

    def _is_fixed(self, number: int) -> bool:
        """Whether what a mark is on was judged, and is well."""
        if self._is_borne(number):
            return False
        mark = self._faults[number]
        values = () if self._comparison is None else self._comparison.values
        judged = any(one.kind != "tensor" and one.outcome == Outcome.OK and is_marked(one.name, mark) for one in values)
        return judged or any(one.path == f"xfail.{number}" for one in self._result.expectations)

    def _told(self) -> Iterator[str]:
        values = () if self._comparison is None else self._comparison.values
        for one in values:
            if one.outcome == Outcome.DTYPE_DEPENDENT:
                yield f"{one.name}: {one.reason}"
        random = [one.name for one in values if one.outcome == Outcome.NOT_COMPARABLE]
        if random:
            reason = next(one.reason for one in values if one.outcome == Outcome.NOT_COMPARABLE)
            yield f"not comparable: {_some(random)}: {reason}"


def _mismatch(comparison: Comparison, result: Result) -> Iterator[str]:
    """The first value out of bounds, what it was made from, and how many there are."""
    where = comparison.where
    first = comparison.bad[0] if where is None else comparison[where.value]
    yield f"{first.name}: {first.reason}{_spent(first)}"
    # backward, it is the backward of a step that reads the value which went wrong
    for step in () if where is None else where.through if where.direction == "backward" else (where.step,):
        if operands := operands_of(result, step):
            yield f"    {op_of(result, step)} of {'; '.join(operands)}"
    count = len(comparison.bad)
    if count > 1:
        names = _some([one.name for one in comparison.bad])
        yield f"    {count} of {len(comparison.values)} values are out of bounds: {names}"


def _spent(first: ValueVerdict) -> str:
    """How much of what is allowed was used."""
    return f"; {first.used:.3g} times what is allowed ({first.allowed})" if first.allowed else ""


def operands_of(result: Result, step: str) -> list[str]:
    """What a step read, as far as the run recorded it: `x: float16 [3, 4] cpu`."""
    names = reads_of(result.recipe).get(step, ())
    return [f"{name}: {described(result.records[name].value)}" for name in names if name in result.records]


def op_of(result: Result, step: str) -> str:
    """The op of a step, inside blocks too; its name where it has none."""
    found = dict(steps_of(result.recipe.steps)).get(step)
    return step if found is None or found.op is None else found.op


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _known(mark: KnownFault) -> str:
    issue = f" ({mark.issue})" if mark.issue is not None else ""
    return f"known: {mark.reason}{issue}"


def _fixed(mark: KnownFault) -> str:
    keys = f" of {', '.join(mark.keys)}" if mark.keys else ""
    return f"the known fault{keys} is gone, take its mark away: {mark.reason}"


def marks_of(recipe: Recipe) -> list[KnownFault]:
    """The known faults that are marked for the cell."""
    return [one for one in recipe.xfail if holds(one.when, recipe)]
