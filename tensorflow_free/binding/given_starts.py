"""The starting tensors of a saved run in place of those that a recipe draws or makes: checked against the recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import torch

from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.saved_starts import SavedStarts
from tensorflow_free.tensors.starting_tensors import Start
from tensorflow_free.text.phrases import some

MOST_NAMED: Final = 8
"""Names of a run's tensors in a message."""


COMMAND_LINE_ONLY: Final = (
    "'starts' names a run that lies anywhere, so it stands on the command line alone: --starts RUN; "
    "in a file, `init: load` reads a tensor"
)
"""Why a recipe's file cannot say which run it begins from."""


class GivenStarts:
    """Puts the numbers of a saved run into bound starting tensors.

    Args:
        saved: what the run started from.
        report: told what is wrong.
    """

    def __init__(self, saved: SavedStarts, report: Callable[[str], None]) -> None:
        self._saved = saved
        self._report = report

    def into(self, start: Start, shape: Sequence[int] | None) -> Start:
        """The starting tensor with the run's numbers; itself where it has none of its own: a view, or on `meta`."""
        if start.init == "as_strided" or start.device == "meta":
            return start
        numbers = self._saved.numbers.get(start.name)
        problems = [self._missing(start.name)] if numbers is None else list(misfits_of(numbers, start, shape))
        for problem in problems:
            self._report(f"'{start.name}' of the run {self._saved.name}: {problem}")
        return start if numbers is None or problems else replace(start, given=numbers)

    def refuse_others(self, names: Sequence[str]) -> None:
        """Report the starting tensors that the run has and the recipe has not."""
        for name in self._saved.numbers:
            if name not in names:
                near = did_you_mean(name, names) or "; begin from a run of a recipe with the same tensors"
                self._report(f"'{name}' of the run {self._saved.name}: the recipe has no tensor of this name{near}")

    def _missing(self, name: str) -> str:
        if name in self._saved.unstored:
            return f"its numbers are not in the folder ({self._saved.unstored[name]}); run it again with record=all"
        names = list(self._saved.numbers)
        has = some((f"'{one}'" for one in names), MOST_NAMED) if names else "none"
        return (
            f"it is not among the tensors in its folder, which are {has}{did_you_mean(name, names)}; "
            "where the run had it and did not keep it, run it again with record=all"
        )


def misfits_of(numbers: torch.Tensor, start: Start, shape: Sequence[int] | None) -> Iterator[str]:
    """Why a tensor that is given cannot be a starting tensor of the recipe."""
    if shape is not None and list(numbers.shape) != list(shape):
        yield f"it has the shape {list(numbers.shape)}, and {list(shape)} in the recipe"
    if start.dtype is None or _kind(numbers.dtype) != _kind(start.dtype):
        wanted = "no dtype" if start.dtype is None else word_of(start.dtype)
        yield f"it is {word_of(numbers.dtype)}, and {wanted} in the recipe"
    elif not _holds(start.dtype, numbers):
        yield f"it has numbers that {word_of(start.dtype)}, its dtype in the recipe, does not hold"


def _kind(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "boolean"
    return "complex" if dtype.is_complex else "floating" if dtype.is_floating_point else "integer"


def _holds(dtype: torch.dtype, numbers: torch.Tensor) -> bool:
    """Whether integers stay what they are in a dtype; floating numbers are rounded to it."""
    if _kind(dtype) != "integer" or dtype == numbers.dtype:
        return True
    return torch.equal(numbers.to(dtype).to(numbers.dtype), numbers)
