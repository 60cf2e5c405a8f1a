"""How far one tensor is from another: counts, largest errors and where, RMSE, ULPs, noise. Knows torch alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch

from tensorflow_free.closeness import index_of, is_floating, same_integers, texts_of
from tensorflow_free.dtypes import ulp_distance

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """How far `actual` is from `expected`, element by element.

    Errors are over the pairs in which both numbers are finite; of complex numbers, the modulus of the difference.

    Attributes:
        elements: how many pairs there are.
        unequal: how many differ; NaN equals NaN, and -0.0 equals 0.0.
        max_abs: the largest |actual - expected|.
        max_abs_at: its index.
        max_rel: the largest |actual - expected| / |expected|; infinite where only the expected is 0.
        max_rel_at: its index.
        rmse: the root of the mean of |actual - expected| squared.
        max_ulp: the largest distance in units in the last place of the actual's dtype, to which the expected is
            rounded; None for integers and booleans.
        sqnr_db: 10 log10(sum |expected|² / sum |actual - expected|²), the signal-to-quantization-noise ratio in
            decibels; None where there is no error.
        nan: how many are NaN: actual, expected.
        inf: how many are infinite: actual, expected.
        nonfinite: how many are NaN or infinite on one side, and not the same on the other.
        signed_zeros: how many pairs of zeros differ in sign.
        rms: the root of the mean of |expected| squared.
        peak: the largest |expected|.
        at: the index of the worst pair; a NaN or an infinity that stands alone is worse than any error.
        found: the actual number there, in words.
        wanted: the expected number there, in words.
    """

    elements: int
    unequal: int
    max_abs: float
    max_abs_at: Index
    max_rel: float
    max_rel_at: Index
    rmse: float
    max_ulp: float | None
    sqnr_db: float | None
    nan: tuple[int, int]
    inf: tuple[int, int]
    nonfinite: int
    signed_zeros: int
    rms: float
    peak: float
    at: Index
    found: str
    wanted: str


def measure(actual: torch.Tensor, expected: torch.Tensor) -> Measure:
    """Measure two plain tensors on the CPU, of one shape and of any dtypes."""
    pair = Pair(actual, expected)
    errors = pair.errors
    largest, at = _largest(errors)
    relative, relative_at = _largest(pair.relative)
    worst = _largest(pair.lost.to(torch.float64))[1] if pair.nonfinite else at
    found, wanted = texts_of(actual[worst], expected[worst]) if actual.numel() else ("", "")
    square, power = float(errors.square().sum()), float(pair.sizes.square().sum())
    count = max(1, errors.numel())
    return Measure(
        elements=actual.numel(),
        unequal=int((~pair.same).count_nonzero()),
        max_abs=largest,
        max_abs_at=at,
        max_rel=relative,
        max_rel_at=relative_at,
        rmse=math.sqrt(square / count),
        max_ulp=pair.max_ulp(),
        sqnr_db=10 * math.log10(power / square) if square and power else -math.inf if square else None,
        nan=(int(actual.isnan().count_nonzero()), int(expected.isnan().count_nonzero())),
        inf=(int(actual.isinf().count_nonzero()), int(expected.isinf().count_nonzero())),
        nonfinite=pair.nonfinite,
        signed_zeros=pair.signed_zeros(),
        rms=math.sqrt(power / count),
        peak=_largest(pair.sizes)[0],
        at=worst,
        found=found,
        wanted=wanted,
    )


class Pair:
    """Two tensors as numbers wide enough to subtract."""

    def __init__(self, actual: torch.Tensor, expected: torch.Tensor) -> None:
        self.actual = _readable(actual)
        self.expected = _readable(expected)
        wide = torch.complex128 if actual.is_complex() or expected.is_complex() else torch.float64
        mine, its = self.actual.to(wide), self.expected.to(wide)
        finite = mine.isfinite() & its.isfinite()
        self.same = self._same(mine, its)
        self.lost = ~finite & ~self.same
        self.nonfinite = int(self.lost.count_nonzero())
        zero = torch.zeros((), dtype=torch.float64)
        self.errors = torch.where(finite, (mine - its).abs(), zero)
        """float64; 0 where either number is not finite."""
        self.sizes = torch.where(finite, its.abs(), zero)

    @property
    def relative(self) -> torch.Tensor:
        """The errors as shares of the expected numbers, float64; infinite where only the expected one is 0."""
        return torch.where(self.errors == 0, self.errors, self.errors / self.sizes)

    def _same(self, mine: torch.Tensor, its: torch.Tensor) -> torch.Tensor:
        if not (is_floating(self.actual.dtype) or is_floating(self.expected.dtype)):
            return same_integers(self.actual, self.expected)
        if mine.is_complex():
            parts, other = torch.view_as_real(mine), torch.view_as_real(its)
            return ((parts == other) | (parts.isnan() & other.isnan())).all(-1)
        return (mine == its) | (mine.isnan() & its.isnan())

    def max_ulp(self) -> float | None:
        """The largest distance in units in the last place of the actual's dtype, where both numbers are finite."""
        dtype = self.actual.dtype
        if not is_floating(dtype) or not self.actual.numel():
            return None
        rounded = self.expected.to(dtype)
        apart = ulp_distance(self.actual, rounded)
        finite = torch.isfinite(_readable(self.actual).to(_wide(dtype))) & torch.isfinite(rounded.to(_wide(dtype)))
        return float(torch.where(finite, apart, torch.zeros_like(apart)).max())

    def signed_zeros(self) -> int:
        """How many pairs of zeros differ in sign."""
        mine, its = self.actual, self.expected
        if not (mine.is_floating_point() and its.is_floating_point()):
            return 0
        mine, its = mine.to(torch.float64), its.to(torch.float64)
        return int(((mine == 0) & (its == 0) & (mine.signbit() != its.signbit())).count_nonzero())


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.complex128 if dtype.is_complex else torch.float64


def _readable(values: torch.Tensor) -> torch.Tensor:
    """The same numbers in a dtype that can be converted: torch tells the rarest floating dtypes only so."""
    return values.to(torch.float32) if values.dtype in _RARE else values


_RARE: Final = frozenset(
    dtype for word in ("float4_e2m1fn_x2",) if isinstance(dtype := getattr(torch, word, None), torch.dtype)
)


def _largest(values: torch.Tensor) -> tuple[float, Index]:
    """The largest of float64 numbers that hold no NaN, and its index."""
    if not values.numel():
        return 0.0, ()
    position = int(values.argmax()) if values.dim() else 0
    at = tuple(index_of(position, values.shape)) if values.dim() else ()
    return float(values[at]), at
