"""Whether two runs start from the same numbers, each rounded to its own run's dtype."""

from __future__ import annotations

from typing import Final

import torch

from tensorflow_free.judging.closeness import is_floating, same_integers
from tensorflow_free.judging.passes import PIECE

SAME_NUMBERS: Final = "the same numbers, each rounded to its own run's dtype"
"""What is allowed of the tensors that two runs start from."""


def same_start(mine: torch.Tensor, its: torch.Tensor) -> torch.Tensor:
    """Which pairs can be one number, rounded to the dtype of either; NaN is NaN.

    Args:
        mine: a starting tensor of one run: plain, on the CPU.
        its: that of the other, of the same shape.

    Returns:
        Booleans, flat.
    """
    if not (is_floating(mine.dtype) or is_floating(its.dtype)):
        return same_integers(mine, its).flatten()
    if mine.is_complex() and its.is_complex():
        return same_start(torch.view_as_real(mine), torch.view_as_real(its)).view(-1, 2).all(-1)
    same, one, another = torch.empty(mine.numel(), dtype=torch.bool), mine.reshape(-1), its.reshape(-1)
    for begin in range(0, len(same), PIECE):
        here = slice(begin, begin + PIECE)
        same[here] = _same(one[here], another[here])
    return same


def _same(mine: torch.Tensor, its: torch.Tensor) -> torch.Tensor:
    """As of `same_start`, of a piece."""
    wide, other = mine.to(torch.float64), its.to(torch.float64)
    same = (wide == other) | (wide.isnan() & other.isnan())
    if mine.dtype == its.dtype or mine.is_complex() or its.is_complex():
        return same
    # what overflows in one of the two dtypes
    same |= mine.to(its.dtype).to(torch.float64) == other
    same |= its.to(mine.dtype).to(torch.float64) == wide
    if bool(same.all()):
        return same
    return same | ((wide - other).abs() <= _half_unit(wide, mine.dtype) + _half_unit(other, its.dtype))


def _half_unit(numbers: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """How far a number that is rounded to each of these may be away from it."""
    if not dtype.is_floating_point:
        return torch.zeros_like(numbers)
    info = torch.finfo(dtype)
    eps, smallest = float(info.eps), float(info.smallest_normal)
    exponents = torch.frexp(numbers.nan_to_num(0.0, 0.0, 0.0)).exponent
    return torch.ldexp(torch.full_like(numbers, eps), exponents - 1).clamp(min=eps * smallest) / 2
