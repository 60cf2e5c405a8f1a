"""Numbers moved as rounding moves them, at random, or rounded to the grid of a dtype; those on it stay.

Piece by piece, so that the several passes over a large tensor go through the cache and not through memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final

import torch

PIECE: Final = 1 << 15
"""Elements of a piece: a few of these fit the second level of a processor's cache."""


def epsilon_of(dtype: torch.dtype) -> float:
    """The machine epsilon of a floating dtype."""
    return float(torch.finfo(dtype).eps)


def scaled(one: torch.Tensor, uniform: torch.Tensor, size: float) -> torch.Tensor:
    """A copy of numbers, each times 1 + size * uniform; infinity stays infinity.

    Args:
        one: float64 or float32, of any strides.
        uniform: float64, in [-1, 1), of the same shape, contiguous.
        size: of the largest move, relative.
    """
    if one.dtype != torch.float64:
        return (one.to(torch.float64) * (uniform * size + 1)).to(one.dtype)
    out = torch.empty(one.shape, dtype=torch.float64)
    for mine, numbers, into in _pieces(one, uniform, out):
        torch.mul(mine, torch.add(_ONE, numbers, alpha=size), out=into)
    return out


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


def move(one: torch.Tensor, uniform: torch.Tensor, how: Move, still: torch.Tensor | None = None) -> None:
    """Move numbers in place.

    Args:
        one: real, of any strides; of a dtype that is as coarse as that of the move, all numbers are moved.
        uniform: float64, in [-1, 1), of the same shape, contiguous.
        how: how far, and whether to the grid.
        still: further numbers that stay, of the same shape.
    """
    asks = epsilon_of(one.dtype) < epsilon_of(how.dtype) and _may_be_held(one, how)
    if still is not None:
        one.copy_(torch.where(still, one, _moved(one, uniform, how, asks=asks)))
        return
    for mine, numbers, into in _pieces(one, uniform, one):
        into.copy_(_moved(mine, numbers, how, asks=asks))


def _moved(one: torch.Tensor, uniform: torch.Tensor, how: Move, *, asks: bool) -> torch.Tensor:
    wide, dtype = one.to(torch.float64), how.dtype
    moved = wide * torch.add(_ONE, uniform, alpha=how.size)
    if dtype == torch.float16:
        # its subnormal numbers are met in practice: they are a fixed distance apart
        moved = moved.abs().add_(uniform, alpha=_UNIT * how.size / epsilon_of(dtype)).clamp_(min=0).copysign(moved)
    if how.on_grid:
        rounded = moved.to(dtype).to(torch.float64)
        # one sum tells sooner than every number whether any is not finite
        moved = rounded if isfinite(float(rounded.sum())) else torch.where(rounded.isfinite(), rounded, moved)
    return torch.where(held(wide, dtype), wide, moved) if asks else moved


_UNIT: Final = float(torch.finfo(torch.float16).smallest_normal) * float(torch.finfo(torch.float16).eps)

_ONE: Final = torch.ones((), dtype=torch.float64)


def held(one: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Which real numbers a dtype holds exactly."""
    return one.to(dtype).to(one.dtype) == one


def _may_be_held(one: torch.Tensor, how: Move) -> bool:
    """Whether some number may be held exactly; of many, a few are asked, and zero is nowhere moved but in float16."""
    if one.numel() <= PIECE or not one.is_contiguous() or how.dtype == torch.float16:
        return True
    few = one.view(-1)[:: one.numel() // _ASKED]
    return bool((held(few, how.dtype) & (few != 0)).any())


_ASKED: Final = 1 << 10


def _pieces(
    one: torch.Tensor, uniform: torch.Tensor, out: torch.Tensor
) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Small pieces of three tensors of one shape; the whole where they are small, or lie otherwise in memory."""
    if one.numel() <= PIECE or not (one.is_contiguous() and uniform.is_contiguous() and out.is_contiguous()):
        return [(one, uniform, out)]
    flat = [torch.split(each.view(-1), PIECE) for each in (one, uniform, out)]
    return list(zip(*flat, strict=True))
