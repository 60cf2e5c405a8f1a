"""The pages of the documentation that come with the package, and their sections, by the anchors that the site has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from tensorflow_free.files.shipped import shipped

_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_FENCE: Final = re.compile(r"\s*(```+|~~~+)")


@dataclass(frozen=True, slots=True)
class DocSection:
    """A page of the documentation, or a section of one.

    Attributes:
        page: the page's name: `judging`.
        title: the heading, as it is written.
        anchor: the section's anchor; empty of a whole page.
        own: its Markdown up to its first section.
        text: its Markdown, that of its sections included.
        parts: the names of the sections right below it.
    """

    page: str
    title: str
    anchor: str
    own: str
    text: str
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What names it: `judging`, or `judging#the-rule`."""
        return f"{self.page}#{self.anchor}" if self.anchor else self.page


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it, and as the site has it, too."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


@cache
def page_names() -> tuple[str, ...]:
    """The names of all pages, in alphabetical order; one of a folder below has its name, too: `how-to/backend`."""
    folder = shipped("docs")
    return tuple(sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.md")))


@cache
def page_sections(name: str) -> tuple[DocSection, ...]:
    """A page, and behind it all its sections in order; the page has a name of `page_names`."""
    return sections_of(name, (shipped("docs") / f"{name}.md").read_text(encoding="utf-8"))


def doc_sections() -> list[DocSection]:
    """All pages and all their sections."""
    return [section for name in page_names() for section in page_sections(name)]


def section_named(name: str) -> DocSection | None:
    """What is called so, such as `judging#the-rule`; None where nothing is."""
    page, _, anchor = name.partition("#")
    if page not in page_names():
        return None
    return next((one for one in page_sections(page) if one.anchor == anchor), None)


def sections_of(name: str, text: str) -> tuple[DocSection, ...]:
    """A page, and behind it all its sections in order, from its Markdown; headings in blocks of code are none."""
    lines = text.split("\n")
    heads = list(_headings(lines))
    if not heads or heads[0][1] > 1:
        heads = [(0, 1, name), *heads]
    return tuple(_section(name, lines, heads, at) for at in range(len(heads)))


def _headings(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The line, level and text of each heading."""
    fence = ""
    for number, text in enumerate(lines):
        if found := _FENCE.match(text):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        elif not fence and (head := _HEADING.fullmatch(text)):
            yield number, len(head[1]), head[2]


def _section(page: str, lines: Sequence[str], heads: Sequence[tuple[int, int, str]], at: int) -> DocSection:
    start, level, title = heads[at]
    following = heads[at + 1 :]
    # the page itself goes to its end, whatever the levels of what follows
    last = next((number for number, other, _ in following if at and other <= level), len(lines))
    inside = [head for head in following if head[0] < last]
    first = inside[0][0] if inside else last
    parts = (
        f"{page}#{anchor_of(heading)}"
        for position, (_, below, heading) in enumerate(inside)
        if all(below <= other for _, other, _ in inside[:position])
    )
    own, text = ("\n".join(lines[start:end]).rstrip() for end in (first, last))
    return DocSection(page, title, anchor_of(title) if at else "", own, text, tuple(parts))
