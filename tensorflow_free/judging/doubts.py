"""Values of which the reference alone cannot say whether they are right, and the nudged runs that settle them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.judging.as_tensors import tensor_of
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.movement import FEWEST_RUNS, GRADIENT, MOST_RUNS, WIDE_RUNS, Leeway, Movement
from tensorflow_free.judging.rounding_rule import RoundingBound
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.result.run_value import AFTER, Record, of_name


class Doubt(Protocol):
    """A value in doubt."""

    name: str
    is_wide: bool
    """Whether runs that are nudged further may settle it."""

    def see(self, nudged: torch.Tensor) -> None:
        """Take in the value of a nudged run, of the same shape."""

    @property
    def shape(self) -> torch.Size:
        """That of the value."""

    @property
    def is_settled(self) -> bool:
        """Whether it is right, so that no more runs are needed."""

    def is_hopeless(self, runs: int) -> bool:
        """Whether more than so many runs would not settle it, where nothing jumps."""

    def verdict(self) -> ValueVerdict:
        """What was found in the end."""


@dataclass(slots=True)
class NumbersInDoubt:
    """Floating or complex numbers that are further from the reference than their last rounding explains."""

    name: str
    bound: RoundingBound
    judged: Callable[[RoundingBound], ValueVerdict]
    is_wide: bool = False

    def see(self, nudged: torch.Tensor) -> None:
        """Take in the value of a nudged run."""
        self.bound.see(nudged)

    @property
    def shape(self) -> torch.Size:
        """That of the value."""
        return self.bound.errors.expected.shape

    @property
    def is_settled(self) -> bool:
        """Whether it is within its bound; one that is worse than the baseline needs a few runs to say so."""
        bound = self.bound
        if bound.used > 1 or not bound.runs:
            return False
        return bound.runs >= FEWEST_RUNS or not (bound.is_worse_than_baseline or bound.may_have_lost)

    def is_hopeless(self, runs: int) -> bool:
        """Whether it used so much that the largest of sixteen moves, instead of so few, would not allow it.

        The largest of S uniform numbers is S / (S + 1) of their range on average; normal ones grow by less than half
        from 4 to 16.
        """
        return self.bound.used > _HOPELESS.get(runs, math.inf)

    def verdict(self) -> ValueVerdict:
        """What was found in the end."""
        return self.judged(self.bound)


@dataclass(slots=True)
class PlacesInDoubt:
    """Integers or booleans that differ from the reference; they may where rounding makes them differ, and as far."""

    name: str
    mine: torch.Tensor
    its: torch.Tensor
    k: float
    judged: Callable[[PlacesInDoubt], ValueVerdict]
    is_choice: bool = False
    """Whether they are places of numbers that were chosen, of which those that a nudged run chose are right."""
    runs: int = 0
    is_wide: bool = True
    _spread: torch.Tensor | None = None
    _seen: torch.Tensor | None = None
    _apart: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self._apart = distance(self.mine, self.its)

    def see(self, nudged: torch.Tensor) -> None:
        """Take in the value of a nudged run."""
        moved = distance(nudged, self.its)
        self._spread = moved if self._spread is None else torch.maximum(self._spread, moved)
        if self.is_choice:
            same = (nudged == self.mine).flatten()
            self._seen = same if self._seen is None else self._seen | same
        self.runs += 1

    def take(self, kept: Leeway) -> None:
        """Take in what was kept of nudged runs, in their place."""
        self._spread, self.runs = kept.each, FEWEST_RUNS

    @property
    def shape(self) -> torch.Size:
        """That of the value."""
        return self.its.shape

    @property
    def unexplained(self) -> torch.Tensor:
        """The places that differ although rounding makes none differ so far, flat."""
        if self._spread is None:
            return self._apart > 0
        beyond = self._apart > self._spread * self.k
        if self._seen is None:
            return beyond
        # of a few places, and of most of many, some run has chosen as the cell has
        unseen, differ = (self._apart > 0) & ~self._seen, int((self._apart > 0).count_nonzero())
        return beyond | unseen if int(unseen.count_nonzero()) > max(FEW_UNSEEN, differ / 2) else beyond

    @property
    def is_settled(self) -> bool:
        """Whether each place that differs does so in a nudged run, too."""
        return self.runs > 0 and not bool(self.unexplained.any())

    def is_hopeless(self, runs: int) -> bool:
        """Never: an integer jumps."""
        del runs
        return False

    def verdict(self) -> ValueVerdict:
        """What was found in the end."""
        return self.judged(self)


_HOPELESS: Final = {4: 4.0, 8: 2.0}
"""The share used after so many runs that no more of them would allow."""


FEW_UNSEEN: Final = 2
"""Places that may differ in a way that no nudged run has shown."""


def distance(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """How far apart integers or booleans are, float64, flat."""
    return Errors(one, other).errors.clone() if one.dtype != torch.bool else (one != other).flatten().to(torch.float64)


def settle(doubts: Sequence[Doubt], movement: Movement, times: float) -> None:
    """Make nudged runs until no value is in doubt, or there are no more of them.

    Args:
        doubts: the values in doubt.
        movement: the nudged runs.
        times: how many epsilons the last few runs are nudged by, for integers that differ nowhere else.
    """
    runs = [(number, 1.0) for number in range(MOST_RUNS)] + [(MOST_RUNS + each, times) for each in range(WIDE_RUNS)]
    remaining = list(doubts)
    for made, (number, size) in enumerate(runs, start=1):
        if size > 1:
            remaining = [one for one in remaining if one.is_wide]
        if not remaining:
            return
        values = movement.values(number, size, names=[one.name for one in remaining])
        for one in remaining:
            nudged = numbers_in(of_name(values, one.name))
            if nudged is not None and nudged.shape == one.shape:
                one.see(nudged)
        remaining = [one for one in remaining if not one.is_settled]
        if not movement.jumps:
            remaining = _worth_more_runs(remaining, made, apart=movement.apart)


def _worth_more_runs(doubts: Sequence[Doubt], runs: int, *, apart: bool) -> list[Doubt]:
    """The doubts that more runs may settle, up to the first step that none will: what comes after it reads it."""
    for position, one in enumerate(doubts):
        if not apart and one.is_hopeless(runs) and not one.name.endswith((GRADIENT, AFTER)):
            return list(doubts[:position])
    return [one for one in doubts if not one.is_hopeless(runs)]


def numbers_in(record: Record | None) -> torch.Tensor | None:
    """The numbers of a value as one plain tensor; None where it has none."""
    if record is None or record.value is None:
        return None
    try:
        return tensor_of(record.value)
    except UNTAKEN:
        return None
