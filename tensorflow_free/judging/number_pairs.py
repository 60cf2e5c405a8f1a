"""A piece of two tensors, pair by pair: what is made of it when it is asked for. Pure torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from tensorflow_free.judging.closeness import is_floating, same_integers
from tensorflow_free.judging.passes import LARGEST
from tensorflow_free.tensors.dtypes import ulp_distance


class NumberPairs:
    """NumberPairs of numbers, flat.

    Attributes:
        here: where they stand in the whole tensors, flat.
        actual: the one of each.
        expected: the other.

    Args:
        here: as above; so are `actual` and `expected`.
        wide: the dtype that they are compared in.
        kept: their errors and their sizes, or None of what is not kept.
        is_finite: whether all numbers of the whole tensors are, and their squares.
    """

    def __init__(
        self,
        here: slice,
        actual: torch.Tensor,
        expected: torch.Tensor,
        wide: torch.dtype,
        kept: Sequence[torch.Tensor | None],
        *,
        is_finite: bool,
    ) -> None:
        self.here, self.actual, self.expected = here, actual, expected
        self._wide, self._is_finite = wide, is_finite
        self._errors, self._sizes = kept

    @cached_property
    def mine(self) -> torch.Tensor:
        """The one of each, wide."""
        return self.actual.to(self._wide)

    @cached_property
    def its(self) -> torch.Tensor:
        """The other, wide."""
        return self.expected.to(self._wide)

    @cached_property
    def errors(self) -> torch.Tensor:
        """|actual - expected|, float64; 0 where either number is not finite, and scaled down where squares overflow."""
        return self._within((self.mine - self.its).abs()) if self._errors is None else self._errors

    @cached_property
    def sizes(self) -> torch.Tensor:
        """|expected|, float64; 0 there, too."""
        return self._within(self.its.abs()) if self._sizes is None else self._sizes

    def _within(self, numbers: torch.Tensor) -> torch.Tensor:
        if self._is_finite:
            return numbers
        return torch.where(self._both_finite, numbers, torch.zeros((), dtype=torch.float64)).clamp(max=LARGEST)

    @cached_property
    def _both_finite(self) -> torch.Tensor:
        return self.mine.isfinite() & self.its.isfinite()

    @cached_property
    def lost(self) -> torch.Tensor:
        """Which are NaN or infinite on one side, and not the same on the other."""
        return ~self._both_finite & ~self.same

    @cached_property
    def same(self) -> torch.Tensor:
        """Which are the same number; NaN is NaN, in complex numbers part by part."""
        if not (is_floating(self.actual.dtype) or is_floating(self.expected.dtype)):
            return same_integers(self.actual, self.expected)
        if self._is_finite:
            return self.mine == self.its
        if self.mine.is_complex():
            parts, other = torch.view_as_real(self.mine), torch.view_as_real(self.its)
            return ((parts == other) | (parts.isnan() & other.isnan())).all(-1)
        return (self.mine == self.its) | (self.mine.isnan() & self.its.isnan())

    @property
    def other_zeros(self) -> torch.Tensor:
        """Which are zeros of different signs."""
        return (self.mine == 0) & (self.its == 0) & (self.mine.signbit() != self.its.signbit())

    @property
    def apart(self) -> torch.Tensor:
        """How far apart they are in units in the last place of the actual's dtype; 0 where one is not finite."""
        dtype = self.actual.dtype
        expected = self.expected if is_floating(self.expected.dtype) else self.expected.to(torch.float64)
        rounded = (expected if dtype.is_complex or not expected.is_complex() else expected.real).to(dtype)
        apart = ulp_distance(self.actual, rounded)
        finite = rounded.to(self._wide).isfinite()
        if self._is_finite and bool(finite.all()):
            return apart
        return torch.where(finite & self.mine.isfinite(), apart, torch.zeros_like(apart))
