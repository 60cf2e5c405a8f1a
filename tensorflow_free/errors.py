"""The exceptions of the package, and the place of a problem. Their texts are printable.

TensorflowFreeError
├── RecipeError              the recipe or the overrides are wrong; nothing ran
│   └── UnavailableError     they are right, but the device they ask for is not here
├── StepError                a step failed while the recipe ran
└── StorageError             a result's folder cannot be written or read
    └── UnwritableError      a disk takes nothing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tensorflow_free.text.characters import printable

INDENT: Final = "    "
"""What stands before all lines of a message but its first, so that none of them passes for a message of ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a recipe, an override or a file.

    Attributes:
        path: the dotted path of the key: `steps.y.op`.
        file: the file, as it was named, or what stands for one: `override 'dtype=int8'`; None where it is not known.
        line: the line, from 1; None where it is not known.
        column: the column, from 1; None where it is not known.
        through: the overrides that set what the value refers to: `override 'params.n=three'`.

    Example:
        >>> from tensorflow_free import Place
        >>> str(Place("steps.y.op", "linear.yaml", 10, 7))
        'linear.yaml:10:7: steps.y.op'
    """

    path: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    through: str = ""

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        through = f", with {self.through}" if self.through else ""
        return ": ".join(part for part in (position, self.path) if part) + through


Message = str | Callable[[], str]
"""A message, or what makes it: looking for the nearest name is slow, and not every message is read."""


def said(words: Message) -> str:
    """The message, made now where it was not yet."""
    return words if isinstance(words, str) else words()


class Problem:
    """One thing that is wrong.

    Args:
        place: where it stands.
        message: what is wrong, and what would be right; or a function that words it when it is first read.

    Example:
        >>> from tensorflow_free import Place, Problem
        >>> print(Problem(Place("steps.y.op"), "'sinn' is not an op; did you mean 'sin'?"))
        steps.y.op: 'sinn' is not an op; did you mean 'sin'?
    """

    __slots__ = ("_words", "place")

    def __init__(self, place: Place, message: Message) -> None:
        self.place = place
        self._words = message

    @property
    def message(self) -> str:
        """What is wrong."""
        self._words = said(self._words)
        return self._words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and (self.place, self.message) == (other.place, other.message)

    def __hash__(self) -> int:
        return hash(self.place)

    def __repr__(self) -> str:
        return f"Problem({str(self)!r})"

    def __reduce__(self) -> tuple[type[Problem], tuple[Place, str]]:
        return Problem, (self.place, self.message)

    def __str__(self) -> str:
        place = str(self.place)
        return f"{place}: {self.message}" if place else self.message


class TensorflowFreeError(Exception):
    """The base class of all errors of this package.

    Example:
        >>> from tensorflow_free import TensorflowFreeError, read_result
        >>> try:
        ...     read_result("nowhere")
        ... except TensorflowFreeError as error:
        ...     print(type(error).__name__)
        StorageError
    """


MOST_TOLD: Final = 100
"""Problems that the text of a `RecipeError` tells; of one more, telling it is as short as saying so."""


class RecipeError(TensorflowFreeError):
    """A recipe, or an override of it, that cannot be run as written.

    Its text lists the first hundred problems, a line each, and how many more there are.

    Attributes:
        problems: every problem that was found.

    Example:
        >>> from tensorflow_free import RecipeError, load_recipe
        >>> try:
        ...     load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": {"op": "sinn", "args": ["z"]}}})
        ... except RecipeError as error:
        ...     print(error)
        steps.y.op: 'sinn' is not an op; did you mean 'sin'?
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        # a quoted value must not pass for a message of ours
        left = len(self.problems) - MOST_TOLD
        told = self.problems if left <= 1 else self.problems[:MOST_TOLD]
        more = [f"and {left:,} more problems"] if left > 1 else []
        super().__init__("\n".join([*(printable(str(problem)) for problem in told), *more]))


def refuse_any(problems: Iterable[Problem]) -> None:
    """Raise what was found to be wrong, if anything was.

    Raises:
        RecipeError: with all of it.
    """
    if found := tuple(problems):
        raise RecipeError(found)


@contextmanager
def gathered_in(problems: list[Problem]) -> Iterator[None]:
    """Inside it, the problems of a RecipeError are added to these, and what follows it still runs."""
    try:
        yield
    except RecipeError as error:
        problems.extend(error.problems)


class UnavailableError(RecipeError):
    """A recipe without fault that asks for a device which this machine does not have.

    Example:
        >>> from tensorflow_free import UnavailableError, load_recipe
        >>> try:
        ...     load_recipe("recipes/linear_autograd.yaml", ["device=cuda:99"])
        ... except UnavailableError as error:
        ...     print(error.problems[0].place)
        override 'device=cuda:99': device
    """


class StepError(TensorflowFreeError):
    """A step that failed while the recipe ran; torch's own error is its cause.

    Attributes:
        problem: where the step stands, and torch's words.
        step: the step's name.
        op: its op.
        operands: a line for each operand: its name, dtype, shape and device.

    Example:
        >>> from tensorflow_free import StepError, load_recipe, run_recipe
        >>> recipe = load_recipe({"tensors": {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, "steps": {"y": "a + b"}})
        >>> try:
        ...     run_recipe(recipe)
        ... except StepError as error:
        ...     print(error.step, error.op, error.operands)
        y + ('a: float32 [2] cpu', 'b: float32 [3] cpu')
    """

    def __init__(self, problem: Problem, step: str, op: str, operands: Sequence[str] = ()) -> None:
        self.problem = problem
        self.step = step
        self.op = op
        self.operands = tuple(operands)
        first, *rest = str(problem).split("\n")
        super().__init__("\n".join(map(printable, [first, *(f"{INDENT}{line}" for line in (*rest, *self.operands))])))


def text_of(error: BaseException) -> str:
    """All that an error says; empty where it fails to say anything, as a vendor's own class may."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever its `__str__` raises
        return ""


def words_of(error: BaseException) -> str:
    """An error's own words in a line, without the C++ stack and the list of back ends that torch may add."""
    words = (text_of(error) or type(error).__name__).partition("\nException raised from")[0]
    return words.strip().partition("\n")[0]


def reason_of(error: BaseException) -> str:
    """Why: in the system's words without the path, which a message has already, else in the error's own."""
    return getattr(error, "strerror", None) or text_of(error) or type(error).__name__


class StorageError(TensorflowFreeError):
    """A result that cannot be written to its folder or read back from it; its text is one line.

    Example:
        >>> from tensorflow_free import StorageError, read_result
        >>> try:
        ...     read_result("nowhere")
        ... except StorageError as error:
        ...     print(error)
        nowhere: is not a run's folder; there is no result.json in it
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class UnkeptError(StorageError):
    """A result is written, but no copy of a file that has changed since the recipe read it."""


class UnwritableError(StorageError):
    """What there is to keep cannot be written: the disk is full, or a folder is read-only. No fault of a recipe's."""
