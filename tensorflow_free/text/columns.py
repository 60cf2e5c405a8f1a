"""The table of a report as columns of words: numbers aligned, made to fit a width. Knows no torch and no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

GAP: Final = "  "

LEAST: Final = {"name": 12, "op": 10, "value": 16, "gradient": 16}
"""Characters below which a column is not cut while a less needed one can go; one that is not listed is never cut."""

SACRIFICED: Final = ("grad_fn", "op", "shape", "dtype")
"""Columns that go where there is no room, in this order."""

SHORTEST: Final = 5
"""Characters that are left of a cell whatever the width."""

_NUMBER: Final = re.compile(r"[-+]?(?:\d+|inf|nan)(?=\.\d|e[-+]\d|$)(?:\.\d+)?(?:e[-+]\d+)?")

LONGEST_WHOLE: Final = 8
"""Digits before the point up to which a column's numbers are aligned; a longer one would push the others too far."""

Columns = dict[str, list[str]]
"""The cells of each column, by its heading."""


def columns_of(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> Columns:
    """A table's columns, each with its heading on top and as wide as its widest cell; cut and dropped to fit a width.

    Args:
        headings: the columns' names.
        rows: a cell for each heading.
        width: characters that a line may have; None for as many as it takes.
    """
    columns = {heading: list(cells) for heading, cells in zip(headings, zip(*rows, strict=True), strict=True)}
    for heading in ("value", "gradient"):
        columns[heading] = _aligned(columns[heading])
    columns = {heading: [heading, *cells] for heading, cells in columns.items() if any(cells)}
    if width is not None and _breadth(columns) > width:
        columns = _fitted(columns, width)
    return {heading: [cell.ljust(_widest(cells)) for cell in cells] for heading, cells in columns.items()}


def lines_of(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The table's lines."""
    return [GAP.join(cells).rstrip() for cells in zip(*columns.values(), strict=True)]


def _aligned(cells: Sequence[str]) -> list[str]:
    """The cells with the units of those that are numbers below one another."""
    wholes = {cell: len(re.split(r"[.e]", cell)[0]) for cell in cells if _NUMBER.fullmatch(cell)}
    widest = max((whole for whole in wholes.values() if whole <= LONGEST_WHOLE), default=0)
    return [" " * (widest - wholes[cell]) + cell if cell in wholes else cell for cell in cells]


def _fitted(columns: Columns, width: int) -> Columns:
    """The columns cut, and the least needed of them dropped, so that a line fits the width."""
    if "op" in columns:
        columns = {**columns, "op": [cell.rpartition(".")[2] or cell for cell in columns["op"]]}
    for heading in SACRIFICED:
        if _breadth(columns, LEAST) <= width:
            break
        columns.pop(heading, None)
    limits = {heading: _widest(cells) for heading, cells in columns.items()}
    least = LEAST if _breadth(columns, LEAST) <= width else dict.fromkeys(columns, SHORTEST)
    while sum(limits.values()) + len(GAP) * (len(limits) - 1) > width:
        heading = max(limits, key=lambda heading: limits[heading] - least.get(heading, limits[heading]))
        if limits[heading] <= least.get(heading, limits[heading]):
            break
        limits[heading] -= 1
    return {heading: [_cut(cell, limits[heading]) for cell in cells] for heading, cells in columns.items()}


def _breadth(columns: Columns, least: Mapping[str, int] | None = None) -> int:
    """Characters of a line; with the columns cut to their least where that is given."""
    widths = [min(_widest(cells), (least or {}).get(heading, _widest(cells))) for heading, cells in columns.items()]
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _widest(cells: Iterable[str]) -> int:
    return max(map(len, cells), default=0)


def _cut(cell: str, limit: int) -> str:
    return cell if len(cell) <= limit else cell[: limit - 1] + "…"
