"""How far one tensor is from another: counts, largest errors and where, RMSE, ULPs, noise. Pure torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property

import torch

from tensorflow_free.judging.closeness import index_of, is_floating, same_integers, texts_of
from tensorflow_free.judging.measured import Index, Measure
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.passes import LARGEST, PIECE, Sums, finite, largest_of, measured, moved
from tensorflow_free.tensors.dtypes import ulp_distance


def measure(actual: torch.Tensor, expected: torch.Tensor) -> Measure:
    """Measure two plain tensors on the CPU, of one shape and of any dtypes."""
    return Errors(actual, expected).measure()


def noise_of(actual: torch.Tensor, expected: torch.Tensor) -> Noise:
    """The noise in plain tensors of one shape, of which the second is exact."""
    errors = Errors(actual, expected)
    return Noise(errors.rmse, errors.max_abs, errors.nonfinite, errors.signed_zeros(), errors.nan)


class Errors:
    """Two plain tensors on the CPU, of one shape, and how far apart they are: what judges first, the rest if asked.

    Attributes:
        elements: how many pairs there are.
        nonfinite: as of `Measure`.
        errors: |actual - expected|, float64, flat; 0 where either number is not finite.
        sizes: |expected|, float64, flat; 0 there, too.
        rmse: as of `Measure`; so are `max_abs`, `rms` and `peak`.

    Args:
        actual: the one.
        expected: the other.
        known: what is known of them already.
    """

    def __init__(self, actual: torch.Tensor, expected: torch.Tensor, known: Sums | None = None) -> None:
        self.actual, self.expected = actual, expected
        self._wide = torch.complex128 if actual.is_complex() or expected.is_complex() else torch.float64
        self.elements = actual.numel()
        self.nonfinite = 0
        self._is_finite = True
        known = self._summed() if known is None else known
        self.errors, self._kept_sizes = known.errors, known.sizes
        self._square, self._power, self._share = known.square, known.power, known.share
        count = max(1, self.elements)
        self.rmse = math.sqrt(known.square / count)
        self.rms = math.sqrt(known.power / count)
        self.max_abs, self.peak = known.max_abs, known.peak

    def _summed(self) -> Sums:
        """What a pass over both comes to."""
        found = measured(self.actual, self.expected, self._wide)
        self.errors, self._is_finite = found.errors, found.is_finite
        if found.is_finite:
            return found
        mine, its = self._mine, self._its
        sizes = self._leave_out(mine, its, its.abs())
        square, power = float(torch.dot(self.errors, self.errors)), float(torch.dot(sizes, sizes))
        return Sums(self.errors, sizes, square, power, float(self.errors.max()), float(sizes.max()))

    def share(self, relative: float, least: float) -> float:
        """The largest share that an error is of `relative` times its number's size and `least`."""
        if self._share is None or self._share[:2] != (relative, least):
            pieces = self.pieces() if self.max_abs else ()
            shares = [(errors / (sizes * relative).add_(least)).max() for _, errors, sizes in pieces]
            self._share = relative, least, largest_of(shares)
        return self._share[2]

    def exceeds(self, relative: float, least: float) -> bool:
        """Whether `share` of these is more than 1, which the first piece often tells."""
        if self._share is not None and self._share[:2] == (relative, least):
            return self._share[2] > 1
        pieces = self.pieces() if self.max_abs else ()
        return not all(bool((errors <= (sizes * relative).add_(least)).all()) for _, errors, sizes in pieces)

    def pieces(self, row: int = 1) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
        """Errors and sizes, some whole rows of them at a time, so that what is computed of them stays in the cache.

        Yields:
            where they stand in the flat tensors, the errors, and the sizes.
        """
        its, step = self.expected.reshape(-1), max(1, PIECE // row) * row
        for begin in range(0, self.elements, step):
            here = slice(begin, begin + step)
            sizes = its[here].to(self._wide).abs() if self._kept_sizes is None else self._kept_sizes[here]
            yield here, self.errors[here], sizes

    def moved(self, other: torch.Tensor, furthest: torch.Tensor | None) -> tuple[torch.Tensor, float, bool]:
        """How far another tensor of the same shape is from the expected one, or `furthest` where that is further."""
        return moved(other, self.expected, self._wide, furthest)

    # many values may be in doubt at once, so that of each that is large the errors alone are kept, and not what they
    # are made from

    @property
    def _mine(self) -> torch.Tensor:
        return self.actual.to(self._wide).flatten()

    @property
    def _its(self) -> torch.Tensor:
        return self.expected.to(self._wide).flatten()

    @property
    def sizes(self) -> torch.Tensor:
        """As of the class."""
        return self._its.abs() if self._kept_sizes is None else self._kept_sizes

    @cached_property
    def least(self) -> float:
        """The smallest |expected|; infinite where there is none."""
        return float(self.sizes.min()) if self.elements else math.inf

    def _leave_out(self, mine: torch.Tensor, its: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        """Errors and sizes of the pairs in which both numbers are finite alone, scaled down where squares overflow."""
        finite = mine.isfinite() & its.isfinite()
        self.nonfinite = int((~finite & ~self.same).count_nonzero())
        zero = torch.zeros((), dtype=torch.float64)
        self.errors = torch.where(finite, self.errors, zero).clamp(max=LARGEST)
        return torch.where(finite, sizes, zero).clamp(max=LARGEST)

    def away(self, other: torch.Tensor) -> tuple[torch.Tensor, float]:
        """How far another tensor of the same shape is from the expected one, and the sum of that squared.

        Returns:
            float64, flat, 0 where it is not finite; and the sum of its squares.
        """
        return finite((other.to(self._wide).flatten() - self._its).abs())

    def lost_in(self, other: torch.Tensor) -> torch.Tensor | None:
        """Which numbers of another tensor are not finite though the expected ones are, flat; None where none is."""
        # dtypes of eight bits have no kernel that tells
        finite = other.to(self._wide).isfinite()
        if bool(finite.all()):
            return None
        return ~finite.flatten() & self._its.isfinite()

    @cached_property
    def same(self) -> torch.Tensor:
        """Which pairs are the same number, flat; NaN is NaN, in complex numbers part by part."""
        if not (is_floating(self.actual.dtype) or is_floating(self.expected.dtype)):
            return same_integers(self.actual, self.expected).flatten()
        mine, its = self._mine, self._its
        if self._is_finite:
            return mine == its
        if mine.is_complex():
            parts, other = torch.view_as_real(mine), torch.view_as_real(its)
            return ((parts == other) | (parts.isnan() & other.isnan())).all(-1)
        return (mine == its) | (mine.isnan() & its.isnan())

    def measure(self, at: int | None = None) -> Measure:
        """All that there is to measure; the worst pair is the one at `at`, or the one with the largest error."""
        position = int(self.errors.argmax()) if self.elements else 0
        worst = self._lost() if self.nonfinite else position if at is None else at
        found, wanted = "", ""
        if self.elements:
            found, wanted = texts_of(self.actual.flatten()[worst], self.expected.flatten()[worst])
        max_rel, max_rel_at = self._relative()
        return Measure(
            elements=self.elements,
            unequal=self.unequal(),
            max_abs=self.max_abs,
            max_abs_at=index_of(position, self.actual.shape),
            max_rel=max_rel,
            max_rel_at=max_rel_at,
            rmse=self.rmse,
            max_ulp=self._max_ulp(),
            sqnr_db=self._sqnr(),
            nan=self._both(torch.isnan),
            inf=self._both(torch.isinf),
            nonfinite=self.nonfinite,
            signed_zeros=self.signed_zeros(),
            rms=self.rms,
            peak=self.peak,
            at=index_of(worst, self.actual.shape),
            found=found,
            wanted=wanted,
        )

    def brief(self) -> Measure:
        """What is known of it already."""
        return Measure(
            elements=self.elements,
            unequal=None if self.max_abs or self.nonfinite else 0,
            max_abs=self.max_abs,
            max_abs_at=None,
            max_rel=None,
            max_rel_at=None,
            rmse=self.rmse,
            max_ulp=None,
            sqnr_db=self._sqnr(),
            nan=self._both(torch.isnan),
            inf=self._both(torch.isinf),
            nonfinite=self.nonfinite,
            signed_zeros=None,
            rms=self.rms,
            peak=self.peak,
            at=None,
            found="",
            wanted="",
        )

    def unequal(self) -> int:
        """How many pairs differ."""
        return self.elements - int(self.same.count_nonzero())

    def signed_zeros(self) -> int:
        """How many pairs of zeros differ in sign."""
        if self.least > 0 or not (self.actual.is_floating_point() and self.expected.is_floating_point()):
            return 0
        mine, its = self._mine, self._its
        return int(((mine == 0) & (its == 0) & (mine.signbit() != its.signbit())).count_nonzero())

    @property
    def nan(self) -> int:
        """How many pairs count as `nonfinite` and are NaN in the actual one."""
        return int((self._mine.isnan() & ~self.same).count_nonzero()) if self.nonfinite else 0

    def shares_lost_with(self, other: torch.Tensor) -> bool:
        """Whether each number that is not finite on one side alone is the same in another run of the same shape."""
        lost = ~(self._mine.isfinite() & self._its.isfinite()) & ~self.same
        mine, its = self.actual.flatten()[lost], other.to(self.actual.dtype).flatten()[lost]
        return Errors(mine, its).unequal() == 0

    def _lost(self) -> int:
        finite = self._mine.isfinite() & self._its.isfinite()
        return int((~finite & ~self.same).to(torch.uint8).argmax())

    def _relative(self) -> tuple[float, Index]:
        if not self.max_abs:
            return 0.0, index_of(0, self.actual.shape)
        found, position = 0.0, 0
        for here, errors, sizes in self.pieces():
            relative = torch.where(errors == 0, errors, errors / sizes)
            at = int(relative.argmax())
            if float(relative[at]) > found:
                found, position = float(relative[at]), here.start + at
        return found, index_of(position, self.actual.shape)

    def _sqnr(self) -> float | None:
        if not self._square:
            return None
        return 10 * math.log10(self._power / self._square) if self._power else -math.inf

    def _max_ulp(self) -> float | None:
        """The largest distance in units in the last place of the actual's dtype, where both numbers are finite."""
        dtype = self.actual.dtype
        if not is_floating(dtype):
            return None
        if not self.elements or not self.max_abs:
            return 0.0
        mine, its = self.actual.reshape(-1), self.expected.reshape(-1)
        pairs = zip(torch.split(mine, PIECE), torch.split(its, PIECE), strict=True)
        return max(self._most_ulps(*pair) for pair in pairs)

    def _most_ulps(self, mine: torch.Tensor, its: torch.Tensor) -> float:
        """The same of a piece."""
        dtype = mine.dtype
        its = its if is_floating(its.dtype) else its.to(torch.float64)
        rounded = (its if dtype.is_complex or not its.is_complex() else its.real).to(dtype)
        apart = ulp_distance(mine, rounded)
        finite = rounded.to(self._wide).isfinite()
        if not (self._is_finite and bool(finite.all())):
            apart = torch.where(finite & mine.to(self._wide).isfinite(), apart, torch.zeros_like(apart))
        return float(apart.max())

    def _both(self, count: Callable[[torch.Tensor], torch.Tensor]) -> tuple[int, int]:
        """How many there are on either side."""
        if self._is_finite:
            return 0, 0
        return int(count(self._mine).count_nonzero()), int(count(self._its).count_nonzero())
