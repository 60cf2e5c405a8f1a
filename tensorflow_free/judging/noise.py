"""How far rounding alone takes a value from the exact result. Does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Noise:
    """How far an eager CPU run in some dtype is from float64.

    Attributes:
        rmse: over the pairs in which both numbers are finite.
        max_abs: the largest |error| among them.
        nonfinite: elements NaN or infinite on one side, and not the same on the other: what overflows in this dtype.
        signed_zeros: zeros of another sign.
        nan: those of `nonfinite` that are NaN in this dtype.
    """

    rmse: float = 0.0
    max_abs: float = 0.0
    nonfinite: int = 0
    signed_zeros: int = 0
    nan: int = 0

    def scaled(self, factor: float) -> Noise:
        """The errors to expect where epsilon is `factor` times as large: in proportion, to first order."""
        return Noise(self.rmse * factor, self.max_abs * factor)

    def with_at_least(self, other: Noise) -> Noise:
        """This noise, its errors no less than those of `other`."""
        rmse, max_abs = max(self.rmse, other.rmse), max(self.max_abs, other.max_abs)
        return Noise(rmse, max_abs, self.nonfinite, self.signed_zeros, self.nan)


NO_NOISE: Final = Noise()
