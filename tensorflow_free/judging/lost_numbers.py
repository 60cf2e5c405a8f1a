"""Numbers that are lost where eager PyTorch and rounding keep them: small ones beside large, which no mean tells of.

RMSE, the largest error and the mean of the spread are those of a whole tensor. Beside one number of 1e4 a thousand of
1e-4 may be anything. So a value is out of bounds as well where one number in a hundred, of those that are not zero, is
off by half of its size or more, and by more than 8 times each of

    |b_i - r_i|    how far the baseline, eager PyTorch in the same dtype, is off there
    spread_i       how far nudged runs of the reference moved it
    eps * |r_i|    its last rounding

A method whose error is that of the whole tensor (a product by FFT, by Strassen or Winograd) is held to this, too: where
each number has a scale of its own, it loses the small ones, and eager PyTorch does not.
"""

from __future__ import annotations

import math
from typing import Final

import torch

from tensorflow_free.judging.measures import Errors

TIMES: Final = 8.0
"""How many times what the baseline and rounding are away a number is off that is lost."""

HALF: Final = 0.5
"""The share of a number that it is off by, at least."""

ONE_IN: Final = 100
"""Of so many numbers one must be lost."""

NORMAL: Final = 16.0
"""How many times the smallest number of its dtype a number is that can be lost; below it has few digits."""


class LostNumbers:
    """Which numbers of a value may be lost.

    Attributes:
        at: where they stand, flat.

    Args:
        errors: how far the value is from its reference.
        base: the baseline's numbers, of the same shape.
        eps: the epsilon of the value's dtype.
        smallest: the smallest number of it.
        loosened: how many times more is allowed than usual.
    """

    def __init__(self, errors: Errors, base: torch.Tensor, eps: float, smallest: float, loosened: float = 1.0) -> None:
        wide = torch.complex128 if base.is_complex() or errors.expected.is_complex() else torch.float64
        its, exact = base.reshape(-1), errors.expected.reshape(-1)
        found: list[tuple[torch.Tensor, ...]] = []
        counted = 0
        for here, off, sizes in errors.pieces():
            large = sizes > NORMAL * smallest
            counted += int(large.count_nonzero())
            far = (large & (off >= HALF * sizes)).nonzero().view(-1)
            if not len(far):
                continue
            beside = (its[here][far].to(wide) - exact[here][far].to(wide)).abs().nan_to_num(math.inf)
            least = torch.maximum(beside, sizes[far] * eps)
            kept = off[far] > TIMES * loosened * least
            found.append((far[kept] + here.start, off[far][kept], least[kept] * (TIMES * loosened)))
        empty = (torch.zeros(0, dtype=torch.int64), *(torch.zeros(0, dtype=torch.float64) for _ in range(2)))
        self.at, self._off, self._least = map(torch.cat, zip(*found, strict=True)) if found else empty
        self._times = TIMES * loosened
        self._enough = max(1, math.ceil(counted / ONE_IN))

    @property
    def are_many(self) -> bool:
        """Whether they are so many that they are not chance."""
        return len(self.at) >= self._enough

    def shares(self, spread: torch.Tensor) -> torch.Tensor:
        """How many times what is allowed each is off, by how far nudged runs moved every number, flat."""
        return self._off / torch.maximum(self._least, spread[self.at] * self._times)

    def share(self, spread: torch.Tensor) -> float:
        """What one number in a hundred is off, as a share of what is allowed; 0 where they are fewer."""
        if not self.are_many:
            return 0.0
        return float(self.shares(spread).kthvalue(len(self.at) - self._enough + 1).values)

    def worst(self, spread: torch.Tensor) -> tuple[int, float]:
        """The flat position of the one that is furthest off for its noise, and what it may be off."""
        at = int(self.shares(spread).argmax())
        return int(self.at[at]), float(torch.maximum(self._least[at], spread[self.at[at]] * self._times))
