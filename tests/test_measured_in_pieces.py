"""What is measured of a large tensor is measured piece by piece, and is what it would be in one go."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
import torch

from tensorflow_free.judging import measures, passes, same_starts
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.rounding_rule import RoundingBound
from tensorflow_free.judging.rules import by_tolerance

PIECE = 8
SIZES = (0, 1, PIECE, PIECE + 1, 5 * PIECE + 3)
FLOATING = (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.complex64)
DTYPES = (*FLOATING, torch.complex128, torch.int64, torch.int8, torch.uint64, torch.bool)
SPECIAL = (0.0, -0.0, 5e-324, 1e-310, 1e200, math.inf, -math.inf, math.nan)


@pytest.fixture
def _in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are small, and nothing that is made of them is kept."""
    for module in (passes, measures, same_starts):
        monkeypatch.setattr(module, "PIECE", PIECE)
    monkeypatch.setattr(passes, "KEPT", 0)
    monkeypatch.setattr(passes, "FEW", 0)


def numbers(dtype: torch.dtype, size: int, special: bool) -> torch.Tensor:
    """Numbers of a dtype, with those among them that are a trouble."""
    exact = torch.randn(size, dtype=torch.float64) * 50
    if special and size:
        where = torch.randint(size, (4,))
        exact[where] = torch.tensor(SPECIAL, dtype=torch.float64)[torch.randint(len(SPECIAL), (4,))]
    if dtype.is_complex:
        return torch.complex(exact, exact.flip(0)).to(dtype)
    return exact.to(dtype) if dtype.is_floating_point else exact.nan_to_num(0, 7, 7).clamp(-100, 100).abs().to(dtype)


def pairs(dtype: torch.dtype) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """A tensor and another that is near, equal, or far, in a dtype and in a wide one; some of them transposed."""
    wide = torch.complex128 if dtype.is_complex else torch.float64
    for size, special, far in itertools.product(SIZES, (False, True), (False, True)):
        mine = numbers(dtype, size, special)
        its = numbers(wide, size, special) if far else mine.to(wide)
        yield mine, its
        yield mine, its.to(mine.dtype) if not far else numbers(dtype, size, special)
        if size % 2 == 0 and not far:
            yield mine.view(2, -1).t(), (its * 1.001).view(2, -1).t()


def all_of(mine: torch.Tensor, its: torch.Tensor) -> dict[str, Any]:
    """All that is found of two tensors."""
    errors = Errors(mine, its)
    at = max(0, errors.elements - 1)
    found = {"full": asdict(errors.measure()), "at": asdict(errors.measure(at)), "brief": asdict(errors.brief())}
    found |= {
        "zeros": errors.signed_zeros(),
        "nan": errors.nan,
        "least": errors.least,
        "lost": errors.shares_lost_with(its),
    }
    found |= {"errors": errors.errors.tolist(), "sizes": errors.sizes.tolist(), "share": errors.share(1e-3, 1e-6)}
    found |= {str(steps): asdict(by_tolerance(errors, (1e-3, 1e-6), steps=steps)) for steps in (None, 3)}
    return found | {"start": same_starts.same_start(mine, its).tolist()}


def alike(one: Any, other: Any, name: str = "") -> bool:
    """Whether two findings are the same; a sum that is added in another order is, but for its last digits."""
    if isinstance(one, dict):
        return all(alike(one[key], other[key], key) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other, itertools.repeat(name)))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    if name in ("rmse", "rms", "sqnr_db", "used") and isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-9 if name == "sqnr_db" else 0.0)
    return bool(one == other)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_each_measure_is_that_of_the_whole(dtype: torch.dtype, request: pytest.FixtureRequest) -> None:
    torch.manual_seed(1)
    tried = list(pairs(dtype))
    whole = [all_of(*pair) for pair in tried]
    request.getfixturevalue("_in_pieces")
    for (mine, its), expected in zip(tried, whole, strict=True):
        found = all_of(mine, its)
        assert [key for key in found if not alike(expected[key], found[key])] == [], (mine, its)


@pytest.mark.parametrize("shape", [(5 * PIECE + 3,), (3, 100)])
def test_what_rounding_allows_is_that_of_the_whole(shape: tuple[int, ...], request: pytest.FixtureRequest) -> None:
    torch.manual_seed(2)
    exact = torch.randn(shape, dtype=torch.float64)
    mine, nudged = exact.to(torch.float32) * 1.000001, [exact * (1 + 1e-7 * torch.randn(shape)) for _ in range(3)]
    nudged[1].view(-1)[3] = math.nan

    def found() -> list[Any]:
        bound = RoundingBound(Errors(mine, exact), torch.float32, 6.0)
        for one in nudged:
            bound.see(one)
        at = bound.worst()
        return [bound.used, at, bound.words(at), bound.is_vacuous, bound.is_untold, bound.is_off_below_normal]

    whole = found()
    request.getfixturevalue("_in_pieces")
    assert alike(whole, found(), "used")


def test_a_large_value_is_measured_alike_each_time() -> None:
    mine = torch.randn(3 * passes.PIECE + 1)
    its = mine.double() * 1.0001
    assert Errors(mine, its).measure() == Errors(mine, its).measure()


def test_of_a_large_value_nothing_of_its_size_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "KEPT", passes.PIECE)
    errors = Errors(torch.ones(passes.PIECE + 1), torch.full((passes.PIECE + 1,), 1.5, dtype=torch.float64))
    errors.measure()
    held = [one for one in vars(errors).values() if isinstance(one, torch.Tensor)]
    assert all(one is errors.actual or one is errors.expected for one in held)
