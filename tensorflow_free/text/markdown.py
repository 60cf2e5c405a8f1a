"""Pages as GitHub's Markdown, for job summaries and comments: tables are folded, and commands can be copied.

All that a page holds is text here, too: no mark, tag, mention, reference or link of a file's does anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import chain
from typing import Final

from tensorflow_free.text.page import GAP, Column, Grid, Line, Page, Style, Words
from tensorflow_free.text.phrases import counted, cut

MOST_BYTES: Final = 1024 * 1024
"""Bytes of Markdown that GitHub takes as the summary of a step. Source: GitHub's docs, "Workflow commands"."""

NOTE_BYTES: Final = 400
"""Bytes that are kept for saying what there is no room for."""

LONGEST: Final = 2000
"""Characters of a line or of a table's cell."""

MOST_UNFOLDED: Final = 20
"""Rows of a table without headings that are lines, and not folded."""

BOLD: Final[frozenset[Style]] = frozenset({"title", "bad", "well"})
"""Styles in bold; the words say what the others say."""


@dataclass(frozen=True, slots=True)
class Section:
    """What is told of one thing.

    Attributes:
        title: what it is.
        page: all that is told of it.
        verdict: what came of it, in a sentence; None where the page says it.
    """

    title: str
    page: Page
    verdict: Line | None = None


def markdown_of(sections: Iterable[Section | str], most: int = MOST_BYTES) -> str:
    """The sections, one below another, in so many bytes of UTF-8 at most: what there is no room for is counted.

    Sentences come before tables there, and what stands first before what stands last. A text is Markdown already.
    """
    blocks = [block for section in sections for block in _blocks_of(section)]
    room, drawn = most - NOTE_BYTES, [""] * len(blocks)
    for at in sorted(range(len(blocks)), key=lambda at: blocks[at].is_table):
        drawn[at] = _fitted(blocks[at], room)
        room -= len(drawn[at].encode())
    lacking = [block for block, text in zip(blocks, drawn, strict=True) if not text]
    if lacking:
        drawn.append(f"There is no room here for {_what(lacking)} more.\n\n")
    return "".join(drawn)


def _what(blocks: Sequence[_Block]) -> str:
    counts = {"table": sum(one.is_table for one in blocks), "paragraph": sum(not one.is_table for one in blocks)}
    return " and ".join(counted(count, noun) for noun, count in counts.items() if count)


# blocks


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows that may be cut off, between what begins and ends them."""

    rows: Sequence[str]
    joint: str = "\n"
    head: str = ""
    tail: str = ""
    noun: str = "line"

    @property
    def is_table(self) -> bool:
        return bool(self.head)


def _fitted(block: _Block, room: int) -> str:
    """The block with as many rows as there is room for, and how many more there are; empty where not one fits."""
    room -= len(f"{block.head}{block.tail}".encode()) + NOTE_BYTES // 4
    kept = 0
    for row in block.rows:
        room -= len(f"{row}{block.joint}".encode())
        if room < 0:
            break
        kept += 1
    if not kept:
        return ""
    left = len(block.rows) - kept
    more = f"\n\nand {counted(left, f'more {block.noun}')}, for which there is no room here" if left else ""
    return f"{block.head}{block.joint.join(block.rows[:kept])}{more}{block.tail}\n\n"


def _blocks_of(section: Section | str) -> Iterator[_Block]:
    if isinstance(section, str):
        yield _Block([section.strip("\n")])
        return
    yield _Block([f"### {inline(cut(section.title, LONGEST))}"])
    if section.verdict is not None:
        yield _Block([_line(section.verdict)])
    lines: list[Line] = []
    for one in chain.from_iterable(map(_unfolded, section.page)):
        if isinstance(one, Line) and str(one) and not _is_command(one):
            lines.append(one)
            continue
        yield from _paragraph(lines)
        lines = []
        if isinstance(one, Grid):
            yield from _table(one)
        elif _is_command(one):
            yield _Block([_fenced(one.pieces[0].text)])
    yield from _paragraph(lines)


def _unfolded(one: Line | Grid) -> Iterator[Line | Grid]:
    """A grid without headings as the lines that it is, while it is short."""
    if isinstance(one, Line) or one.has_headings or len(one.columns[0].cells) > MOST_UNFOLDED:
        yield one
        return
    for at, cells in enumerate(zip(*(column.cells for column in one.columns), strict=True)):
        yield Line(tuple(piece for cell in cells for piece in (cell, GAP)))
        yield from one.below[at] if one.below else ()


def _paragraph(lines: Sequence[Line]) -> Iterator[_Block]:
    if lines:
        yield _Block([_line(one) for one in lines], "\\\n")


def _is_command(one: Line) -> bool:
    """Whether it is a line that is to be copied."""
    return one.is_whole and len(one.pieces) == 1 and one.pieces[0].style == "name"


def _fenced(command: str) -> str:
    marks = _longer_than_any("`", command, 3)
    return f"{marks}sh\n{command}\n{marks}"


def _line(one: Line) -> str:
    """A line of a paragraph; an indent is shown by spaces that Markdown keeps."""
    told = one.pieces
    if all(piece.style in BOLD for piece in told if piece.text.strip()):
        told = (Words("".join(piece.text for piece in told).strip(), "title"),)
    text = "".join(_styled(piece) for piece in told).strip()
    return f"{'&emsp;' * ((one.indent + 1) // 2)}{_begun(text)}"


def _styled(words: Words, *, in_table: bool = False) -> str:
    """Words as their style has them; spaces at their ends stay outside of the marks."""
    text = cut(words.text.strip(), LONGEST)
    if not text:
        return " " if words.text else ""
    if words.style == "name":
        shown = code(text, in_table=in_table)
    else:
        mark = "**" if words.style in BOLD else ""
        shown = f"{mark}{inline(text, in_table=in_table)}{mark}"
    return f"{' ' * words.text.startswith(' ')}{shown}{' ' * words.text.endswith(' ')}"


# tables


def _table(grid: Grid) -> Iterator[_Block]:
    columns = [column for column in grid.columns if any(cell.text.strip() for cell in column.cells)]
    if not columns:
        return
    headings = [inline(column.heading.text, in_table=True) if grid.has_headings else "" for column in columns]
    rows = list(zip(*(_cells(column) for column in columns), strict=True))
    told = [_row([*cells[:-1], cells[-1] + _below(grid, at)]) for at, cells in enumerate(rows)]
    summary = f"<details>\n<summary>{escape(counted(len(rows), grid.noun))}</summary>\n\n"
    head = f"{summary}{_row(headings)}\n{_row([_ALIGNED.get(column.align, '---') for column in columns])}\n"
    yield _Block(told, head=head, tail="\n\n</details>", noun=grid.noun)


_ALIGNED: Final = {"right": "---:"}


def _cells(column: Column) -> list[str]:
    return [_styled(cell, in_table=True).strip() for cell in column.cells]


def _below(grid: Grid, at: int) -> str:
    lines = grid.below[at] if grid.below else ()
    pieces = (replace(one.pieces[0], text=str(one).strip()) for one in lines if one.pieces)
    return "".join(f"<br>{_styled(one, in_table=True)}" for one in pieces)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# text

_MARKS: Final = re.compile(r"[\\`*<>\[\]{}|~&$!^#]|(?<![^\W_])_|_(?![^\W_])")
"""What may begin or end something in the midst of a line."""

_BEGINNING: Final = re.compile(r"[-+=/:]|\d+(?=[.)])")
"""What may be something at the beginning of a line: an item, an underlining, a command of GitLab's."""

_LINKED: Final = re.compile(
    r"[@#!~&%$^]\w"  # people, issues, requests, labels, snippets, milestones
    r"|\w@\w|:/|\bwww\.|:\w[\w+-]*:"  # addresses, and pictures by their names
    r"|\bGH-\d|\b(?=\d*[a-f])[0-9a-f]{7,40}\b",  # issues of GitHub's, and commits
    re.IGNORECASE,
)
"""What a forge makes a link or a picture of, behind Markdown's back: in code alone it lets text be."""


def inline(text: str, *, in_table: bool = False) -> str:
    """A text in a line, nothing of which is a mark; words of which a site would make a link stand as code."""
    return " ".join(
        code(word, in_table=in_table) if _LINKED.search(word) else _MARKS.sub(r"\\\g<0>", word)
        for word in text.split(" ")
    )


def code(text: str, *, in_table: bool = False) -> str:
    """A text as code; it holds one character at least that is no space."""
    marks = _longer_than_any("`", text, 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    # in a table a bar ends a cell even in code
    shown = text.replace("|", "\\|") if in_table else text
    return f"{marks}{pad}{shown}{pad}{marks}"


def _begun(text: str) -> str:
    """A line that begins with nothing but itself."""
    found = _BEGINNING.match(text)
    if found is None:
        return text
    at = found.end() if found[0][0].isdigit() else 0
    return f"{text[:at]}\\{text[at:]}"


def _longer_than_any(mark: str, text: str, least: int) -> str:
    """A run of marks that is longer than any in the text."""
    runs = [len(run) for run in re.findall(f"{re.escape(mark)}+", text)]
    return mark * max(least, 1 + max(runs, default=0))
