"""How far a value was found from another, and which rule judged it, as data. Does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tensorflow_free.outcome.plain_reasons import PlainFloat

Rule = Literal["equal", "inputs", "rounding", "baseline", "noise", "tolerance", "exact", "structure", "none"]
"""What judged a value.

`equal`: alike bit for bit. `inputs`: whether both start from the same numbers, each rounded to its own run's dtype.
`rounding`: how far rounding takes the reference. `baseline`: how far an eager CPU run of the same dtype is from it.
`noise`: against the error of an eager CPU run of the same dtype. `tolerance`: that of the dtype or of the recipe.
`exact`: integers, booleans and words. `structure`: shape, dtype, or whether there is a value at all. `none`: it was not
judged.
"""

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """How far `actual` is from `expected`, element by element.

    Errors are over the pairs in which both numbers are finite; of complex numbers, the modulus of the difference. What
    judging does not need is None where it was not asked for: `unequal`, `max_rel`, `max_ulp`, `signed_zeros` and the
    indices.

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
        at: the index of the worst pair: of the one that used most of what is allowed, where a rule judged each pair,
            else of the largest error; a NaN or an infinity that stands alone is worse than any error.
        found: the actual number there, in words.
        wanted: the expected number there, in words.
    """

    elements: int
    unequal: int | None
    max_abs: PlainFloat
    max_abs_at: Index | None
    max_rel: PlainFloat | None
    max_rel_at: Index | None
    rmse: PlainFloat
    max_ulp: PlainFloat | None
    sqnr_db: PlainFloat | None
    nan: tuple[int, int]
    inf: tuple[int, int]
    nonfinite: int
    signed_zeros: int | None
    rms: PlainFloat
    peak: PlainFloat
    at: Index | None
    found: str
    wanted: str
