"""Numbers that are lost where eager PyTorch and rounding keep them: small ones beside large, which no mean tells of.

RMSE, the largest error and the mean of the spread are those of a whole tensor. Beside one number of 1e4 a thousand of
1e-4 may be anything. So a value is out of bounds as well where one number in a hundred, of those that are not zero, is
off by half of its size or more, and by more than 8 times each of

    |b_i - r_i|    how far the baseline, eager PyTorch in the same dtype, is off there
    spread_i       how far nudged runs of the reference moved it
    eps * |r_i|    its last rounding

or where one in a hundred of the zeros that the baseline and all nudged runs keep is none, by more than eps times the
largest number (48 times in float32 and float64, in which transforms leave as much).

A method whose error is that of the whole tensor (a product by FFT, by Strassen or Winograd) is held to this, too: where
each number has a scale of its own, it loses the small ones, and eager PyTorch does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

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

FINE: Final = 2.0**-20
"""Epsilons below are of dtypes in which a kernel computes as it stores."""

OF_ZEROS: Final = 48.0
"""How many epsilons of the largest number may stand in the place of a zero in those."""


class LostShare(NamedTuple):
    """What lost numbers come to.

    Attributes:
        share: what one number in a hundred is off, as a share of what it may be; 0 where they are fewer.
        at: where the one stands that is furthest off for its noise, flat.
        allowed: what that one may be off.
    """

    share: float
    at: int
    allowed: float


NOTHING_LOST: Final = LostShare(0.0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Numbers of one kind, those that are zero or those that are not, of which some may be lost.

    Attributes:
        at: where those stand, flat.
        off: how far they are off.
        least: what they may be off in any case.
        enough: how many must be lost.
    """

    at: torch.Tensor
    off: torch.Tensor
    least: torch.Tensor
    enough: int

    @property
    def are_many(self) -> bool:
        return len(self.at) >= self.enough


class LostNumbers:
    """Which numbers of a value may be lost.

    Args:
        errors: how far the value is from its reference.
        base: the baseline's numbers, of the same shape.
        eps: the epsilon of the value's dtype.
        smallest: the smallest number of it.
        loosened: how many times more is allowed than usual.
    """

    def __init__(self, errors: Errors, base: torch.Tensor, eps: float, smallest: float, loosened: float = 1.0) -> None:
        self._errors, self._base = errors, base.reshape(-1)
        self._wide = torch.complex128 if base.is_complex() or errors.expected.is_complex() else torch.float64
        self._eps, self._smallest, self._times = eps, smallest, TIMES * loosened
        self._of_zeros = errors.peak * eps * loosened * (OF_ZEROS if eps < FINE else 1.0)
        self._kinds = [one for one in (self._found(zeros=False), self._found(zeros=True)) if one.are_many]

    def _found(self, *, zeros: bool) -> _Kind:
        exact, counted = self._errors.expected.reshape(-1), 0
        found: list[tuple[torch.Tensor, ...]] = []
        for here, off, sizes in self._errors.pieces():
            kind = sizes == 0 if zeros else sizes > NORMAL * self._smallest
            counted += int(kind.count_nonzero())
            far = (kind & (off > self._of_zeros if zeros else off >= HALF * sizes)).nonzero().view(-1)
            if not len(far):
                continue
            its, mine = self._base[here][far].to(self._wide), exact[here][far].to(self._wide)
            beside = (its - mine).abs().nan_to_num(math.inf)
            least = torch.maximum(beside, sizes[far] * self._eps) * self._times
            kept = off[far] > least
            found.append(
                (far[kept] + here.start, off[far][kept], least[kept].clamp(min=self._of_zeros if zeros else 0))
            )
        none = torch.zeros(0, dtype=torch.float64)
        at, off, least = map(torch.cat, zip(*found, strict=True)) if found else (none.to(torch.int64), none, none)
        return _Kind(at, off, least, max(1, math.ceil(counted / ONE_IN)))

    @property
    def are_many(self) -> bool:
        """Whether they are so many that they are not chance."""
        return bool(self._kinds)

    def reached(self, spread: torch.Tensor) -> LostShare:
        """What the lost numbers come to.

        Args:
            spread: how far nudged runs moved every number, flat.
        """
        return max((self._of(kind, spread) for kind in self._kinds), default=NOTHING_LOST)

    def _of(self, kind: _Kind, spread: torch.Tensor) -> LostShare:
        allowed = torch.maximum(kind.least, spread[kind.at] * self._times)
        shares = kind.off / allowed
        worst = int(shares.argmax())
        share = float(shares.kthvalue(len(shares) - kind.enough + 1).values)
        return LostShare(share, int(kind.at[worst]), float(allowed[worst]))
