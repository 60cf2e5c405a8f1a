"""The exceptions of the package, and how a problem names its place. What they say is printable.

TensorflowFreeError
├── RecipeError              the recipe or the overrides are wrong; nothing ran
│   └── UnavailableError     they are right, but the device they ask for is not here
├── StepError                a step failed while the recipe ran
└── StorageError             a result's folder cannot be written or read
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tensorflow_free.characters import printable

INDENT: Final = "    "
"""What stands before all lines of a message but its first, so that none of them passes for a message of ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a dotted path, and, where it is known, a file, a line and a column (from 1)."""

    path: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (position, self.path) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: its place, and what is wrong with what would be right."""

    place: Place
    message: str

    def __str__(self) -> str:
        place = str(self.place)
        return f"{place}: {self.message}" if place else self.message


class TensorflowFreeError(Exception):
    """What every error of this package is."""


class RecipeError(TensorflowFreeError):
    """A recipe, or an override of it, that cannot be run as written. `problems` holds every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        # a quoted value must not pass for a message of ours
        super().__init__("\n".join(printable(str(problem)) for problem in self.problems))


class UnavailableError(RecipeError):
    """A recipe without fault that asks for a device which this machine does not have."""


class StepError(TensorflowFreeError):
    """A step that failed while the recipe ran; torch's own error is its cause.

    `step` and `op` name the step, `operands` describes each operand in a line, `problem` holds the place and the words.
    """

    def __init__(self, problem: Problem, step: str, op: str, operands: Sequence[str] = ()) -> None:
        self.problem = problem
        self.step = step
        self.op = op
        self.operands = tuple(operands)
        first, *rest = str(problem).split("\n")
        super().__init__("\n".join(map(printable, [first, *(f"{INDENT}{line}" for line in (*rest, *self.operands))])))


def words_of(error: BaseException) -> str:
    """An error's own words in a line, without the C++ stack and the list of back ends that torch may add."""
    words = (str(error) or type(error).__name__).partition("\nException raised from")[0]
    return words.strip().partition("\n")[0]


class StorageError(TensorflowFreeError):
    """A result that cannot be written to its folder or read back from it; its words are one line."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))
