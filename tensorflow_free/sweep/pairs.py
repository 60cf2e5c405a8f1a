"""The cells of two sweeps in pairs: the same recipe with the same overrides. Does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from tensorflow_free.sweep.rows import Row

RowPair = tuple[Row | None, Row | None]
"""A cell of each sweep; None where it has none like it."""


def pairs_of(rows: Sequence[Row], others: Sequence[Row]) -> list[RowPair]:
    """The cells of both sweeps, those of the first in their order, then those that only the second has.

    Two that have no recipe in common by its path, as on two machines, are held side by side by the names of the files.
    """
    by_path = not {row.recipe for row in rows}.isdisjoint(row.recipe for row in others)

    def key(row: Row) -> tuple[str, ...]:
        return (row.recipe if by_path else PurePath(row.recipe).stem, *sorted(row.overrides))

    theirs = {key(row): row for row in others}
    pairs: list[RowPair] = [(row, theirs.pop(key(row), None)) for row in sorted(rows, key=lambda row: row.number)]
    return [*pairs, *((None, row) for row in sorted(theirs.values(), key=lambda row: row.number))]
