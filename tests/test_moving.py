"""Numbers are moved by no more than is said, wherever they lie in memory; what is not finite stays."""

from __future__ import annotations

from math import sqrt

import pytest
import torch

from tensorflow_free.rounding.moving import PIECE, Move, move, scaled
from tensorflow_free.rounding.uniform import Uniform

SIZE = 2.0**-20
"""How far numbers are moved, relative."""


def numbers(layout: str) -> torch.Tensor:
    """More numbers than a piece has, that float32 does not hold."""
    made = torch.randn(3, PIECE + 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return {"contiguous": made, "transposed": made.t(), "strided": made[:, ::2]}[layout]


def is_moved(found: torch.Tensor, before: torch.Tensor, size: float = SIZE) -> bool:
    """Whether each number is moved by up to a share of itself, and nearly all by some."""
    away = (found / before - 1).abs()
    return float(away.max()) <= size * (1 + 1e-6) and float((away > 0).double().mean()) > 0.99


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
def test_a_copy_is_moved_and_its_original_is_not(layout: str) -> None:
    one = numbers(layout)
    before = one.clone()
    assert is_moved(scaled(one, Uniform(1), SIZE), one)
    assert torch.equal(one, before)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
def test_numbers_are_moved_in_place(layout: str) -> None:
    one = numbers(layout)
    before = one.clone()
    move(one, Uniform(1), Move(SIZE, torch.float32))
    assert is_moved(one, before)


def test_on_the_grid_they_are_rounded_to_nearest_where_nothing_moves_them() -> None:
    one, before = numbers("transposed"), numbers("transposed").clone()
    move(one, Uniform(1), Move(0.0, torch.bfloat16, on_grid=True))
    assert torch.equal(one, before.to(torch.bfloat16).double())


def test_infinity_stays_infinity() -> None:
    one = torch.full((2 * PIECE,), torch.inf, dtype=torch.float64)
    assert torch.equal(scaled(one, Uniform(1), SIZE), one)


def test_pieces_that_are_cut_from_the_same_numbers_sum_up_like_independent_ones() -> None:
    count = 1 << 20
    sums = [float((scaled(torch.ones(count, dtype=torch.float64), Uniform(seed), SIZE) - 1).sum()) for seed in range(8)]
    assert sqrt(sum(one**2 for one in sums) / len(sums)) / SIZE == pytest.approx(sqrt(count / 3), rel=0.6)
