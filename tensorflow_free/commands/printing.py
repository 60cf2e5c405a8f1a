"""Everything that the commands print: pages and JSON on standard output, complaints on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tensorflow_free.text.characters import printable_json
from tensorflow_free.text.drawing import draw, laid_out, text_of
from tensorflow_free.text.page import GAP, Line, Page, Words, line

Word = TypeVar("Word", bound=str)


def open_streams() -> None:
    """Streams that take what we print: in any encoding, and also where there are none."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


@contextmanager
def while_read() -> Iterator[None]:
    """Print no more once whoever reads our output has enough of it."""
    try:
        yield
    except BrokenPipeError:
        # Python would write the rest again on its way out, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def flushed(code: int) -> int:
    """The exit code, when all that was printed is out."""
    with while_read():
        sys.stdout.flush()
    return code


def put(page: Page) -> None:
    """Print a page: with colour and made to fit on a terminal, plain and as wide as it is elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - a pipe needs no rich

        draw(page, Console())
        return
    for one in laid_out(page):
        sys.stdout.write(f"{one}\n")
    sys.stdout.flush()


def complain(page: Page | str) -> None:
    """Print what is wrong on standard error; a text is one line."""
    sys.stderr.write(f"{text_of([line(page)] if isinstance(page, str) else page)}\n")


def put_json(content: Any) -> None:
    """Print JSON that reads back right in any encoding of the output."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(content, indent=1, ensure_ascii=not unicode, allow_nan=False)
    sys.stdout.write(f"{printable_json(text)}\n")


class Rows:
    """Rows that are printed before the next is known.

    A column is as wide as its widest cell so far, and not there while that is empty.
    """

    def __init__(self, *least: int) -> None:
        self._widths = dict(enumerate(least))

    def row(self, cells: Iterable[Words]) -> Line:
        """The next row."""
        pieces: list[Words] = []
        for at, cell in enumerate(cells):
            width = self._widths[at] = max(self._widths.get(at, 0), len(cell.text))
            if width:
                pieces += [Words(cell.text.ljust(width), cell.style), GAP]
        return Line(tuple(pieces[:-1]), is_whole=True)


def counts_of(counts: Mapping[Word, int], order: Sequence[Word]) -> str:
    """How many of each there are, in words."""
    return ", ".join(f"{counts[name]:,} {name}" for name in order if counts.get(name)) or "none"
