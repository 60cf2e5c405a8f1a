"""Rows that differ only in their numbers, grouped: of each kind the first, a count, and the cells."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tensorflow_free.judging.wording import place_of
from tensorflow_free.outcome.outcomes import RANKS, CellOutcome
from tensorflow_free.sweep.rows import Row

MOST_GROUPS: Final = 200
"""Kinds that are kept; of more, those that come first by outcome and reason."""

MOST_NUMBERS: Final = 21
"""Numbers of cells that are kept of each kind: the first, and twenty like it."""

MOST_WORST: Final = 5
"""Rows that are kept of each kind."""

GroupKey = tuple[int, str, str, str]
"""How bad, where, the kinds of its reasons, and the dtype that their numbers are of: rows that agree are alike."""


@dataclass(slots=True)
class Group:
    """Rows that are alike.

    Attributes:
        row: the one of the lowest number.
        text: what is told of it.
        count: how many there are.
        numbers: the lowest of their numbers, in order.
        common: the axes on which they all have one value.
        worst: those that use most of what is allowed, worst first.
    """

    row: Row
    text: str
    common: dict[str, str]
    count: int = 0
    numbers: list[int] = field(default_factory=list)
    worst: list[Row] = field(default_factory=list)

    def add(self, row: Row, text: str) -> None:
        """Count one row, the first too."""
        self.count += 1
        if row.number < self.row.number:
            self.row, self.text = row, text
        if len(self.numbers) < MOST_NUMBERS or row.number < self.numbers[-1]:
            insort(self.numbers, row.number)
            del self.numbers[MOST_NUMBERS:]
        if self.common:
            self.common = {key: value for key, value in self.common.items() if row.axes.get(key) == value}
        if len(self.worst) < MOST_WORST or _rank(row) < _rank(self.worst[-1]):
            insort(self.worst, row, key=_rank)
            del self.worst[MOST_WORST:]

    def with_all(self, others: Sequence[Group]) -> Group:
        """This group and others as one."""
        groups = [self, *others]
        first = min(groups, key=lambda one: one.row.number)
        return Group(
            first.row,
            first.text,
            {key: value for key, value in self.common.items() if all(one.common.get(key) == value for one in others)},
            sum(one.count for one in groups),
            sorted(number for one in groups for number in one.numbers)[:MOST_NUMBERS],
            sorted((row for one in groups for row in one.worst), key=_rank)[:MOST_WORST],
        )

    @property
    def outcome(self) -> CellOutcome:
        """What became of each of them."""
        return self.row.outcome


def spent(row: Row) -> float:
    """The share of the allowed error that a row's worst value used, as a number that can be ordered."""
    used = 0.0 if row.used is None else row.used
    return math.inf if math.isnan(used) else used


def _rank(row: Row) -> tuple[float, int]:
    """The place of a row among those like it: the most used of what is allowed first, then the lowest number."""
    return -spent(row), row.number


def key_of(row: Row) -> GroupKey:
    """What a row has in common with those like it."""
    # known faults are told by their reason, wherever they show
    place = "" if row.where is None or not row.is_bad else f"{place_of(row.where)} {row.where.op}"
    return RANKS[row.outcome], place, "\n".join(one.kind for one in row.causes), row.dtype


class Groups:
    """Groups by key, in bounded memory, alike whatever the order of the rows."""

    def __init__(self) -> None:
        self._groups: dict[GroupKey, Group] = {}
        self._last: GroupKey | None = None
        """The key behind all that are kept, once there are as many as can be."""

    def add(self, row: Row, key: GroupKey, text: str) -> None:
        """Count a row under its key, unless its key comes behind all that can be kept."""
        group = self._groups.get(key)
        if group is None:
            if self._last is not None and key > self._last:
                return
            group = self._groups[key] = Group(row, text, dict(row.axes))
        group.add(row, text)
        if len(self._groups) > MOST_GROUPS:
            # a key that is in the end among the first was so all along, so that its count is whole
            del self._groups[max(self._groups)]
            self._last = max(self._groups)

    def ranked(self) -> list[tuple[list[GroupKey], Group]]:
        """Each group and its keys: by outcome, then those that use most of what is allowed, then the first.

        Dtypes of which the very same is told are one group.
        """
        alike: dict[tuple[int, str, str, str], list[GroupKey]] = {}
        for key, group in self._groups.items():
            alike.setdefault((*key[:3], group.text), []).append(key)
        found = [
            (keys, self._groups[keys[0]].with_all([self._groups[key] for key in keys[1:]])) for keys in alike.values()
        ]
        return sorted(found, key=lambda item: (item[0][0][0], *_rank(item[1].worst[0])))

    def __iter__(self) -> Iterator[Group]:
        return (group for _, group in self.ranked())
