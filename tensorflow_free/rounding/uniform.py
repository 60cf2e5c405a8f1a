"""Uniform numbers in [-1, 1) for nudges: cut from one long row at random places, as drawing them anew costs more."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import prod
from typing import Final

import torch

SHIFTS: Final = 1 << 16
"""How many places there are at which a cut may begin."""


class Uniform:
    """Random numbers; the same seed gives the same ones, whatever was drawn before in this process."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing is kept secret by it

    def of(self, shape: Sequence[int]) -> torch.Tensor:
        """Numbers of this shape, float64; a view, which must not be changed."""
        count = prod(shape)
        # pairs of them are complex numbers, which begin at even places
        start = self._random.randrange(0, SHIFTS, 2)
        return _row_of(SHIFTS + count)[start : start + count].view(tuple(shape))

    def signed(self, shape: Sequence[int]) -> tuple[torch.Tensor, float]:
        """Numbers of this shape, as of `of`, and the sign that they have.

        Of a tensor that is moved piece by piece, pieces that are cut from the same numbers have signs of their own, so
        that their sum is as large as that of independent ones.
        """
        return self.of(shape), 1.0 if self._random.getrandbits(1) else -1.0


def _row_of(length: int) -> torch.Tensor:
    """The first numbers of the row, which is made longer where it is too short; those that are there stay."""
    global _row  # noqa: PLW0603 - it is one for the process, and as long as its largest tensor
    if len(_row) < length:
        blocks = [_row]
        for number in range(len(_row) // SHIFTS, -(-length // SHIFTS)):
            generator = torch.Generator().manual_seed(number)
            blocks.append(torch.empty(SHIFTS, dtype=torch.float64).uniform_(-1, 1, generator=generator))
        _row = torch.cat(blocks)
    return _row


_row = torch.empty(0, dtype=torch.float64)
