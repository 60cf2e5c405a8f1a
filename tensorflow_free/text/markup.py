"""Pages drawn as HTML, for notebooks: paragraphs and tables, escaped, without scripts, on any background."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from tensorflow_free.text.characters import printable
from tensorflow_free.text.drawing import aligned
from tensorflow_free.text.page import Column, Grid, Line, Page, Style, Words

FRAME: Final = "tensorflow-free"
"""The class of what is around a page; the styles reach nothing outside it."""

_HUES: Final[dict[Style, str]] = {
    "good": "#1f9d4d",
    "well": "#1f9d4d",
    "bad": "#e03b2f",
    "notice": "#c27c00",
    "name": "#1f80c5",
    "alarm": "#e03b2f",
}
"""Mixed with the colour that text has there, so that they are dark on a light background, and light on a dark one."""

_BOLD: Final[tuple[Style, ...]] = ("title", "well", "bad")

_RULES: Final = {
    "": "overflow-x:auto",
    "p": "margin:.5em 0;white-space:pre-wrap",
    "table": "border-collapse:collapse;table-layout:auto;margin:.5em 0;font-family:monospace;font-size:inherit",
    "th, td": "padding:.1em .7em .1em 0;text-align:left;vertical-align:top;white-space:pre;background:none;border:0",
    "thead th": "border-bottom:1px solid currentColor",
    "tbody th": "font-weight:normal",
    ".right": "text-align:right",
    "img": "max-width:100%;height:auto",
    "summary": "cursor:pointer",
    ".aside": "opacity:.75",
    ", ".join(f".{style}" for style in _BOLD): "font-weight:bold",
    **{f".{style}": f"color:{hue};color:color-mix(in srgb, {hue} 65%, currentColor)" for style, hue in _HUES.items()},
}

STYLES_OF_FRAME: Final = "\n".join(
    f"{', '.join(f'.{FRAME} {one}'.rstrip() for one in found.split(', '))} {{{rule}}}" for found, rule in _RULES.items()
)
"""The styles, as text; where they are taken away, as on GitHub, tables and paragraphs are left."""


def framed(*parts: str) -> str:
    """Parts of HTML in one frame, with its styles."""
    return f'<div class="{FRAME}">\n<style>\n{STYLES_OF_FRAME}\n</style>\n{"".join(parts)}</div>'


def folded(summary: str, inner: str) -> str:
    """HTML that is shown when its summary, a text, is clicked."""
    return f"<details>\n<summary>{_escaped(summary)}</summary>\n{inner}</details>\n"


def picture(svg: str, told: str) -> str:
    """An SVG drawing as a picture of its own, whose styles reach nothing around it; `told` is what it is of."""
    data = b64encode(svg.encode()).decode("ascii")
    return f'<img alt="{_escaped(printable(told))}" src="data:image/svg+xml;base64,{data}">\n'


def markup_of(page: Page) -> str:
    """A page as HTML: lines that stand together are a paragraph, a grid is a table; all text is escaped."""
    return "".join(_parts(page))


def _parts(page: Page) -> Iterator[str]:
    together: list[Line] = []
    for one in page:
        if isinstance(one, Line) and str(one):
            together.append(one)
            continue
        yield from _paragraph(together)
        together.clear()
        if isinstance(one, Grid) and one:
            yield _table(one)
    yield from _paragraph(together)


def _paragraph(lines: Sequence[Line]) -> Iterator[str]:
    if lines:
        yield f"<p>{'<br>'.join(map(_line, lines))}</p>\n"


def _line(one: Line) -> str:
    return " " * one.indent + "".join(map(_words, one.pieces))


def _words(words: Words) -> str:
    text = _escaped(words.text)
    return f'<span class="{words.style}">{text}</span>' if words.style else text


def _escaped(text: str) -> str:
    return escape(text, quote=True)


def _table(table: Grid) -> str:
    columns = [aligned(column) for column in table.columns if any(cell.text for cell in column.cells)]
    rows = [_row(cells, columns, table) for cells in zip(*(column.cells for column in columns), strict=True)]
    head = (
        f"<thead>{_row([column.heading for column in columns], columns, None)}</thead>\n" if table.has_headings else ""
    )
    below = [_below(lines, len(columns)) for lines in table.below] or [""] * len(rows)
    body = "".join(row + more for row, more in zip(rows, below, strict=True))
    return f"<table>\n{head}<tbody>\n{body}</tbody>\n</table>\n"


def _row(cells: Sequence[Words], columns: Sequence[Column], table: Grid | None) -> str:
    """A row of a table, or where that is None its heading; a row is called by its first cell."""
    made = []
    for position, (cell, column) in enumerate(zip(cells, columns, strict=True)):
        names = " ".join(filter(None, (cell.style, "right" if column.align == "right" else "")))
        scope = "col" if table is None else "row" if position == 0 and table.has_headings else ""
        tag = "th" if scope else "td"
        told = (f' scope="{scope}"' if scope else "") + (f' class="{names}"' if names else "")
        made.append(f"<{tag}{told}>{_escaped(cell.text)}</{tag}>")
    return f"<tr>{''.join(made)}</tr>\n"


def _below(lines: Sequence[Line], columns: int) -> str:
    """What stands below a row."""
    return f'<tr><td colspan="{columns}">{"<br>".join(map(_line, lines))}</td></tr>\n' if lines else ""
