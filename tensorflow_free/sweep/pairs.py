"""The cells of two sweeps in pairs: the same recipe with the same overrides. Does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from tensorflow_free.sweep.rows import Row

RowPair = tuple[Row | None, Row | None]
"""A cell of each sweep; None where it has none like it."""


WHERE: Final = ("device", "starts")
"""Keys that say nothing of a cell where all of its sweep have them alike."""


def _key_of(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _said(rows: Sequence[Row], key: str) -> set[str]:
    """What the cells of a sweep say of a key; what none says is none."""
    return {one for row in rows for one in (*row.packed, *row.overrides) if _key_of(one) == key}


def pairs_of(rows: Sequence[Row], others: Sequence[Row]) -> list[RowPair]:
    """The cells of both sweeps, those of the first in their order, then those that only the second has.

    Where all cells of a sweep run, and whose tensors they start from, does not tell them from those of another. Two
    sweeps without a common recipe by its path, as on two machines, are held side by side by the names of the files.
    """
    where = {key for key in WHERE if all(len(_said(ones, key)) <= 1 for ones in (rows, others))}
    by_path = not {row.recipe for row in rows}.isdisjoint(row.recipe for row in others)

    def key(row: Row) -> tuple[str, ...]:
        overrides = [one for one in (*row.packed, *row.overrides) if _key_of(one) not in where]
        return (row.recipe if by_path else PurePath(row.recipe).stem, *sorted(dict.fromkeys(overrides)))

    theirs = {key(row): row for row in others}
    pairs: list[RowPair] = [(row, theirs.pop(key(row), None)) for row in sorted(rows, key=lambda row: row.number)]
    return [*pairs, *((None, row) for row in sorted(theirs.values(), key=lambda row: row.number))]
