"""Passes over large tensors, piece by piece, so that all that is computed of a piece stays in the cache. Pure torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

PIECE: Final = 1 << 15
"""Numbers of a piece: a few of these fit the second level of a processor's cache."""

KEPT: Final = 1 << 22
"""Numbers of a value whose errors are kept; of more they are made anew where they are needed, piece by piece."""

FEW: Final = 1 << 12
"""Numbers of a value of which what is made from them is kept, too."""

LARGEST: Final = 1e150
"""Sizes up to which the sum of squares fits float64."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What a pass over two tensors comes to, as `Errors` has it.

    Attributes:
        errors: as of `Errors`, where they are kept; so are `sizes`.
        square: the sum of their squares.
        power: the sum of the squares of the sizes.
        max_abs: as of `Errors`; so is `peak`.
        share: what `Errors.share` is of, and what it is.
    """

    errors: torch.Tensor | None
    sizes: torch.Tensor | None
    square: float
    power: float
    max_abs: float
    peak: float
    share: tuple[float, float, float] | None = None

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are, and none is so large that its square is not."""
        return math.isfinite(self.square) and math.isfinite(self.power)


def measured(actual: torch.Tensor, expected: torch.Tensor, wide: torch.dtype) -> Sums:
    """What a pass over two tensors of one shape comes to.

    Args:
        actual: the one.
        expected: the other.
        wide: the dtype that their difference is taken in.
    """
    elements = actual.numel()
    mine, its, is_kept = actual.reshape(-1), expected.reshape(-1), elements <= KEPT
    into = torch.empty(elements if is_kept else PIECE, dtype=torch.float64)
    zero, sizes = torch.zeros((), dtype=torch.float64), into
    sums, tops = [zero, zero], [zero, zero]
    for begin in range(0, elements, PIECE):
        here = slice(begin, begin + PIECE)
        other = its[here].to(wide)
        room = into[here] if is_kept else into[: len(other)]
        errors, sizes = torch.abs(mine[here].to(wide) - other, out=room), other.abs()
        sums = [one + torch.dot(each, each) for one, each in zip(sums, (errors, sizes), strict=True)]
        tops = [torch.maximum(*pair) for pair in zip(tops, (errors.max(), sizes.max()), strict=True)]
    kept = into if is_kept else None, sizes if elements <= FEW else None
    return Sums(*kept, *torch.stack([*sums, *tops]).tolist())


def moved(
    other: torch.Tensor, expected: torch.Tensor, wide: torch.dtype, furthest: torch.Tensor | None
) -> tuple[torch.Tensor, float, bool]:
    """How far one tensor is from another of the same shape, or `furthest` where that is further.

    Args:
        other: the one.
        expected: the other.
        wide: the dtype that their difference is taken in.
        furthest: of what was seen before, which is changed; None of the first.

    Returns:
        float64, flat, 0 where it is not finite; the sum of the squares of this one's; and whether it is finite.
    """
    elements = other.numel()
    found = torch.zeros(elements, dtype=torch.float64) if furthest is None else furthest
    its, mine, squares, is_finite = expected.reshape(-1), other.reshape(-1), 0.0, True
    for begin in range(0, elements, PIECE):
        here = slice(begin, begin + PIECE)
        away = mine[here].to(wide).sub(its[here]).abs()
        kept, square = finite(away)
        torch.maximum(found[here], kept, out=found[here])
        squares, is_finite = squares + square, is_finite and kept is away
    return found, squares, is_finite


def largest_of(numbers: Sequence[torch.Tensor]) -> float:
    """The largest of several numbers, NaN where one is; 0 of none."""
    return float(torch.stack(list(numbers)).max()) if numbers else 0.0


@dataclass(slots=True)
class Largest:
    """The largest of numbers that are not negative, seen piece by piece, and the position of the first such one."""

    number: float = 0.0
    position: int = 0

    def see(self, begin: int, numbers: torch.Tensor) -> None:
        """Take in a piece, which begins at a position."""
        if (largest := float(numbers.max())) > self.number:
            self.number, self.position = largest, begin + int(numbers.argmax())


def finite(away: torch.Tensor) -> tuple[torch.Tensor, float]:
    """How far numbers are away, 0 where that is not finite, and the sum of their squares."""
    squares = float(torch.dot(away, away))
    if not math.isfinite(squares):
        away = torch.where(away.isfinite(), away, 0.0).clamp(max=LARGEST)
        squares = float(torch.dot(away, away))
    return away, squares
