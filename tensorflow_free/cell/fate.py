"""The outcome of a run, a sweep's cell, a golden's case and a test: the one place that decides it."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tensorflow_free.cell.findings import (
    compiler_notes,
    hidden_in,
    is_borne_by,
    is_on,
    marks_of,
    mismatch_of,
    notes_of,
    shortfalls_of,
    unmarked,
)
from tensorflow_free.cell.yardstick import NoReference
from tensorflow_free.errors import RecipeError, StorageError, UnavailableError
from tensorflow_free.judging.expectations import NOTHING
from tensorflow_free.judging.known_faults import is_marked, is_whole, mark_of
from tensorflow_free.judging.must_run import required
from tensorflow_free.judging.repeats import nondeterminism_of
from tensorflow_free.judging.settled import settled
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import BAD, STRICT, Outcome
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.outcome.reasons import EMPTY, AnyReason, Marked, Problems, RunsDiffer, StepFailed, StopCode, Unmet
from tensorflow_free.outcome.sentences import words
from tensorflow_free.recipe.models import KnownFault
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import AFTER

STOPPED: Final[dict[StopCode, Outcome]] = {
    "step failed": Outcome.FAILED,
    "no kernel": Outcome.UNSUPPORTED,
    "out of memory": Outcome.OUT_OF_MEMORY,
    "timed out": Outcome.TIMED_OUT,
    "crashed": Outcome.CRASHED,
    "device lost": Outcome.FAILED,
}
"""What becomes of a run that stopped where it was not expected to."""


@dataclass(frozen=True)
class Fate:
    """What became of a cell, and why.

    Attributes:
        outcome: in a word.
        causes: why; nothing where it is ok.
        notes: what is worth saying and is no failure.
        strict: whether it fails where not everything could be judged.
    """

    outcome: Outcome
    causes: Sequence[AnyReason] = ()
    notes: list[AnyReason] = field(default_factory=list)
    strict: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether it is a failure."""
        return self.outcome in BAD or (self.strict and self.outcome in STRICT)

    def strictly(self) -> Fate:
        """The same where everything must be judged: a verdict that could not have failed, or is not of it, is none."""
        empty = [note for note in self.notes if note.code in EMPTY]
        if self.outcome != Outcome.OK or not empty:
            return replace(self, strict=True)
        rest = [note for note in self.notes if note not in empty]
        return Fate(Outcome.PARTLY_JUDGED, empty, rest, strict=True)

    @property
    def reason(self) -> str:
        """Why, in words, a line or more; empty where it is ok."""
        return "\n".join(map(words, self.causes))

    def also(self, cause: AnyReason) -> Fate:
        """The same with one more reason."""
        return replace(self, causes=[*self.causes, cause])

    @property
    def unmet(self) -> list[str]:
        """The expectations that do not hold, by their paths."""
        return [one.path for one in self.causes if isinstance(one, Unmet)]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a run that came to this; what failed without a step that did is something unmet."""
        stopped = any(isinstance(one, StepFailed) or one.code == "ran before in" for one in self.causes)
        if self.outcome == Outcome.FAILED and not stopped:
            return ExitCode.UNMET
        return self.outcome.exit_code or (ExitCode.UNMET if self.is_bad else ExitCode.OK)


def fate_of_error(error: RecipeError | StorageError) -> Fate:
    """What becomes of a cell that cannot be run: its device is not here, or its recipe or golden is wrong."""
    if isinstance(error, UnavailableError):
        problems = [problem.message for problem in error.problems]
        return Fate(Outcome.UNAVAILABLE, [Problems(code="unavailable", problems=problems)])
    return Fate(Outcome.REFUSED, [Problems(code="refused", problems=str(error).splitlines())])


def fate_of(
    result: Result,
    against: Comparison | NoReference | None = None,
    *,
    failed: Problems | None = None,
    unmet: frozenset[str] = frozenset(),
    guards: bool = False,
) -> Fate:
    """What became of a cell that ran, to its end or until a step failed.

    Args:
        result: its run.
        against: its values against the reference, or why there is none; None for a run that is judged by what it
            expects alone.
        failed: why the reference stopped, where it was not meant to.
        unmet: expectations, by their paths, that are known not to hold in this cell.
        guards: whether it is there to guard something, so that a comparison which compares nothing is a failure.
    """
    if result.error is not None and not result.error.expected:
        return _stopped(result, result.error, against, unmet)
    if against is None:
        alone = _by_expectations(result, guards=guards)
        alone.notes.extend(compiler_notes(result))
        return alone
    found = _Weighing(result, against, unmet, failed).fate()
    # that PyTorch itself does not hold a relation is no failure, and worth saying
    eager = [one.cause for one in result.expectations if one.outcome == Outcome.BROKEN_IN_EAGER]
    left_out = None if result.left_out is None else result.left_out.reason()
    found.notes.extend(cause for cause in (*eager, left_out) if cause is not None)
    found.notes.extend(compiler_notes(result))
    return _guarding(found, against) if guards else found


def _stopped(
    result: Result, error: StepFailed, against: Comparison | NoReference | None, known: frozenset[str]
) -> Fate:
    """The fate of a run that stopped where it was not meant to: what is wrong with what it had made counts first."""
    made = settled(result).records
    roots = {name.partition(".")[0] for name, one in made.items() if one.kind != "gradient"}
    wrong = [one for one in result.unmet if one.path not in known and _was_made(one.name, made, roots)]
    unmet, apart = [_unmet(one) for one in wrong], _apart(result)
    if isinstance(against, Comparison):
        marks = list(marks_of(result).values())
        if bad := unmarked(against, marks):
            return Fate(Outcome.MISMATCH, [mismatch_of(against, result, bad), *apart, *unmet, error])
        if hidden := hidden_in(against, marks):
            return Fate(Outcome.MISMATCH, [*hidden, *apart, *unmet, error])
    outcome = STOPPED[error.code]
    lacking = required(result.recipe, error)
    if (unmet or lacking) and outcome == Outcome.UNSUPPORTED:
        outcome = Outcome.FAILED
    return Fate(outcome, [error, *([] if lacking is None else [lacking]), *apart, *unmet])


def _was_made(name: str, made: Container[str], roots: Container[str]) -> bool:
    """Whether the value of an expectation was there when the run stopped; a field may be named by its position."""
    ends = name.endswith((".grad", AFTER))
    return name in made or (not ends and name.partition(".")[0] in roots)


def _by_expectations(result: Result, *, guards: bool) -> Fate:
    """The fate of a run that is judged only by what it expects."""
    if result.unmet:
        return Fate(Outcome.FAILED, [*map(_unmet, result.unmet), *_apart(result)])
    if apart := _apart(result):
        return Fate(Outcome.NONDETERMINISTIC, apart)
    marks = {f"xfail.{number}": mark for number, mark in marks_of(result).items()}
    fixed = [one for one in result.expectations if one.outcome == Outcome.FIXED]
    if fixed:
        return Fate(Outcome.FIXED, [mark_of(marks[one.path], "fixed") for one in fixed])
    known = [one for one in result.expectations if one.outcome == Outcome.KNOWN_FAULT]
    if known:
        issues = [mark_of(mark, "known fault") for mark in marks.values() if mark.issue is not None]
        return Fate(Outcome.KNOWN_FAULT, [*map(_unmet, known), *issues])
    # that nothing was judged is an expectation of its own
    nothing = [one.cause for one in result.expectations if one.path == NOTHING and one.cause is not None]
    judges = any(one.outcome != Outcome.NOT_JUDGED for one in result.expectations)
    return Fate(Outcome.NOTHING_COMPARED, nothing) if guards and nothing and not judges else Fate(Outcome.OK)


def _guarding(found: Fate, against: Comparison | NoReference) -> Fate:
    """A fixture in which nothing is compared guards nothing; shape and dtype alone are judged at least."""
    if any(isinstance(one, Bare) and one.code == "no common value" for one in found.causes):
        return Fate(Outcome.NOTHING_COMPARED, found.causes, found.notes)
    if found.outcome != Outcome.NOT_COMPARABLE:
        return found
    structural = isinstance(against, Comparison) and any(one.rule == "structure" for one in against.values)
    left_out = any(isinstance(one, Bare) and one.code == "all left out" for one in found.causes)
    return Fate(
        Outcome.PARTLY_JUDGED if structural or left_out else Outcome.NOTHING_COMPARED, found.causes, found.notes
    )


class _Weighing:
    """A run that came to its end, or stopped as it was meant to, being weighed."""

    def __init__(
        self, result: Result, against: Comparison | NoReference, unmet: frozenset[str], failed: Problems | None
    ) -> None:
        self._result = result
        self._against = against
        self._failed = failed
        self._known_unmet = unmet
        self._marks = marks_of(result)
        self._values = against.values if isinstance(against, Comparison) else ()
        self._bad = against.bad if isinstance(against, Comparison) else []

    def fate(self) -> Fate:
        """The first of these that is so: out of bounds, hidden, unmet, no reference, apart, fixed, known, compared."""
        unmet = [_unmet(one) for one in self._unmet()]
        apart = _apart(self._result)
        if not isinstance(self._against, Comparison):
            why: list[AnyReason] = [*unmet] if unmet else [self._against.cause]
            return Fate(Outcome.FAILED, [*why, *apart])
        notes = [*notes_of(self._against), *shortfalls_of(self._against)]
        failed = [] if self._failed is None else [self._failed]
        if bad := unmarked(self._against, self._marks.values()):
            mismatch = mismatch_of(self._against, self._result, bad)
            return Fate(Outcome.MISMATCH, [mismatch, *apart, *unmet, *failed], notes)
        if hidden := hidden_in(self._against, self._marks.values()):
            return Fate(Outcome.MISMATCH, [*hidden, *apart, *unmet, *failed], notes)
        if unmet or failed:
            return Fate(Outcome.FAILED, [*unmet, *apart, *failed], notes)
        if apart:
            return Fate(Outcome.NONDETERMINISTIC, apart, notes)
        if fixed := [mark for number, mark in self._marks.items() if self._is_fixed(number)]:
            return Fate(Outcome.FIXED, [mark_of(mark, "fixed") for mark in fixed], notes)
        if borne := [mark for number, mark in self._marks.items() if self._is_borne(number)]:
            return Fate(Outcome.KNOWN_FAULT, [self._known(mark) for mark in borne], notes)
        return self._compared(self._against)

    def _compared(self, comparison: Comparison) -> Fate:
        """Nothing is wrong: whether anything was looked at, and all of it."""
        notes = list(notes_of(comparison))
        if comparison.compared or self._result.error is not None:
            left_open = list(shortfalls_of(comparison))
            return Fate(Outcome.PARTLY_JUDGED if left_open else Outcome.OK, left_open, notes)
        if comparison.not_comparable:
            first = next(one for one in comparison.values if one.outcome == Outcome.NOT_COMPARABLE)
            return Fate(Outcome.NOT_COMPARABLE, [] if first.cause is None else [first.cause], notes)
        if any(one.outcome == Outcome.DTYPE_DEPENDENT for one in comparison.values):
            return Fate(Outcome.NOT_COMPARABLE, [Bare(code="all dtype-dependent")], notes)
        if self._result.left_out is not None and not self._result.left_out.is_nothing:
            return Fate(Outcome.NOT_COMPARABLE, [Bare(code="all left out")], notes)
        return Fate(Outcome.FAILED, [Bare(code="no common value")], notes)

    def _unmet(self) -> Iterator[Verdict]:
        compared = isinstance(self._against, Comparison) and self._against.compared > 0
        for verdict in self._result.unmet:
            # that the expectations compare nothing is no fault where the reference does
            if verdict.path not in self._known_unmet and not (compared and verdict.path == "expect"):
                yield verdict

    def _is_borne(self, number: int) -> bool:
        """Whether a mark is borne out: by a value, an expectation or the error that stopped the run."""
        mark = self._marks[number]
        blame = self._against.blame if isinstance(self._against, Comparison) else None
        if blame is not None and any(is_on(mark, one) for one in blame.culprits):
            return True
        return any(is_borne_by(one, mark) for one in self._bad) or any(
            one.outcome == Outcome.KNOWN_FAULT and (one.path == f"xfail.{number}" or is_marked(one.name, mark))
            for one in self._result.expectations
        )

    def _known(self, mark: KnownFault) -> Marked:
        """A mark that is borne out, with how far away the worst value is that it is on."""
        used = [one.used for one in self._bad if is_borne_by(one, mark)]
        return mark_of(mark, "known fault", max(used, default=math.inf))

    def _is_fixed(self, number: int) -> bool:
        """Whether what a mark is on was judged, and is well."""
        mark = self._marks[number]
        if self._is_borne(number) or not is_whole(self._result, mark):
            return False
        well = [one.name for one in self._values if one.kind != "tensor" and one.outcome == Outcome.OK]
        judged = any(is_marked(name, mark) for name in well)
        return judged or any(one.path == f"xfail.{number}" for one in self._result.expectations)


def _apart(result: Result) -> list[RunsDiffer]:
    """Where the cell's runs differ, where that is not known."""
    return list(nondeterminism_of(result.expectations))


def _unmet(verdict: Verdict) -> Unmet:
    return Unmet(path=verdict.path, asks=verdict.asks, cause=verdict.cause, message=verdict.message)
