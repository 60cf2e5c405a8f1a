"""The derived rule: how far rounding alone may take a value from its float64 reference.

A right implementation in a dtype d rounds each result once, and its inner error is like that of slightly other operands
(backward stability; Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 1.5). So the reference is run
again with every number nudged as rounding to d would nudge it, and with r its value and r' that of a nudged run

    spread_i  = max over the runs of |r'_i - r_i|
    allowed_i = K * (eps * |r_i| + max(spread_i, mean(spread))) + the smallest number

A run of PyTorch itself in d, the baseline, makes it tighter, never looser. Worse than it, by more than rounding can
explain, is wrong as well:

    max(rmse / rmse(baseline), max / max(baseline)) > 3
    rmse > 1.2 * (rms(eps * r) / 2 + rms(r' - r) + the smallest number)

and where one number in a hundred is lost, as `judging/lost_numbers.py` says.

K, 3 and 1.2 were chosen on faults and right kernels by trial: `python -m tests.faults.bench`, `python -m tests.wolf`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import torch

from tensorflow_free.judging.lost_numbers import NOTHING_LOST, ONE_IN, LostNumbers, LostShare
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.movement import FEWEST_RUNS, MOST_RUNS, Leeway
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.passes import FEW, Largest, largest_of
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.tensors.dtypes import PARTS, word_of

K: Final[dict[str, float]] = {"float64": 6.0, "float32": 6.0, "bfloat16": 3.0, "float16": 3.0}
"""How many times what rounding moves is allowed. Half precision computes inside in float32, and rounds once."""

K_OF_LESS: Final = 1.0
"""That of narrower dtypes, such as float8, to which both sides are rounded alike."""

WORSE: Final = 3.0
"""How many times the baseline's error is worse than it."""

UNEXPLAINED: Final = 1.2
"""How many times the error that rounding explains is one that it does not explain."""


NO_WORSE: Final = 1.5
"""How many times the baseline's error is no worse than it, so that nothing needs to be nudged."""

PLAUSIBLE: Final = 8.0
"""How many epsilons of the values' RMS the RMSE of a baseline may be that clears others without nudged runs: one that
is itself wrong must clear nothing."""

PLAUSIBLE_PEAK: Final = 12.0
"""And how many of the largest value its largest error may be."""


MANY: Final = 1000
"""Numbers of which one nudged run tells the mean well."""

LONG_ROW: Final = 64
"""Numbers of a row, the last dimension, of which one tells the mean of the row well enough."""


@cache
def k_of(dtype: torch.dtype) -> float:
    """How many times what rounding moves a value of this dtype may be away."""
    return K.get(word_of(PARTS.get(dtype, dtype)), K_OF_LESS)


@cache
def smallest_of(dtype: torch.dtype) -> float:
    """The smallest normal number, as what is below may be flushed to zero; of float16 the smallest subnormal one."""
    info = torch.finfo(PARTS.get(dtype, dtype))
    return float(info.smallest_normal) * (float(info.eps) if PARTS.get(dtype, dtype) == torch.float16 else 1.0)


def to_come(runs: int, elements: int) -> float:
    """By how much the mean of the spread would still grow from so many nudged runs to all.

    Of many numbers the mean is known from the first run, and the largest of S uniform numbers is S / (S + 1) of their
    range on average.
    """
    if elements < MANY:
        return 1.0
    return max(1.0, MOST_RUNS / (MOST_RUNS + 1) * (runs + 1) / runs)


def loosened(kept: Leeway) -> float:
    """How many times more a value may be away, of which PyTorch's own eager run was further than rounding explains."""
    return max(1.0, NO_WORSE * kept.over)


class Reach(NamedTuple):
    """What was found of a value with what was kept of nudged runs, as of `RoundingBound`; baselines left out."""

    allowed: torch.Tensor
    share: float
    is_vacuous: bool


@dataclass(slots=True)
class RoundingBound:
    """What one value may be away, growing with each nudged run.

    Attributes:
        errors: how far the value is from its reference.
        dtype: to which it is rounded.
        k: how many times what rounding moves is allowed.
        baseline: how far the baseline is from the same reference, where there is one.
        is_jump: whether the value jumps, so that each number may move only as far as it itself was seen to.
        runs: how many nudged runs told of it.
        lost: the numbers that may be lost although the baseline keeps them; None where there is no baseline.
    """

    errors: Errors
    dtype: torch.dtype
    k: float
    baseline: Noise | None = None
    is_jump: bool = False
    runs: int = 0
    lost: LostNumbers | None = None
    _spread: torch.Tensor | None = None
    _squares: float = 0.0
    _derived: float | None = None
    _allowed: torch.Tensor | None = None
    _vacuous: bool | None = None
    _lost: torch.Tensor | None = None
    _of_lost: LostShare | None = None

    def see(self, nudged: torch.Tensor) -> None:
        """Take in what a nudged run has, of the same shape."""
        self._spread, squares, is_finite = self.errors.moved(nudged, self._spread)
        lost = None if is_finite else self.errors.lost_in(nudged)
        if lost is not None:
            self._lost = lost.to(torch.int32) if self._lost is None else self._lost + lost
        self._squares += squares
        self._derived = self._allowed = self._vacuous = self._of_lost = None
        self.runs += 1

    def take(self, kept: Leeway, reach: Reach | None = None) -> None:
        """Take in what was kept of nudged runs, in their place; and what was found with it, where it was already."""
        self._spread, self.is_jump = kept.each, True
        self._allowed, self._derived, self._vacuous = (None, None, None) if reach is None else reach
        self._squares = kept.moved**2 * FEWEST_RUNS * self.errors.elements
        self.runs = FEWEST_RUNS
        self.k *= loosened(kept)

    @property
    def allowed(self) -> torch.Tensor:
        """What each number may be away, flat."""
        if self._allowed is not None:
            return self._allowed
        pieces = [allowed for _, _, _, allowed in self._in_pieces()]
        allowed = torch.cat(pieces) if pieces else torch.zeros(0, dtype=torch.float64)
        if self.errors.elements <= FEW:
            self._allowed = allowed
        return allowed

    def _in_pieces(self) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Where they stand, errors, sizes, and what each number may be away, piece by piece."""
        spread, smallest, row = self._spread, smallest_of(self.dtype), self._row
        if self._allowed is not None:
            yield slice(0, self.errors.elements), self.errors.errors, self.errors.sizes, self._allowed
            return
        least = None if spread is None or self.is_jump else self._least(spread, row)
        for here, errors, sizes in self.errors.pieces(row):
            allowed = sizes * (self._epsilon * self.k)
            if spread is not None:
                moved = spread[here]
                if least is not None:
                    moved = moved.view(-1, row).maximum(least[here.start // row : here.stop // row]).view(-1)
                allowed.add_(moved, alpha=self.k)
            yield here, errors, sizes, allowed.add_(smallest)

    @property
    def _row(self) -> int:
        """How many numbers have a mean of their own: those of a long row; else all, 1 standing for these."""
        row = self.errors.actual.shape[-1] if self.errors.actual.dim() > 1 and self.runs else 0
        return 1 if row < LONG_ROW or to_come(self.runs, self.errors.elements) == 1 else row

    def _least(self, spread: torch.Tensor, row: int) -> torch.Tensor:
        """What the spread of each row is no less than: its mean; in long rows no less than the mean of the row."""
        grows = to_come(self.runs, self.errors.elements)
        if row == 1:
            return (spread.mean() * grows).expand(len(spread), 1)
        means = spread.view(-1, row).mean(-1, keepdim=True)
        return torch.clamp(means * grows, min=means.mean() * grows)

    @property
    def used(self) -> float:
        """The share of what is allowed that was used."""
        return self._reached.share if self._is_lost else self._used_of_means

    @property
    def _used_of_means(self) -> float:
        """The share that was used of what is derived, and of what the baseline allows."""
        if self._derived is None:
            self._derived = self._share()
        return max(self._derived, beside) if (beside := self.beside_baseline()) > 1 else self._derived

    @property
    def is_exceeded(self) -> bool:
        """Whether more than what is allowed was used, which is known sooner than how much."""
        if self._derived is not None or self._spread is not None:
            # NaN is not within anything
            return not self.used <= 1
        return self.beside_baseline() > 1 or self.errors.exceeds(self._epsilon * self.k, smallest_of(self.dtype))

    def _share(self) -> float:
        found = self.errors
        if self._spread is None:
            return found.share(self._epsilon * self.k, smallest_of(self.dtype))
        if found.elements <= FEW:
            return float((found.errors / self.allowed).max()) if found.max_abs else 0.0
        pieces = self._in_pieces() if found.max_abs else ()
        return largest_of([(errors / allowed).max() for _, errors, _, allowed in pieces])

    @property
    def may_have_lost(self) -> bool:
        """Whether so many numbers may be lost that nudged runs must tell."""
        return self.lost is not None and self.lost.are_many

    @property
    def _reached(self) -> LostShare:
        """What lost numbers come to; nothing before there are nudged runs."""
        if self._of_lost is None:
            lost, spread = self.lost, self._spread
            self._of_lost = NOTHING_LOST if lost is None or spread is None else lost.reached(spread)
        return self._of_lost

    @property
    def _is_lost(self) -> bool:
        """Whether lost numbers alone decide."""
        return self._reached.share > 1 and self._used_of_means <= 1

    def worst(self) -> int | None:
        """The flat position of the number that decided; None where the baseline did."""
        if self._is_lost:
            return self._reached.at
        if self.used > 1 and self.used != self._derived:
            return None
        found = Largest()
        for here, errors, _, allowed in self._in_pieces():
            found.see(here.start, errors / allowed)
        return found.position

    def beside_baseline(self) -> float:
        """How much worse it is than the baseline and than rounding explains, 1 being allowed; 0 without a baseline."""
        return min(self._worse / WORSE, self.errors.rmse / self._unexplained) if self._worse else 0.0

    @property
    def is_worse_than_baseline(self) -> bool:
        """Whether it is so much worse than the baseline that rounding has to explain it."""
        return self._worse > WORSE

    @property
    def share_of_baseline(self) -> float:
        """The share that was used of what clears a value beside a plausible baseline; infinite where none is."""
        base, found = self.baseline, self.errors
        if base is None:
            return math.inf
        eps = self._epsilon
        if base.rmse > PLAUSIBLE * eps * found.rms or base.max_abs > PLAUSIBLE_PEAK * eps * found.peak:
            return math.inf
        return self._worse / (NO_WORSE * min(1.0, self._loosened))

    @property
    def is_cleared_by_baseline(self) -> bool:
        """Whether it is no worse than a plausible baseline, so that nothing needs to be nudged."""
        return self.share_of_baseline <= 1 and not self.may_have_lost

    @property
    def _worse(self) -> float:
        """How many times the baseline's error it has."""
        found, base = self.errors, self.baseline
        if base is None or not found.max_abs:
            return 0.0
        return max(_times(found.rmse, base.rmse), _times(found.max_abs, base.max_abs))

    @property
    def explained(self) -> float:
        """The root mean square of the error that rounding explains."""
        moved = math.sqrt(self._squares / max(1, self.runs * self.errors.elements))
        return self.errors.rms * self._epsilon / 2 + moved + smallest_of(self.dtype)

    @property
    def is_untold(self) -> bool:
        """Whether too few runs were finite to tell of each number that is out of bounds."""
        if self._lost is None:
            return self.runs < FEWEST_RUNS
        told, pieces = self.runs - self._lost, self._in_pieces()
        return all(bool((told[here][errors > allowed] < FEWEST_RUNS).all()) for here, errors, _, allowed in pieces)

    @property
    def is_vacuous(self) -> bool:
        """Whether zeros would have passed, although the reference is not zero."""
        if self._vacuous is None:
            passes = (bool((allowed >= sizes).all()) for _, _, sizes, allowed in self._in_pieces())
            self._vacuous = self.errors.peak > 0 and all(passes)
        return self._vacuous

    @property
    def is_off_below_normal(self) -> bool:
        """Whether a number is off that is too small to be normal, which only its being flushed to zero may excuse."""
        smallest = smallest_of(self.dtype)
        if self.errors.least >= smallest:
            return False
        pieces = self.errors.pieces()
        return any(bool(((sizes > 0) & (sizes < smallest) & (errors > 0)).any()) for _, errors, sizes in pieces)

    def look_for_lost(self, base: torch.Tensor) -> None:
        """See which numbers may be lost that the baseline's tensor keeps."""
        self.lost = LostNumbers(self.errors, base, self._epsilon, smallest_of(self.dtype), self._loosened)

    @property
    def _unexplained(self) -> float:
        """The root mean square of an error that rounding does not explain."""
        return UNEXPLAINED * self._loosened * self.explained

    @property
    def _loosened(self) -> float:
        """How many times more is allowed than usual."""
        return self.k / k_of(self.dtype)

    @property
    def _epsilon(self) -> float:
        return epsilon(PARTS.get(self.dtype, self.dtype))

    def words(self, at: int | None) -> str:
        """What was allowed, in words."""
        if at is None:
            base = 0.0 if self.baseline is None else self.baseline.rmse
            return (
                f"rmse {self._unexplained:.2g}, which rounding explains, or {WORSE:g} times that of eager "
                f"CPU ({base:.2g})"
            )
        if self._is_lost:
            return f"{self._reached.allowed:.2g}, as eager CPU and rounding keep it; one number in {ONE_IN} is lost"
        allowed, size = self._at(at)
        moved = max(0.0, (allowed - smallest_of(self.dtype)) / self.k - size * self._epsilon)
        return f"{allowed:.2g}: {self.k:g} times what rounding moves (eps * {size:.3g} at the end, {moved:.2g} before)"

    def _at(self, at: int) -> tuple[float, float]:
        """What the number at a flat position may be away, and its size."""
        for here, _, sizes, allowed in self._in_pieces():
            if here.start <= at < here.start + len(sizes):
                return float(allowed[at - here.start]), float(sizes[at - here.start])
        return 0.0, 0.0


def _times(mine: float, its: float) -> float:
    return 0.0 if mine == 0 else mine / its if its else math.inf
