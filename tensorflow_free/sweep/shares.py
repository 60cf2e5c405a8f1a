"""The outcomes of a sweep's cells by the value of each axis, counted in memory that does not grow with the cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, NamedTuple

from tensorflow_free.judging.wording import place_of
from tensorflow_free.outcome.outcomes import ABSENT, BAD, Outcome
from tensorflow_free.sweep.groups import spent
from tensorflow_free.sweep.rows import Row

MOST_VALUES: Final = 64
"""Values of an axis that are counted one by one; of an axis with more, only the extremes are kept."""

ENUMERATED: Final = 3
"""Values of an axis up to which they are told one by one, whatever there is to tell."""

MOST_PAIRS: Final = 1024
"""Pairs of two axes' values that are counted."""

SEVERAL: Final = 2
"""Different fates from which on they are not told one by one."""


def fate_of(row: Row) -> str:
    """What befell a bad cell, in words that follow `all`: `at exp (forward)`, `crashed`."""
    if row.where is not None:
        return f"at {place_of(row.where)}"
    return "out of bounds" if row.outcome == Outcome.MISMATCH else row.outcome


@dataclass(slots=True)
class Share:
    """The cells that have something in common.

    Attributes:
        first: the lowest number among them.
        outcomes: how many there are of each outcome.
        used: the largest share of the allowed error among them; None where none was judged.
        fates: what befell the bad ones; of several, two.
    """

    first: int
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    used: float | None = None
    fates: set[str] = field(default_factory=set)

    def add(self, row: Row) -> None:
        """Count a cell."""
        self.first = min(self.first, row.number)
        self.outcomes[row.outcome] = self.outcomes.get(row.outcome, 0) + 1
        if row.used is not None:
            self.used = max(spent(row), self.used or 0.0)
        if row.outcome in BAD and len(self.fates) < SEVERAL:
            self.fates.add(fate_of(row))

    @property
    def cells(self) -> int:
        """How many there are."""
        return sum(self.outcomes.values())

    @property
    def ran(self) -> int:
        """How many could be had at all."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in ABSENT)

    @property
    def bad(self) -> int:
        """How many fail the sweep."""
        return sum(count for outcome, count in self.outcomes.items() if outcome in BAD)

    @property
    def fate(self) -> str:
        """What befell all the bad ones alike; empty where it differs."""
        return next(iter(self.fates)) if len(self.fates) == 1 else ""


class Span(NamedTuple):
    """The least and the greatest of an axis's values that are numbers, each as the number and as it was written."""

    least: tuple[float, str]
    greatest: tuple[float, str]


class AxisShares:
    """One axis: a share for each of its values while they are few, and how far its bad and its well values reach."""

    def __init__(self) -> None:
        self.first = (math.inf, 0)
        """The first cell that has it, and its place there: axes stand in this order."""
        self.shares: dict[str, Share] | None = {}
        self.is_numeric = True
        self.bad: Span | None = None
        self.well: Span | None = None

    def add(self, row: Row, value: str) -> None:
        """Count a cell under its value."""
        if self.shares is not None:
            if value not in self.shares:
                self.shares[value] = Share(row.number)
            self.shares[value].add(row)
            if len(self.shares) > MOST_VALUES:
                self.shares = None
        if self.is_numeric and row.outcome not in ABSENT:
            self._reach(row, value)

    @property
    def is_even(self) -> bool:
        """Whether the cells of its values have the same outcomes; of a few values that is not asked."""
        shares = self.shares or {}
        return (
            len(shares) > ENUMERATED and len({tuple(sorted(share.outcomes.items())) for share in shares.values()}) == 1
        )

    def _reach(self, row: Row, value: str) -> None:
        try:
            number = (float(value), value)
        except ValueError:
            number = (math.nan, value)
        if math.isnan(number[0]):
            self.is_numeric = False
        elif row.outcome in BAD:
            self.bad = _extended(self.bad, number)
        else:
            self.well = _extended(self.well, number)


def _extended(span: Span | None, value: tuple[float, str]) -> Span:
    least, greatest = span or (value, value)
    return Span(min(least, value), max(greatest, value))


class Axes:
    """All axes of a sweep, and each two of them."""

    def __init__(self) -> None:
        self._axes: dict[str, AxisShares] = {}
        self._pairs: dict[tuple[str, str], dict[tuple[str, str], Share] | None] = {}

    def add(self, row: Row) -> None:
        """Count a cell under its value of each axis."""
        for position, (key, value) in enumerate(row.axes.items()):
            axis = self._axes.setdefault(key, AxisShares())
            axis.first = min(axis.first, (row.number, position))
            axis.add(row, value)
        for (key, value), (other, its) in combinations(sorted(row.axes.items()), 2):
            shares = self._pairs.setdefault((key, other), {})
            if shares is None:
                continue
            if (value, its) not in shares:
                shares[value, its] = Share(row.number)
            shares[value, its].add(row)
            if len(shares) > MOST_PAIRS:
                self._pairs[key, other] = None

    def __iter__(self) -> Iterator[tuple[str, AxisShares]]:
        return iter(sorted(self._axes.items(), key=lambda item: item[1].first))

    @property
    def keys(self) -> tuple[str, ...]:
        """The axes' keys, in order."""
        return tuple(key for key, _ in self)

    def pairs(self) -> Iterator[tuple[tuple[str, str], Mapping[tuple[str, str], Share]]]:
        """The shares of each two axes that have few values, in the axes' order."""
        for one, other in combinations(self.keys, 2):
            # they are counted in the order of their names
            shares = self._pairs.get((one, other) if one < other else (other, one))
            if shares:
                turned = {pair if one < other else (pair[1], pair[0]): share for pair, share in shares.items()}
                yield (one, other), turned
