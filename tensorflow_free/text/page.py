"""A page: lines and grids of styled words, as data. `drawing` renders it for a stream and a width.

All text on a page is printable: words are made so when they are added, whatever draws them.
Our own words are ASCII, so that every encoding has them, and a style only repeats what the words say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from tensorflow_free.text.characters import printable

Style = Literal["", "title", "good", "well", "bad", "notice", "aside", "name", "alarm"]
"""What words are: a heading; an outcome that is good; that all is well; what fails; what is worth a look;
what matters less; a name or a command; NaN or infinity."""


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a line in one style."""

    text: str
    style: Style = ""

    def __post_init__(self) -> None:
        """Write out what a terminal would act on."""
        object.__setattr__(self, "text", printable(self.text))


GAP: Final = Words("  ")
"""What stands between two columns."""

HANG: Final = 4
"""Characters before the further lines of a text."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line.

    Attributes:
        pieces: its words.
        indent: characters before it, also where it is broken to fit.
        is_whole: whether it is never broken: a row of a grid, or a command that is to be copied.
        hang: characters of it below which nothing of it stands where it is broken: a name that it tells of.
    """

    pieces: tuple[Words, ...] = ()
    indent: int = 0
    is_whole: bool = False
    hang: int = 0

    def __str__(self) -> str:
        return (" " * self.indent + "".join(piece.text for piece in self.pieces)).rstrip()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid.

    Attributes:
        heading: what stands on top.
        cells: a cell for each row.
        align: where its cells are flush: left, right, or at the units of those that are numbers.
        least: characters below which it is not cut while another can be; None where it is never cut.
        goes: where there is no room, columns go in this order; None where it stays.
        short: what stands for the cells where there is no room for all of them.
    """

    heading: Words
    cells: tuple[Words, ...]
    align: Literal["left", "right", "units"] = "left"
    least: int | None = None
    goes: int | None = None
    short: tuple[Words, ...] | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns side by side; those whose cells are all empty are not shown.

    Attributes:
        columns: alike long.
        has_headings: whether the headings stand on top.
        below: the lines that stand below each row.
        noun: what a row is of, in a word.
    """

    columns: tuple[Column, ...]
    has_headings: bool = True
    below: tuple[tuple[Line, ...], ...] = ()
    noun: str = "row"

    def __bool__(self) -> bool:
        """Whether anything is shown of it."""
        return any(cell.text for column in self.columns for cell in column.cells)


Page = Iterable[Line | Grid]
"""Lines and grids, one below another."""


def line(text: str = "", style: Style = "", indent: int = 0, *, is_whole: bool = False) -> Line:
    """A line in one style."""
    return Line((Words(text, style),), indent, is_whole)


def column(  # noqa: PLR0913 - what a column has
    heading: str,
    cells: Iterable[str | Words],
    style: Style | Callable[[str], Style] = "",
    *,
    align: Literal["left", "right", "units"] = "left",
    least: int | None = None,
    goes: int | None = None,
    short: Callable[[str], str] | None = None,
) -> Column:
    """A column; `style` is that of its cells, or tells that of each, and `short` gives what stands for a cell."""
    made = [_styled(cell, style) for cell in cells]
    shorter = None if short is None else tuple(replace(cell, text=short(cell.text)) for cell in made)
    return Column(Words(heading, "title"), tuple(made), align, least, goes, shorter)


def _styled(cell: str | Words, style: Style | Callable[[str], Style]) -> Words:
    if isinstance(cell, Words):
        return cell
    return Words(cell, style(cell) if callable(style) else style)


def grid(columns: Iterable[Column], noun: str = "row") -> Grid:
    """The columns side by side, their headings on top; each row is of what the noun says."""
    return Grid(tuple(columns), noun=noun)


def text_lines(text: str, style: Style = "", indent: int = 0) -> list[Line]:
    r"""The lines of a text, each with an indent of its own besides; only `\n` parts them."""
    lines = text.split("\n") if text else []
    return [line(one.strip(" "), style, indent + len(one) - len(one.lstrip(" "))) for one in lines]


def hanging(lead: str, text: str) -> list[Line]:
    """A text behind what it is about; its further lines have an indent, so that none passes for one of another text."""
    first, *rest = text_lines(text) or [line()]
    return [line(f"{lead}{first}"), *(replace(one, indent=max(one.indent, HANG)) for one in rest)]


def within(lines: Sequence[Line], indent: int, most: int) -> list[Line]:
    """The first lines, further to the right, and how many more there are."""
    shifted = [replace(one, indent=one.indent + indent) for one in lines[:most]]
    more = len(lines) - most
    return [*shifted, *([line(f"and {more:,} more lines", "aside", indent)] if more > 0 else [])]


def listed(names: Iterable[str], texts: Iterable[str]) -> list[Line]:
    """A line for each name and what is told of it; the texts stand below one another."""
    heads = [Words(name, "name") for name in names]
    width = max((len(head.text) for head in heads), default=0) + len(GAP.text)
    padded = [replace(head, text=head.text.ljust(width)) for head in heads]
    return [Line((head, Words(text)), hang=width) for head, text in zip(padded, texts, strict=True)]


def parted(parts: Iterable[Page]) -> Iterator[Line | Grid]:
    """The parts one after another, an empty line between each two; what shows nothing is left out."""
    for position, part in enumerate(found for one in parts if (found := [each for each in one if each])):
        if position:
            yield line()
        yield from part
