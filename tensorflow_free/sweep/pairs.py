"""The cells of two sweeps in pairs: the same recipe with the same overrides. Does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from tensorflow_free.sweep.rows import Row

RowPair = tuple[Row | None, Row | None]
"""A cell of each sweep; None where it has none like it."""

CellKey = tuple[str, tuple[str, ...]]


def pairs_of(rows: Sequence[Row], others: Sequence[Row]) -> list[RowPair]:
    """The cells of both sweeps, those of the first in their order, then those that only the second has.

    Two that have no recipe in common by its path, as on two machines, are held side by side by the names of the files.
    """
    name = _path if {row.recipe for row in rows} & {row.recipe for row in others} else _stem
    theirs = {_key(row, name): row for row in others}
    pairs: list[RowPair] = [
        (row, theirs.pop(_key(row, name), None)) for row in sorted(rows, key=lambda row: row.number)
    ]
    return [*pairs, *((None, row) for row in sorted(theirs.values(), key=lambda row: row.number))]


def _key(row: Row, name: Callable[[str], str]) -> CellKey:
    return name(row.recipe), tuple(sorted(row.overrides))


def _path(recipe: str) -> str:
    return recipe


def _stem(recipe: str) -> str:
    return PurePath(recipe).stem
