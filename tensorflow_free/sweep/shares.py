"""The outcomes of a sweep's cells by the value of each axis, counted in memory that does not grow with the cells."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple, TypeVar

from tensorflow_free.outcome.outcomes import ABSENT, Outcome
from tensorflow_free.sweep.groups import spent
from tensorflow_free.sweep.rows import Row

MOST_VALUES: Final = 64
"""Values of an axis that are counted one by one; of an axis with more, only the extremes are kept."""

ENUMERATED: Final = 3
"""Values of an axis up to which they are always listed one by one."""

MOST_PAIRS: Final = 1024
"""Pairs of two axes' values that are counted."""

SEVERAL: Final = 2
"""Different fates from which on they are not told one by one."""

Value = TypeVar("Value", bound=Hashable)
"""A value of an axis, or those of two."""


def fate_of(row: Row) -> str:
    """What befell a bad cell, in words that follow `all`: `at exp (forward)`, `crashed`."""
    if row.start:
        return f"at {row.start}"
    return "out of bounds" if row.outcome == Outcome.MISMATCH else row.outcome


class CellFate(NamedTuple):
    """What is counted of a cell, under each of its values.

    Attributes:
        number: its number.
        outcome: its outcome.
        is_bad: whether it fails the sweep.
        used: the share of the allowed error that it used, as a number that can be ordered; None where none was judged.
        fate: what befell it, where it is bad.
    """

    number: int
    outcome: Outcome
    is_bad: bool
    used: float | None
    fate: str

    @classmethod
    def of(cls, row: Row) -> CellFate:
        """That of a row."""
        is_bad = row.is_bad
        return cls(
            row.number, row.outcome, is_bad, None if row.used is None else spent(row), fate_of(row) if is_bad else ""
        )


@dataclass(slots=True)
class Share:
    """The cells that have something in common.

    Attributes:
        first: the lowest number among them.
        outcomes: how many there are of each outcome.
        bad: how many fail the sweep.
        used: the largest share of the allowed error among them; None where none was judged.
        fates: what befell the bad ones; of several, two.
    """

    first: float = math.inf
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    bad: int = 0
    used: float | None = None
    fates: set[str] = field(default_factory=set)

    def add(self, cell: CellFate) -> None:
        """Count a cell."""
        self.first = min(self.first, cell.number)
        self.outcomes[cell.outcome] += 1
        self.bad += cell.is_bad
        if cell.used is not None:
            self.used = max(cell.used, self.used or 0.0)
        if cell.is_bad and len(self.fates) < SEVERAL:
            self.fates.add(cell.fate)

    @property
    def cells(self) -> int:
        """How many there are."""
        return self.outcomes.total()

    @property
    def ran(self) -> int:
        """How many could run at all."""
        return self.cells - sum(self.outcomes[outcome] for outcome in ABSENT)

    @property
    def fate(self) -> str:
        """What befell all the bad ones alike; empty where it differs."""
        return next(iter(self.fates)) if len(self.fates) == 1 else ""


Counts = defaultdict[Value, Share]
"""A share for each value."""


def _with_cell(counts: Counts[Value] | None, value: Value, cell: CellFate, most: int) -> Counts[Value] | None:
    """The counts with one more cell, under its value; None once there are too many values to count."""
    if counts is None:
        return None
    counts[value].add(cell)
    return counts if len(counts) <= most else None


class Span(NamedTuple):
    """The least and the greatest of an axis's values that are numbers, each as the number and as it was written."""

    least: tuple[float, str]
    greatest: tuple[float, str]


class AxisShares:
    """One axis: a share for each of its values while they are few, and how far its bad and its well values reach."""

    def __init__(self) -> None:
        self.first = (math.inf, 0)
        """The first cell that has it, and its place there: axes stand in this order."""
        self.shares: Counts[str] | None = defaultdict(Share)
        self.spans: dict[bool, Span] | None = {}
        """How far the values reach that are bad (True) and well (False); None where not all are numbers."""

    def add(self, cell: CellFate, position: int, value: str) -> None:
        """Count a cell under its value."""
        self.first = min(self.first, (cell.number, position))
        self.shares = _with_cell(self.shares, value, cell, MOST_VALUES)
        if self.spans is not None and cell.outcome not in ABSENT:
            number = _number(value), value
            least, greatest = self.spans.get(cell.is_bad, (number, number))
            self.spans[cell.is_bad] = Span(min(least, number), max(greatest, number))
            if math.isnan(number[0]):
                self.spans = None

    @property
    def is_even(self) -> bool:
        """Whether the cells of its values have the same outcomes; of a few values that is not asked."""
        outcomes = [share.outcomes for share in (self.shares or {}).values()]
        return len(outcomes) > ENUMERATED and all(one == outcomes[0] for one in outcomes)


@lru_cache(maxsize=MOST_VALUES)
def _pairs_of(keys: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Each two of some keys, in the order of their names."""
    return tuple(combinations(sorted(keys), 2))


def _number(text: str) -> float:
    """The number that a text is; NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


class Shares:
    """Cells counted: all of them, by the value of each axis, and by the values of each two."""

    def __init__(self) -> None:
        self.all = Share()
        self._axes: dict[str, AxisShares] = defaultdict(AxisShares)
        self._pairs: dict[tuple[str, ...], Counts[tuple[str, ...]] | None] = defaultdict(lambda: defaultdict(Share))
        """Of two axes, in the order of their names."""

    def add(self, row: Row) -> None:
        """Count a cell."""
        cell, axes = CellFate.of(row), row.axes
        self.all.add(cell)
        for position, (key, value) in enumerate(axes.items()):
            self._axes[key].add(cell, position, value)
        for keys in _pairs_of(tuple(axes)):
            counts = self._pairs[keys]
            if counts is not None:
                self._pairs[keys] = _with_cell(counts, (axes[keys[0]], axes[keys[1]]), cell, MOST_PAIRS)

    def __iter__(self) -> Iterator[tuple[str, AxisShares]]:
        return iter(sorted(self._axes.items(), key=lambda item: item[1].first))

    @property
    def keys(self) -> tuple[str, ...]:
        """The axes' keys, in order."""
        return tuple(key for key, _ in self)

    def pairs(self) -> Iterator[tuple[tuple[str, ...], Mapping[tuple[str, ...], Share]]]:
        """The shares of each two axes that have few values, in the axes' order."""
        for keys in combinations(self.keys, 2):
            step = 1 if keys[0] < keys[1] else -1
            if shares := self._pairs.get(keys[::step]):
                yield keys, {values[::step]: share for values, share in shares.items()}
