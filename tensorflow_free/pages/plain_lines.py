"""Pages of the terminal as plain data, line by line, for pages to look at: the same words in the same styles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tensorflow_free.text.page import GAP, Grid, Line, Page, Words


def plain_lines(page: Page) -> list[dict[str, Any]]:
    """The lines of a page, a row of a grid as one; each with its text, its style and how far to the right it stands."""
    return [_plain(one) for part in page for one in (_rows(part) if isinstance(part, Grid) else [part])]


def _rows(grid: Grid) -> Iterator[Line]:
    """The rows of a grid, and what stands below each."""
    for at, cells in enumerate(zip(*(column.cells for column in grid.columns), strict=True)):
        told = [cell for cell in cells if cell.text]
        yield Line(tuple(piece for cell in told for piece in (GAP, cell))[1:])
        yield from grid.below[at] if grid.below else ()


def _plain(line: Line) -> dict[str, Any]:
    first = next((piece for piece in line.pieces if piece.text.strip()), Words(""))
    text = "".join(piece.text for piece in line.pieces)
    return {"text": text} | {key: told for key, told in (("style", first.style), ("indent", line.indent)) if told}
