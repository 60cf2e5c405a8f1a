"""The outcomes of cells, goldens, values and expectations: one word each, in one table. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal, Self, get_args

from tensorflow_free.outcome.exit_codes import ExitCode, worst_of


class Outcome(StrEnum):
    """What became of something, in the word that files and tables have for it; the worst come first.

    Attributes:
        exit_code: that of a command which finds it; of what cannot be had here, that of a command which finds nothing
            else.
        meaning: what it says, in words.
        is_absent: whether it says that something cannot be had here, which is no failure beside what can.
        is_bad: whether it fails a run, a sweep, a test.
    """

    exit_code: ExitCode
    meaning: str
    is_absent: bool

    def __new__(cls, word: str, exit_code: ExitCode, meaning: str, is_absent: str = "") -> Self:
        """A row of the table."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.exit_code, member.meaning, member.is_absent = exit_code, meaning, bool(is_absent)
        return member

    CRASHED = "crashed", ExitCode.STEP_FAILED, "its process ended before it gave a result"
    TIMED_OUT = "timed out", ExitCode.STEP_FAILED, "it took longer than the limit, and was ended"
    OUT_OF_MEMORY = "out of memory", ExitCode.STEP_FAILED, "it took more memory than there is, or than the limit"
    FAILED = "failed", ExitCode.STEP_FAILED, "a step failed; or, with exit code 1, an expectation does not hold"
    FAILS = "fails", ExitCode.UNMET, "what is expected does not hold"
    MISMATCH = "mismatch", ExitCode.UNMET, "a value or a gradient is out of bounds"
    NONDETERMINISTIC = (
        "nondeterministic",
        ExitCode.UNMET,
        "run again on the same numbers, it gives other bits; no run is out of bounds",
    )
    NOTHING_COMPARED = "nothing compared", ExitCode.UNMET, "no value could be compared, so that it checks nothing"
    FIXED = "fixed", ExitCode.UNMET, "it passes, and is marked as a known fault: remove the mark"
    REFUSED = "refused", ExitCode.WRONG, "the recipe is wrong, or cannot be bound in this cell"
    STALE = "stale", ExitCode.UNMET, "the recipe has changed since its golden was recorded"
    MISSING = "missing", ExitCode.UNMET, "there is no golden"
    UNUSED = "unused", ExitCode.UNMET, "a golden, or a case of one, that no recipe uses"
    KNOWN_FAULT = "known fault", ExitCode.OK, "it fails, as marked under `xfail`"
    UNSUPPORTED = "unsupported", ExitCode.STEP_FAILED, "there is no kernel for it in this cell", "absent"
    UNAVAILABLE = "unavailable", ExitCode.WRONG, "this machine does not have the device", "absent"
    DTYPE_DEPENDENT = (
        "dtype-dependent",
        ExitCode.OK,
        "rounding alone makes it differ, or eager PyTorch overflows in this dtype, too",
    )
    NOT_COMPARABLE = (
        "not comparable",
        ExitCode.OK,
        "all of it lies downstream of random steps with another random stream, or is left out, as it needs gradients",
    )
    PARTLY_JUDGED = (
        "partly judged",
        ExitCode.OK,
        "what could be judged is within bounds, and some values could not be judged",
    )
    BROKEN_IN_EAGER = (
        "broken in eager",
        ExitCode.OK,
        "a relation does not hold, and plain eager PyTorch on the CPU breaks it, too",
    )
    NOT_JUDGED = "not judged", ExitCode.OK, "this cell does not record the value"
    OK = "ok", ExitCode.OK, "every value is within bounds, and all that the recipe expects holds"
    HOLDS = "holds", ExitCode.OK, "what is expected holds"

    # that of its word, which it equals; that of other enumerations is Python's own code, and each row counts many
    __hash__ = str.__hash__

    def __repr__(self) -> str:
        """Its word, as any text is shown."""
        return repr(self.value)

    @property
    def is_bad(self) -> bool:
        """Whether it fails a run, a sweep, a test."""
        return self.exit_code != ExitCode.OK and not self.is_absent

    @property
    def rank(self) -> int:
        """Its place in the table."""
        return RANKS[self]


RANKS: Final[Mapping[str, int]] = {outcome: rank for rank, outcome in enumerate(Outcome)}
BAD: Final = frozenset(outcome for outcome in Outcome if outcome.is_bad)
ABSENT: Final = frozenset(outcome for outcome in Outcome if outcome.is_absent)
STRICT: Final = frozenset({Outcome.NOT_COMPARABLE, Outcome.PARTLY_JUDGED})
"""Those that are a failure where `--strict` asks that everything be judged."""


# which of them each thing can have

CellOutcome = Literal[
    Outcome.CRASHED,
    Outcome.TIMED_OUT,
    Outcome.OUT_OF_MEMORY,
    Outcome.FAILED,
    Outcome.MISMATCH,
    Outcome.NONDETERMINISTIC,
    Outcome.FIXED,
    Outcome.REFUSED,
    Outcome.KNOWN_FAULT,
    Outcome.UNSUPPORTED,
    Outcome.UNAVAILABLE,
    Outcome.NOT_COMPARABLE,
    Outcome.PARTLY_JUDGED,
    Outcome.OK,
]
"""A cell of a sweep."""

GoldenOutcome = Literal[
    Outcome.CRASHED,
    Outcome.TIMED_OUT,
    Outcome.OUT_OF_MEMORY,
    Outcome.FAILED,
    Outcome.MISMATCH,
    Outcome.NONDETERMINISTIC,
    Outcome.NOTHING_COMPARED,
    Outcome.FIXED,
    Outcome.REFUSED,
    Outcome.STALE,
    Outcome.MISSING,
    Outcome.UNUSED,
    Outcome.KNOWN_FAULT,
    Outcome.UNSUPPORTED,
    Outcome.UNAVAILABLE,
    Outcome.PARTLY_JUDGED,
    Outcome.OK,
]
"""A case of a recipe, compared with its golden; a test has the same."""

ValueOutcome = Literal[Outcome.MISMATCH, Outcome.DTYPE_DEPENDENT, Outcome.NOT_COMPARABLE, Outcome.OK]
"""A value, compared with that of another run."""

ExpectationOutcome = Literal[
    Outcome.FAILS,
    Outcome.NONDETERMINISTIC,
    Outcome.FIXED,
    Outcome.KNOWN_FAULT,
    Outcome.BROKEN_IN_EAGER,
    Outcome.NOT_JUDGED,
    Outcome.HOLDS,
]
"""One thing that a recipe expects; that its runs give the same bits is one."""

CELL_OUTCOMES: Final[tuple[CellOutcome, ...]] = get_args(CellOutcome)
GOLDEN_OUTCOMES: Final[tuple[GoldenOutcome, ...]] = get_args(GoldenOutcome)
"""Those of a cell, and of a golden, worst first."""


def well_first(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes as a last line counts them: what is ok, then the worst first."""
    return sorted(outcomes, key=lambda outcome: (outcome != Outcome.OK, RANKS[outcome]))


def code_of_all(codes: Iterable[int], outcomes: Iterable[Outcome]) -> ExitCode:
    """The exit code of a command that came to several outcomes.

    Args:
        codes: the code of each that is bad.
        outcomes: all of them, once or more often. Where none of it could run, nothing was checked.
    """
    if found := worst_of(codes):
        return found
    there = set(outcomes)
    return worst_of(outcome.exit_code for outcome in there) if there <= ABSENT else ExitCode.OK
