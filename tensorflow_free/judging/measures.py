"""How far one tensor is from another: counts, largest errors and where, RMSE, ULPs, noise. Pure torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

import torch

from tensorflow_free.judging.closeness import index_of, is_floating, texts_of
from tensorflow_free.judging.measured import Measure
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.number_pairs import NumberPairs
from tensorflow_free.judging.passes import PIECE, Largest, Sums, finite, largest_of, measured, moved


def measure(actual: torch.Tensor, expected: torch.Tensor) -> Measure:
    """Measure two plain tensors on the CPU, of one shape and of any dtypes."""
    return Errors(actual, expected).measure()


def noise_of(actual: torch.Tensor, expected: torch.Tensor) -> Noise:
    """The noise in plain tensors of one shape, of which the second is exact."""
    errors = Errors(actual, expected)
    return Noise(errors.rmse, errors.max_abs, errors.nonfinite, errors.signed_zeros(), errors.nan)


class Errors:
    """Two plain tensors on the CPU, of one shape, and how far apart they are: what judges first, the rest if asked.

    What is made of a large tensor is made of pieces of it, one after the other, and let go of: a sum adds the sums of
    the pieces in their order, whose length is fixed.

    Attributes:
        elements: how many pairs there are.
        nonfinite: as of `Measure`.
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
        self._kept_errors, self._kept_sizes = known.errors, known.sizes
        self._square, self._power, self._share = known.square, known.power, known.share
        count = max(1, self.elements)
        self.rmse = math.sqrt(known.square / count)
        self.rms = math.sqrt(known.power / count)
        self.max_abs, self.peak = known.max_abs, known.peak

    def _summed(self) -> Sums:
        """What a pass over both comes to."""
        found = measured(self.actual, self.expected, self._wide)
        self._kept_errors, self._kept_sizes, self._is_finite = None, None, found.is_finite
        if found.is_finite:
            return found
        square = power = max_abs = peak = 0.0
        for one in self._pairs():
            self.nonfinite += int(one.lost.count_nonzero())
            square, power = (
                square + float(torch.dot(one.errors, one.errors)),
                power + float(torch.dot(one.sizes, one.sizes)),
            )
            max_abs, peak = max(max_abs, float(one.errors.max())), max(peak, float(one.sizes.max()))
        return Sums(None, None, square, power, max_abs, peak)

    def _pairs(self, row: int = 1) -> Iterator[NumberPairs]:
        """The pairs, some whole rows of them at a time, so that what is computed of them stays in the cache."""
        mine, its, step = self.actual.reshape(-1), self.expected.reshape(-1), max(1, PIECE // row) * row
        for begin in range(0, self.elements, step):
            here = slice(begin, begin + step)
            kept = tuple(None if one is None else one[here] for one in (self._kept_errors, self._kept_sizes))
            yield NumberPairs(here, mine[here], its[here], self._wide, kept, is_finite=self._is_finite)

    def share(self, relative: float, least: float) -> float:
        """The largest share that an error is of `relative` times its number's size and `least`."""
        if self._share is None or self._share[:2] != (relative, least):
            pieces = self._pairs() if self.max_abs else ()
            shares = [(one.errors / (one.sizes * relative).add_(least)).max() for one in pieces]
            self._share = relative, least, largest_of(shares)
        return self._share[2]

    def exceeds(self, relative: float, least: float) -> bool:
        """Whether `share` of these is more than 1, which the first piece often tells."""
        if self._share is not None and self._share[:2] == (relative, least):
            return self._share[2] > 1
        pieces = self.pieces() if self.max_abs else ()
        return not all(bool((errors <= (sizes * relative).add_(least)).all()) for _, errors, sizes in pieces)

    def pieces(self, row: int = 1) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
        """Errors and sizes, some whole rows of them at a time.

        Yields:
            where they stand in the flat tensors, the errors, and the sizes.
        """
        yield from ((one.here, one.errors, one.sizes) for one in self._pairs(row))

    def worst(self, of_piece: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Largest:
        """The largest of numbers that are made of the errors and the sizes."""
        found = Largest()
        for here, errors, sizes in self.pieces():
            found.see(here.start, of_piece(errors, sizes))
        return found

    def moved(self, other: torch.Tensor, furthest: torch.Tensor | None) -> tuple[torch.Tensor, float, bool]:
        """How far another tensor of the same shape is from the expected one, or `furthest` where that is further."""
        return moved(other, self.expected, self._wide, furthest)

    @property
    def errors(self) -> torch.Tensor:
        """|actual - expected|, float64, flat; 0 where either number is not finite. Of many they are made anew."""
        return self._kept_errors if self._kept_errors is not None else self._joined(lambda one: one.errors)

    @property
    def sizes(self) -> torch.Tensor:
        """|expected|, float64, flat; 0 where either number is not finite."""
        return self._kept_sizes if self._kept_sizes is not None else self._joined(lambda one: one.sizes)

    def _joined(self, part: Callable[[NumberPairs], torch.Tensor]) -> torch.Tensor:
        whole = torch.empty(self.elements, dtype=torch.float64)
        for one in self._pairs():
            whole[one.here] = part(one)
        return whole

    @cached_property
    def least(self) -> float:
        """The smallest |expected|; infinite where there is none."""
        return min((float(one.sizes.min()) for one in self._pairs()), default=math.inf)

    @property
    def _its(self) -> torch.Tensor:
        return self.expected.to(self._wide).flatten()

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

    def measure(self, at: int | None = None) -> Measure:
        """All that there is to measure; the worst pair is the one at `at`, or the one with the largest error."""
        error, share, ulps, lost = Largest(), Largest(), Largest(), Largest()
        unequal, is_floats = self.elements, is_floating(self.actual.dtype)
        for one in self._pairs():
            unequal -= int(one.same.count_nonzero())
            if self.max_abs:
                error.see(one.here.start, one.errors)
                share.see(one.here.start, relative(one.errors, one.sizes))
            if self.max_abs and is_floats:
                ulps.see(one.here.start, one.apart)
            if self.nonfinite:
                lost.see(one.here.start, one.lost.to(torch.uint8))
        worst = lost.position if self.nonfinite else error.position if at is None else at
        found, wanted = "", ""
        if self.elements:
            found, wanted = texts_of(self.actual.reshape(-1)[worst], self.expected.reshape(-1)[worst])
        return replace(
            self.brief(),
            unequal=unequal,
            max_abs_at=index_of(error.position, self.actual.shape),
            max_rel=share.number,
            max_rel_at=index_of(share.position, self.actual.shape),
            max_ulp=ulps.number if is_floats else None,
            signed_zeros=self.signed_zeros(),
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
        return self.elements - self._count(lambda one: one.same)

    def signed_zeros(self) -> int:
        """How many pairs of zeros differ in sign."""
        if self.least > 0 or not (self.actual.is_floating_point() and self.expected.is_floating_point()):
            return 0
        return self._count(lambda one: one.other_zeros)

    @property
    def nan(self) -> int:
        """How many pairs count as `nonfinite` and are NaN in the actual one."""
        return self._count(lambda one: one.mine.isnan() & ~one.same) if self.nonfinite else 0

    def shares_lost_with(self, other: torch.Tensor) -> bool:
        """Whether each number that is not finite on one side alone is the same in another run of the same shape."""
        rest = other.to(self.actual.dtype).reshape(-1)
        return all(Errors(one.actual[one.lost], rest[one.here][one.lost]).unequal() == 0 for one in self._pairs())

    def _sqnr(self) -> float | None:
        if not self._square:
            return None
        return 10 * math.log10(self._power / self._square) if self._power else -math.inf

    def _both(self, kind: Callable[[torch.Tensor], torch.Tensor]) -> tuple[int, int]:
        """How many there are on either side."""
        if self._is_finite:
            return 0, 0
        return self._count(lambda one: kind(one.mine)), self._count(lambda one: kind(one.its))

    def _count(self, which: Callable[[NumberPairs], torch.Tensor]) -> int:
        """Of how many pairs something is so."""
        return sum(int(which(one).count_nonzero()) for one in self._pairs())


def relative(errors: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """How large errors are against their numbers; 0 where there is none."""
    shares = errors / sizes
    return shares if bool(sizes.min() > 0) else torch.where(errors == 0, errors, shares)
