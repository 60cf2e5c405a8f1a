"""Numbers moved as rounding moves them, at random, or rounded to the grid of a dtype; those on it stay.

Piece by piece, so that the several passes over a large tensor go through the cache and not through memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

import torch

from tensorflow_free.rounding.uniform import Uniform

PIECE: Final = 1 << 15
"""Elements of a piece: a few of these fit the second level of a processor's cache."""


def epsilon_of(dtype: torch.dtype) -> float:
    """The machine epsilon of a floating dtype."""
    return float(torch.finfo(dtype).eps)


def scaled(one: torch.Tensor, uniform: Uniform, size: float) -> torch.Tensor:
    """A copy of numbers, each times 1 + size * a uniform number; infinity stays infinity.

    Args:
        one: float64 or float32, of any strides.
        uniform: where the numbers in [-1, 1) come from.
        size: of the largest move, relative.
    """
    if one.dtype != torch.float64:
        return (one.to(torch.float64) * (uniform.of(one.shape) * size + 1)).to(one.dtype)
    out = torch.empty_like(one)
    factors = Factors(uniform, one.numel())
    for mine, into in _pieces(one, out):
        torch.mul(mine, factors.of(mine, size), out=into)
    return out


class Factors:
    """What numbers are moved by, piece after piece, in memory that serves each piece again.

    Args:
        uniform: where their uniform numbers come from.
        count: of the elements that are moved.
    """

    def __init__(self, uniform: Uniform, count: int) -> None:
        self._uniform, self._is_cut = uniform, count > PIECE
        self._memory = torch.empty(min(PIECE, count), dtype=torch.float64)

    def of(self, piece: torch.Tensor, size: float) -> torch.Tensor:
        """1 + size * uniform numbers, of the piece's shape."""
        if piece.numel() > PIECE:
            return torch.add(_ONE, self._uniform.of(piece.shape), alpha=size)
        numbers, sign = self._uniform.signed(piece.shape) if self._is_cut else (self._uniform.of(piece.shape), 1.0)
        return torch.add(_ONE, numbers, alpha=sign * size, out=self._memory[: piece.numel()].view(piece.shape))


@dataclass(frozen=True, slots=True)
class Move:
    """How numbers are moved.

    Attributes:
        size: of the largest move at random, relative.
        dtype: numbers that it holds exactly stay as they are.
        on_grid: whether they are rounded to the dtype then, so that ties and exact zeros happen as there.
    """

    size: float
    dtype: torch.dtype
    on_grid: bool = False


def move(one: torch.Tensor, uniform: Uniform, how: Move, still: torch.Tensor | None = None) -> None:
    """Move numbers in place.

    Args:
        one: real, of any strides; of a dtype that is as coarse as that of the move, all numbers are moved.
        uniform: where the numbers in [-1, 1) come from.
        how: how far, and whether to the grid.
        still: numbers that stay, of the same shape, besides those that the dtype holds.
    """
    asks = epsilon_of(one.dtype) < epsilon_of(how.dtype) and _may_be_held(one, how)
    if still is not None:
        moved = _moved(one, Factors(uniform, one.numel()), how, asks=asks)
        one.copy_(torch.where(still, one, moved))
        return
    factors = Factors(uniform, one.numel())
    is_plain = one.dtype == torch.float64 and how.dtype != torch.float16 and not (asks or how.on_grid)
    for mine, into in _pieces(one, one):
        if is_plain:
            torch.mul(mine, factors.of(mine, how.size), out=into)
        else:
            into.copy_(_moved(mine, factors, how, asks=asks))


def _moved(one: torch.Tensor, factors: Factors, how: Move, *, asks: bool) -> torch.Tensor:
    wide, dtype = one.to(torch.float64), how.dtype
    moved = wide
    if how.size:
        by = factors.of(wide, how.size)
        if dtype == torch.float16:
            moved = wide * by
            # its subnormal numbers are met in practice: they are a fixed distance apart
            moved = moved.abs().add_(by - _ONE, alpha=_UNIT / epsilon_of(dtype)).clamp_(min=0).copysign(moved)
        else:
            moved = torch.mul(wide, by, out=by)
    if how.on_grid:
        rounded = moved.to(dtype)
        # one sum tells sooner than every number whether any is not finite
        if not isfinite(float(rounded.to(torch.float32).sum())):
            rounded = rounded.to(torch.float64)
            rounded = torch.where(rounded.isfinite(), rounded, moved)
        moved = rounded
    return torch.where(held(wide, dtype), wide, moved) if asks else moved


_UNIT: Final = float(torch.finfo(torch.float16).smallest_normal) * float(torch.finfo(torch.float16).eps)

_ONE: Final = torch.ones((), dtype=torch.float64)


def held(one: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Which real numbers a dtype holds exactly."""
    return one.to(dtype).to(one.dtype) == one


def _may_be_held(one: torch.Tensor, how: Move) -> bool:
    """Whether some number may be held exactly; of many, a few are asked, and zero is nowhere moved but in float16."""
    if one.numel() <= PIECE or not _is_dense(one) or how.dtype == torch.float16:
        return True
    few = _as_it_lies(one)[:: one.numel() // _ASKED]
    return bool((held(few, how.dtype) & (few != 0)).any())


_ASKED: Final = 1 << 10


def _pieces(one: torch.Tensor, out: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Small pieces of two tensors of one shape, as they lie in memory; the whole where there is room between."""
    if one.numel() <= PIECE or one.stride() != out.stride() or not _is_dense(one):
        yield one, out
    else:
        yield from zip(*(torch.split(_as_it_lies(each), PIECE) for each in (one, out)), strict=True)


def _is_dense(one: torch.Tensor) -> bool:
    """Whether its elements lie side by side in memory, in any order of its dimensions."""
    return one.is_contiguous() or torch.empty_like(one, device="meta").stride() == one.stride()


def _as_it_lies(one: torch.Tensor) -> torch.Tensor:
    """The elements of a dense tensor in the order of memory."""
    return one.as_strided((one.numel(),), (1,))
