"""Rows that differ only in their numbers, grouped: of each kind the first, a count, and the cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are alike.

    Attributes:
        keys: what they have in common; several where it differs in the dtype alone.
        row: the one of the lowest number.
        text: what is told of it.
        common: the axes on which they all have one value.
        count: how many there are.
        numbers: the lowest of their numbers, in order.
        worst: those that use most of what is allowed, worst first.
    """

    keys: tuple[GroupKey, ...]
    row: Row
    text: str
    common: Mapping[str, str]
    count: int
    numbers: list[int]
    worst: list[Row]

    @classmethod
    def of(cls, key: GroupKey, row: Row, text: str) -> Group:
        """One row."""
        return cls((key,), row, text, row.axes, 1, [row.number], [row])

    def __add__(self, other: Group) -> Group:
        first = min(self, other, key=lambda one: one.row.number)
        return Group(
            tuple(dict.fromkeys((*self.keys, *other.keys))),
            first.row,
            first.text,
            {key: value for key, value in self.common.items() if other.common.get(key) == value},
            self.count + other.count,
            sorted([*self.numbers, *other.numbers])[:MOST_NUMBERS],
            sorted([*self.worst, *other.worst], key=_rank)[:MOST_WORST],
        )

    @property
    def outcome(self) -> CellOutcome:
        """What became of each of them."""
        return self.row.outcome

    @property
    def is_bad(self) -> bool:
        """Whether they fail the sweep."""
        return self.row.is_bad


def spent(row: Row) -> float:
    """The share of the allowed error that a row's worst value used, as a number that can be ordered."""
    used = 0.0 if row.used is None else row.used
    return math.inf if math.isnan(used) else used


def _rank(row: Row) -> tuple[float, int]:
    """The place of a row among those like it: the most used of what is allowed first, then the lowest number."""
    return -spent(row), row.number


def key_of(row: Row) -> GroupKey:
    """What a row has in common with those like it."""
    # known faults are grouped by their reason, wherever they occur
    place = f"{row.start} {row.where.op}" if row.where is not None and row.is_bad else ""
    return RANKS[row.outcome], place, "\n".join(one.kind for one in row.causes), row.dtype


class Groups:
    """Groups by key, in bounded memory, alike whatever the order of the rows."""

    def __init__(self) -> None:
        self._groups: dict[GroupKey, Group] = {}

    def add(self, row: Row, key: GroupKey, text: str) -> None:
        """Count a row under its key, unless its key comes behind all that can be kept."""
        one = Group.of(key, row, text)
        self._groups[key] = self._groups[key] + one if key in self._groups else one
        if len(self._groups) > MOST_GROUPS:
            # a key that is among the first at the end was so all along, so that its count is complete
            del self._groups[max(self._groups)]

    def __iter__(self) -> Iterator[Group]:
        """Each group: by outcome, then those that use most of what is allowed, then the first.

        Dtypes of which the very same is told are one group.
        """
        alike: dict[tuple[int, str, str, str], Group] = {}
        for key, group in self._groups.items():
            whole = (*key[:3], group.text)
            alike[whole] = alike[whole] + group if whole in alike else group
        return iter(sorted(alike.values(), key=lambda group: (group.keys[0][0], *_rank(group.worst[0]))))
