"""Numbers in a few words: themselves where they are few, else their range. Does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tensorflow_free.text.phrases import shown

FEW: Final = 6
"""Elements up to which a tensor is written out; beyond, it is summed up."""

NO_VALUES: Final = "no values (meta)"
"""What is said of a tensor without numbers."""


def numbers_words(numbers: Any) -> str:
    """Numbers and nested lists of them, written out."""
    if isinstance(numbers, list):
        return f"[{', '.join(numbers_words(number) for number in numbers)}]"
    return shown(numbers) if isinstance(numbers, (bool, int)) else f"{numbers:.6g}"


@dataclass(frozen=True, slots=True)
class Range:
    """How far numbers reach, those that are finite, and how many are not.

    Attributes:
        least: the least finite number; of complex ones, the least distance from zero; None where none is finite.
        greatest: the greatest.
        nan: how many are NaN.
        inf: how many are infinite, and of those that are complex how many in either part.
        below: how many of these are below zero.
        is_complex: whether they are complex.
    """

    least: float | None
    greatest: float | None
    nan: int = 0
    inf: int = 0
    below: int = 0
    is_complex: bool = False

    def __add__(self, other: Range) -> Range:
        bounds = [one for one in (self, other) if one.least is not None and one.greatest is not None]
        return Range(
            min((one.least for one in bounds if one.least is not None), default=None),
            max((one.greatest for one in bounds if one.greatest is not None), default=None),
            self.nan + other.nan,
            self.inf + other.inf,
            self.below + other.below,
            self.is_complex,
        )

    def words(self) -> str:
        """The range: `-1.5 … 2`, `|z| all 1, 3 nan`."""
        found = {"nan": self.nan, "inf": self.inf - self.below, "-inf": self.below}
        bounds = f"|z| {self._bounds()}" if self.is_complex else self._bounds()
        return bounds + "".join(f", {count} {word}" for word, count in found.items() if count)

    def _bounds(self) -> str:
        if self.least is None or self.greatest is None:
            return "nothing finite"
        if self.least == self.greatest:
            return f"all {_bound(self.least)}"
        return f"{_bound(self.least)} … {_bound(self.greatest)}"


def truth_words(true: int, count: int) -> str:
    """How many of many truths are true."""
    return f"{true} of {count} true"


def _bound(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.4g}"
