"""Pages drawn: as plain text at full width or fitted to a width, or with rich on a terminal.

`markup` draws them as HTML; another renderer takes the lines and grids of a page, or the lines that `laid_out` gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tensorflow_free.text.page import GAP, Column, Grid, Line, Page, Style, Words

if TYPE_CHECKING:
    from rich.console import Console

STYLES: Final[dict[Style, str]] = {
    "": "",
    "title": "bold",
    "good": "green",
    "well": "bold green",
    "bad": "bold red",
    "notice": "yellow",
    "aside": "dim",
    "name": "cyan",
    "alarm": "red",
}
"""The styles in rich's words."""

SHORTEST: Final = 5
"""Characters that are left of a cell whatever the width."""

NARROWEST: Final = 24
"""Characters that must be left beside a name for its text; where there are fewer, the text goes below the name."""

_NUMBER: Final = re.compile(r"[-+]?(?:\d+|inf|nan)(?=\.\d|e[-+]\d|$)(?:\.\d+)?(?:e[-+]\d+)?")

LONGEST_WHOLE: Final = 8
"""Digits before the point up to which a column's numbers are aligned; a longer one would push the others too far."""


def text_of(page: Page, width: int | None = None) -> str:
    """The page as plain text, for files, pipes and logs; rows of grids are made to fit a width where it is given."""
    return "\n".join(map(str, laid_out(page, width)))


def draw(page: Page, console: Console) -> None:
    """Print the page with its styles, made to fit the console; what is too wide is broken between words."""
    from rich.text import Text  # noqa: PLC0415 - a pipe needs no rich

    for one in laid_out(page, console.width, dots_of(console)):
        text = Text.assemble(" " * one.indent, *((piece.text, STYLES[piece.style]) for piece in one.pieces))
        hang = one.indent + one.hang if console.width - one.hang >= NARROWEST else one.indent
        head, rest = text[:hang], text[hang:]
        for part in [rest] if one.is_whole else rest.wrap(console, max(1, console.width - hang)) or [rest]:
            told = head + part
            told.rstrip()
            console.print(told, crop=False, overflow="ignore", soft_wrap=True)
            head = Text(" " * hang)


def dots_of(console: Console) -> str:
    """What ends a cell that is cut, in the console's encoding."""
    return "\N{HORIZONTAL ELLIPSIS}" if console.encoding.lower().startswith("utf") else "..."


def laid_out(page: Page, width: int | None = None, dots: str = "...") -> Iterator[Line]:
    """The lines of a page, those of its grids among them.

    Args:
        page: what to lay out.
        width: characters that a row of a grid may have; None for as many as it takes.
        dots: what ends a cell that is cut.
    """
    for one in page:
        if isinstance(one, Line):
            yield one
        else:
            yield from _rows(one, width, dots)


def _rows(grid: Grid, width: int | None, dots: str) -> Iterator[Line]:
    columns = [aligned(column) for column in grid.columns if any(cell.text for cell in column.cells)]
    if not grid.has_headings:
        columns = [replace(column, heading=Words("")) for column in columns]
    if width is not None:
        columns = _narrowed(columns, width)
    limits = _limits(columns, width)
    if columns and grid.has_headings:
        yield _row([column.heading for column in columns], columns, limits, dots)
    for at, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        yield _row(cells, columns, limits, dots)
        yield from grid.below[at] if grid.below else ()


def _row(cells: Sequence[Words], columns: Sequence[Column], limits: Sequence[int], dots: str) -> Line:
    pieces: list[Words] = []
    for cell, column, limit in zip(cells, columns, limits, strict=True):
        text = cell.text if len(cell.text) <= limit else cell.text[: max(0, limit - len(dots))] + dots
        padded = text.rjust(limit) if column.align == "right" else text.ljust(limit)
        pieces += [replace(cell, text=padded), GAP]
    return Line(tuple(pieces[:-1]), is_whole=True)


def aligned(column: Column) -> Column:
    """The column with the units of those cells that are numbers below one another, where it asks for that."""
    if column.align != "units":
        return column
    wholes = {cell.text: len(re.split(r"[.e]", cell.text)[0]) for cell in column.cells if _NUMBER.fullmatch(cell.text)}
    widest = max((whole for whole in wholes.values() if whole <= LONGEST_WHOLE), default=0)
    indents = [" " * (widest - wholes.get(cell.text, widest)) for cell in column.cells]
    cells = [replace(cell, text=indent + cell.text) for indent, cell in zip(indents, column.cells, strict=True)]
    return replace(column, cells=tuple(cells))


# made to fit


def _widest(column: Column) -> int:
    return max(len(cell.text) for cell in (column.heading, *column.cells))


def _least(column: Column) -> int:
    return _widest(column) if column.least is None else min(_widest(column), column.least)


def _breadth(widths: Iterable[int]) -> int:
    """Characters of a row."""
    listed = list(widths)
    return sum(listed) + len(GAP.text) * (len(listed) - 1)


def _narrowed(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns with what is short, where they are too wide, and without those that must go for the rest to fit."""
    if _breadth(map(_widest, columns)) <= width:
        return list(columns)
    kept = [replace(column, cells=column.short or column.cells) for column in columns]
    goers = [column for column in kept if column.goes is not None]
    for goer in sorted(goers, key=lambda column: column.goes or 0):
        if _breadth(map(_least, kept)) <= width:
            break
        kept.remove(goer)
    return kept


def _limits(columns: Sequence[Column], width: int | None) -> list[int]:
    """How wide each column may be: the widest of those that can be cut give way first."""
    limits = [_widest(column) for column in columns]
    if width is None or _breadth(limits) <= width:
        return limits
    least = [_least(column) for column in columns]
    if _breadth(least) > width:
        least = [min(limit, SHORTEST) for limit in limits]
    while _breadth(limits) > width:
        widest = max(range(len(limits)), key=lambda at: limits[at] - least[at])
        if limits[widest] <= least[widest]:
            break
        limits[widest] -= 1
    return limits
