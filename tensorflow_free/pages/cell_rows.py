"""The rows of a sweep's cells in short, their texts once, for pages of many cells. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tensorflow_free.judging.wording import error_of
from tensorflow_free.outcome.outcomes import RANKS
from tensorflow_free.pages.used_matrix import UsedValue
from tensorflow_free.sweep.groups import spent
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.characters import printable_lines
from tensorflow_free.text.phrases import cut

LONGEST_WHY: Final = 400
"""Characters of a reason that is told of a cell that is not in full."""

CellRank = tuple[bool, int, float, int]


def rank_of(row: Row) -> CellRank:
    """The place of a row: those that fail first, the worst outcome first, and among alike ones what used most."""
    return not row.is_bad, RANKS[row.outcome] if row.is_bad else 0, -spent(row), row.number


class ShortRow(NamedTuple):
    """What is kept of a row; words are numbers of `CellRows`' texts.

    Attributes:
        rank: its place among all.
        number: the cell's number.
        folder: the name of its folder, and empty where none was kept.
        axes: the key of each axis that it is on, and its value.
        outcome: what became of it.
        is_bad: whether it fails the sweep.
        used: the share that the worst value used; None where nothing was compared.
        place: where it goes wrong.
        error: the largest error.
        why: its reason.
        command: what runs it alone.
        worst: the verdict on its worst value, where it has one.
        start: the value at which it is out of bounds first.
        blamed: the values by which its culprits were found.
    """

    rank: CellRank
    number: int
    folder: str
    axes: Mapping[str, str]
    outcome: int
    is_bad: bool
    used: float | None
    place: int
    error: int
    why: int
    command: int
    worst: UsedValue | None
    start: str
    blamed: tuple[str, ...]


class CellRows:
    """Rows in short, one after another."""

    def __init__(self) -> None:
        self.rows: list[ShortRow] = []
        self._lowest: dict[str, dict[str, int]] = {}
        """The values of each axis, each with the lowest number of a cell that has it."""
        self._texts: dict[str, int] = {}

    def add(self, row: Row) -> None:
        """Take a row in."""
        told = (
            row.outcome,
            row.place,
            "" if row.worst is None else error_of(row.worst),
            cut(row.reason, LONGEST_WHY),
            row.command,
        )
        outcome, place, error, why, command = map(self._text, told)
        for key, value in row.axes.items():
            lowest = self._lowest.setdefault(key, {})
            lowest[value] = min(row.number, lowest.get(value, row.number))
        self.rows.append(
            ShortRow(
                rank=rank_of(row),
                number=row.number,
                folder=row.folder,
                axes=row.axes,
                outcome=outcome,
                is_bad=row.is_bad,
                used=None if row.used is None else spent(row),
                place=place,
                error=error,
                why=why,
                command=command,
                worst=_worst(row),
                start="" if row.where is None else row.where.value,
                blamed=() if row.blame is None else tuple(one.value for one in row.blame.culprits),
            )
        )

    def sort(self) -> None:
        """Put the worst first."""
        self.rows.sort()

    def axes(self) -> dict[str, list[str]]:
        """The values of each axis, in the order in which they were typed: cells are numbered so."""
        return {key: sorted(lowest, key=lambda value: lowest[value]) for key, lowest in self._lowest.items()}

    def _text(self, text: str) -> int:
        return self._texts.setdefault(printable_lines(text), len(self._texts))

    def to_plain(self) -> dict[str, Any]:
        """The rows as plain data: a list of each of their fields, and the texts."""
        rows = self.rows
        places = {key: {value: at for at, value in enumerate(values)} for key, values in self.axes().items()}
        words = {key: [getattr(one, key) for one in rows] for key in ("outcome", "place", "error", "why", "command")}
        return {
            **words,
            "number": [one.number for one in rows],
            "bad": [int(one.is_bad) for one in rows],
            "used": [_plain(one.used) for one in rows],
            "axes": [[of.get(one.axes.get(key, ""), -1) for one in rows] for key, of in places.items()],
            "texts": [*self._texts],
        }


def _plain(used: float | None) -> float | str | None:
    """A share to three digits; strict JSON has a word for an infinite one."""
    return None if used is None else float(f"{used:.3g}") if used < math.inf else "inf"


def _worst(row: Row) -> UsedValue | None:
    """The worst value, of which a row has the verdict."""
    worst = row.worst
    if worst is None or row.used is None:
        return None
    return UsedValue(str(worst["name"]), str(worst.get("kind")), worst.get("op"), worst["outcome"], spent(row))
