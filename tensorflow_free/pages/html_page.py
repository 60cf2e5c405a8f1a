"""What a page shows, as data: what its first look needs, and parts that it reads as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

PageKind = Literal["run", "sweep", "pair", "cases"]
"""What a page is of: a run; a sweep's cells; a run beside what it is held against; many of these, or recorded cases."""


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page, as data.

    Attributes:
        kind: what it is of, which says what draws it: `assets/main.js` has the table.
        title: its heading, and that of the browser's window.
        head: what the first look needs, as plain data: strict JSON, so NaN and infinities are words.
        parts: the name and the plain data of each part, made when it is written, so that no two are in memory at once.
        command: what a person types to see the same in a terminal; empty for none.
    """

    kind: PageKind
    title: str
    head: Mapping[str, Any]
    parts: Iterable[tuple[str, Any]] = ()
    command: str = ""
