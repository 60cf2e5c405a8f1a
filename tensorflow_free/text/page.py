"""Lines of styled words, and grids of them, for any stream: plain text as wide as it takes, or drawn to fit a terminal.

Our own words are ASCII, so that every encoding has them, and each style only repeats what the words say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tensorflow_free.text.characters import printable

if TYPE_CHECKING:
    from rich.console import Console

GAP: Final = "  "

SHORTEST: Final = 5
"""Characters that are left of a cell whatever the width."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its pieces with their styles, in rich's words.

    Attributes:
        pieces: text and style.
        indent: characters before it, also where it is broken to fit.
        is_whole: whether it is never broken: a row of a grid, or a command that is to be copied.
    """

    pieces: tuple[tuple[str, str], ...]
    indent: int = 0
    is_whole: bool = False

    def __str__(self) -> str:
        return (" " * self.indent + "".join(text for text, _ in self.pieces)).rstrip()


def line(text: str = "", style: str = "", indent: int = 0, *, is_whole: bool = False) -> Line:
    """A line in one style; what a terminal would act on is written out."""
    return Line(((printable(text), style),), indent, is_whole)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid.

    Attributes:
        heading: what stands on top.
        cells: a cell for each row.
        is_number: whether its cells end below one another.
        least: characters below which it is not cut while another can be; None where it is never cut.
        goes: where there is no room, columns go in this order; None where it stays.
        style: the style of a cell.
    """

    heading: str
    cells: Sequence[str]
    is_number: bool = False
    least: int | None = None
    goes: int | None = None
    style: Callable[[str], str] = field(default=lambda _: "")

    @property
    def widest(self) -> int:
        """Characters of its widest cell."""
        return max(map(len, (self.heading, *self.cells)))


def grid(columns: Iterable[Column], width: int | None = None, ellipsis: str = "...") -> Iterator[Line]:
    """The columns side by side, headings on top; those that say nothing are left out.

    Args:
        columns: alike long.
        width: characters that a line may have; None for as many as it takes.
        ellipsis: what ends a cell that is cut.
    """
    kept = [
        replace(column, heading=printable(column.heading), cells=[*map(printable, column.cells)])
        for column in columns
        if any(column.cells)
    ]
    if width is not None:
        kept = _without_the_least_needed(kept, width)
    limits = _limits(kept, width)
    for row in range(-1, len(kept[0].cells) if kept else -1):
        pieces: list[tuple[str, str]] = []
        for column, limit in zip(kept, limits, strict=True):
            cell = column.heading if row < 0 else column.cells[row]
            text = cell if len(cell) <= limit else cell[: max(0, limit - len(ellipsis))] + ellipsis
            padded = text.rjust(limit) if column.is_number else text.ljust(limit)
            last = column is kept[-1]
            pieces += [
                (padded.rstrip() if last else padded, "bold" if row < 0 else column.style(cell)),
                ("" if last else GAP, ""),
            ]
        yield Line(tuple(pieces), is_whole=True)


def _breadth(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _least(column: Column) -> int:
    return column.widest if column.least is None else min(column.widest, column.least)


def _without_the_least_needed(columns: list[Column], width: int) -> list[Column]:
    """The columns without those that must go for the rest to fit, cut as far as they can be."""
    kept = list(columns)
    goers = (column for column in columns if column.goes is not None)
    for goer in sorted(goers, key=lambda column: column.goes or 0):
        if _breadth([_least(column) for column in kept]) <= width:
            break
        kept.remove(goer)
    return kept


def _limits(columns: Sequence[Column], width: int | None) -> list[int]:
    """How wide each column may be: the widest of those that can be cut give way first."""
    limits = [column.widest for column in columns]
    if width is None or _breadth(limits) <= width:
        return limits
    least = [_least(column) for column in columns]
    if _breadth(least) > width:
        least = [min(column.widest, SHORTEST) for column in columns]
    while _breadth(limits) > width:
        widest = max(range(len(limits)), key=lambda at: limits[at] - least[at])
        if limits[widest] <= least[widest]:
            break
        limits[widest] -= 1
    return limits


def parted(parts: Iterable[Iterable[Line]]) -> Iterator[Line]:
    """The parts one after another, an empty line between each two; parts without a line are left out."""
    for position, part in enumerate(lines for one in parts if (lines := list(one))):
        if position:
            yield line()
        yield from part


def text_of(lines: Iterable[Line]) -> str:
    """The lines as plain text."""
    return "\n".join(map(str, lines))


def draw_lines(lines: Iterable[Line], console: Console) -> None:
    """Print the lines with their styles; what is too wide is broken between words."""
    from rich.padding import Padding  # noqa: PLC0415 - a pipe needs no rich
    from rich.text import Text  # noqa: PLC0415

    for one in lines:
        if one.is_whole or not str(one):
            text = Text.assemble(" " * one.indent, *one.pieces)
            console.print(text, no_wrap=True, crop=False, overflow="ignore", soft_wrap=True)
            continue
        console.print(Padding(Text.assemble(*one.pieces), (0, 0, 0, one.indent), expand=False))


def ellipsis_of(console: Console) -> str:
    """What ends a cell that is cut, in the console's encoding."""
    return "\N{HORIZONTAL ELLIPSIS}" if console.encoding.lower().startswith("utf") else "..."
