"""Lines on standard output: with colour and fitted on a terminal, plain and as wide as they are elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from tensorflow_free.text.characters import printable
from tensorflow_free.text.page import GAP, Line, draw_lines, ellipsis_of, line

if TYPE_CHECKING:
    from rich.console import Console

WELL_STYLE: Final = "green"
BAD_STYLE: Final = "bold red"
OTHER_STYLE: Final = "yellow"


Word = TypeVar("Word", bound=str)


class Printer:
    """Prints lines as they come."""

    def __init__(self) -> None:
        self._console: Console | None = None
        if sys.stdout.isatty():
            from rich.console import Console  # noqa: PLC0415 - a pipe needs no rich

            self._console = Console(highlight=False)

    @property
    def width(self) -> int | None:
        """Characters that a row may have; None for as many as it takes."""
        return None if self._console is None else self._console.width

    @property
    def dots(self) -> str:
        """What ends a cell that is cut."""
        return "..." if self._console is None else ellipsis_of(self._console)

    def __call__(self, lines: Iterable[Line | str]) -> None:
        """Print lines; a text is one without a style."""
        for one in lines:
            whole = line(one) if isinstance(one, str) else one
            if self._console is None:
                sys.stdout.write(f"{whole}\n")
                sys.stdout.flush()
            else:
                draw_lines([whole], self._console)


class Rows:
    """Rows that are printed before the next is known.

    A column is as wide as its widest cell so far, and not there while that is empty.
    """

    def __init__(self, *least: int) -> None:
        self._widths = dict(enumerate(least))

    def row(self, cells: Iterable[str], styles: Iterable[str]) -> Line:
        """The next row, a style for each cell."""
        pieces: list[tuple[str, str]] = []
        shown = [printable(cell) for cell in cells]
        for column, (cell, style) in enumerate(zip(shown, styles, strict=True)):
            width = self._widths[column] = max(self._widths.get(column, 0), len(cell))
            if width:
                pieces += [(cell.ljust(width) if column < len(shown) - 1 else cell, style), (GAP, "")]
        return Line(tuple(pieces[:-1]), is_whole=True)


def counts_of(counts: Mapping[Word, int], order: Sequence[Word]) -> str:
    """How many of each there are, in words."""
    return ", ".join(f"{counts[name]:,} {name}" for name in order if counts.get(name)) or "none"
