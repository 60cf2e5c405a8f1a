"""A page of many cases: a row for each, and the values of each side by side. Of very many, those in full come first."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tensorflow_free.codec.values import plain
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.side_by_side import SideBySide, plain_cell, told_lines
from tensorflow_free.text.page import Page, Words
from tensorflow_free.text.phrases import counted

MOST_IN_FULL: Final = 200
"""Cases that fail whose values are in a page, and as many of those that do not."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in a row.

    Attributes:
        cells: what its row says, in the order of the columns.
        is_bad: whether it fails something.
        used: the share of what is allowed that its worst value used; None where nothing was compared.
        command: what shows it alone; empty where nothing does.
    """

    cells: tuple[str | Words, ...]
    is_bad: bool = False
    used: float | None = None
    command: str = ""


class CaseList:
    """Cases, taken in one after another; of their values only what the page has is kept."""

    def __init__(self, columns: Sequence[str]) -> None:
        """With the headings of the cells of its rows."""
        self._columns = list(columns)
        self._rows: list[dict[str, Any]] = []
        self._parts: list[tuple[str, bytes]] = []
        self._in_full = {True: 0, False: 0}

    @property
    def bad(self) -> int:
        """How many of the cases fail."""
        return sum("tone" in row for row in self._rows)

    def wants(self, *, is_bad: bool) -> bool:
        """Whether the values of one more case would be in the page."""
        return self._in_full[is_bad] < MOST_IN_FULL

    def add(self, row: CaseRow, section: SideBySide | None = None) -> None:
        """Take a case in, with its values where they are to be shown."""
        number = str(len(self._rows))
        told: dict[str, Any] = {"cells": [plain_cell(cell) for cell in row.cells]}
        if row.is_bad:
            told["tone"] = "bad"
        if row.used is not None:
            told["used"] = plain(row.used)
        if row.command:
            told["command"] = row.command
        if section is not None and self.wants(is_bad=row.is_bad):
            self._in_full[row.is_bad] += 1
            told["part"] = True
            section = replace(section, has_numbers=False)
            self._keep(f"case-{number}/section", section.head())
            for name, content in section.parts(f"case-{number}/"):
                self._keep(name, content)
        self._rows.append(told)

    def _keep(self, name: str, content: Any) -> None:
        self._parts.append((name, zlib.compress(json.dumps(content, allow_nan=False).encode())))

    def page(self, title: str, lines: Page, command: str = "") -> HtmlPage:
        """The page of all of them.

        Args:
            title: its heading.
            lines: what came of them in all.
            command: what a person types to see the same in a terminal.
        """
        caption = counted(len(self._rows), "case")
        head = {"lines": told_lines(lines), "caption": caption, "columns": self._columns, "rows": self._rows}
        return HtmlPage("cases", title, head, self._unpacked(), command)

    def _unpacked(self) -> Iterator[tuple[str, Any]]:
        for name, packed in self._parts:
            yield name, json.loads(zlib.decompress(packed))
