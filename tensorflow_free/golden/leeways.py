"""How far rounding may take a value of a golden: kept in few bytes, and made again from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch

from tensorflow_free.golden.levels import ends_of, levels_of, numbers_of
from tensorflow_free.judging.movement import Leeway
from tensorflow_free.judging.noise import Noise


@dataclass(frozen=True, slots=True)
class StoredLeeway:
    """The leeway of a value in one recipe dtype: as of `RecordedLeeway`, its levels as numbers.

    Attributes:
        moved: the root mean square of how far nudged runs took its numbers.
        most: the largest leeway of a number.
        least: the smallest above 0, where the numbers differ in it.
        levels: the level of each number, uint8, flat; where they differ.
        over: how many times what rounding explains the eager run was away, where it was.
        runs: how many nudged runs there were, where they were too few to judge by.
    """

    moved: float = 0.0
    most: float = 0.0
    least: float | None = None
    levels: torch.Tensor | None = None
    over: float = 0.0
    runs: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether enough nudged runs told of it."""
        return self.runs is None

    def leeway(self, count: int, times: float = 1.0, noise: Noise | None = None) -> Leeway:
        """That of each of `count` numbers, as a judge takes it; `times` as large, and `noise` beside it."""
        if self.levels is None or self.least is None:
            each = torch.full((count,), self.most * times, dtype=torch.float64)
        else:
            each = numbers_of(self.levels, self.least * times, self.most * times)
        return Leeway(each, self.moved * times, self.over, noise)

    def with_over(self, over: float) -> StoredLeeway:
        """The same of a value whose eager run was that far over what rounding explains."""
        return replace(self, over=over)


def stored_leeway(each: torch.Tensor, moved: float) -> StoredLeeway:
    """What is kept of the leeway of each number, float64, flat; rounded up a little."""
    least, most = ends_of(each)
    levels = None if least is None else levels_of(each, least, most)
    return StoredLeeway(float(f"{moved:.1e}"), most, least, levels)


NOWHERE: Final = StoredLeeway()
"""That of a value which rounding takes nowhere."""

UNKNOWN: Final = StoredLeeway(runs=0)
"""That of a value which the eager run has not, or has in another shape."""
