"""A value of every round as a curve: the mean of each round, and how far its numbers reach. NumPy alone, no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from tensorflow_free.picturing.value_pictures import AnyNumbers

MOST_ROUNDS: Final = 512
"""Points of a curve, at most; of more rounds, equally far ones."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What the rounds gave; a round without a finite number has None.

    Attributes:
        rounds: which rounds, from 1.
        means: the mean of the finite numbers of each, of complex ones of their distances from zero.
        least: the least finite number of each.
        greatest: the greatest.
        is_single: whether each round has one number, so that the three are one.
    """

    rounds: list[int]
    means: list[float | None]
    least: list[float | None]
    greatest: list[float | None]
    is_single: bool

    def to_plain(self) -> dict[str, Any]:
        """The same as strict JSON holds it."""
        return asdict(self)


def curve_of(numbers: AnyNumbers) -> Curve | None:
    """The curve of an array whose first dimension are the rounds; None of fewer than two, and of no numbers."""
    if numbers.ndim == 0 or len(numbers) < 2 or not numbers.size:  # noqa: PLR2004 - two points make a line
        return None
    rounds = np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), MOST_ROUNDS)).round().astype(int))
    found = [_of_round(numbers[at]) for at in rounds]
    means, least, greatest = map(list, zip(*found, strict=True))
    return Curve((rounds + 1).tolist(), means, least, greatest, numbers[0].size == 1)


def _of_round(numbers: AnyNumbers) -> tuple[float | None, float | None, float | None]:
    with np.errstate(all="ignore"):
        real = (np.abs(numbers) if np.iscomplexobj(numbers) else numbers).astype(np.float64)
        finite = real[np.isfinite(real)]
        if not finite.size:
            return None, None, None
        mean = float((finite / finite.size).sum())
    return mean, float(finite.min()), float(finite.max())
