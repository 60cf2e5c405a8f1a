"""A page as one HTML file: markup, style, script and data in one, and nothing that it would fetch.

What files say (names, values, messages) stands in the data alone, and the script shows it as text. The content security
policy lets this script and this style act and nothing else: https://www.w3.org/TR/CSP3/.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Final

from tensorflow_free.errors import StorageError
from tensorflow_free.files.whole_files import replacing
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.text.characters import printable, printable_lines
from tensorflow_free.version import VERSION

ASSETS: Final = Path(__file__).parent / "assets"
"""The folder of the style and of the parts of the script."""

FIRST, LAST = "core.js", "main.js"
"""The parts of the script that stand before and behind all others."""

_ESCAPES: Final = re.compile(r"(?:\\u[0-9a-f]{4})+|\\.|\x7f")
"""What JSON in ASCII escapes, and the one control that it does not."""


def write_page(page: HtmlPage, path: Path) -> None:
    """Write a page, which takes the place of what was there, and its folder where there is none.

    Raises:
        StorageError: it cannot be written; what was there stays.
    """
    write_pieces(document_of(page), path)


def write_pieces(pieces: Iterable[str], path: Path) -> None:
    """Write a file to look at, piece by piece, as `write_page` does.

    Raises:
        StorageError: it cannot be written; what was there stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as written, written.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
    except OSError as error:
        raise StorageError(f"'{path}' cannot be written: {error.strerror or error}") from error


def document_of(page: HtmlPage) -> Iterator[str]:
    """The text of the file, piece by piece."""
    style, script = _style(), _script()
    policy = f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:"
    yield "<!DOCTYPE html>\n"
    yield '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n'
    yield f"<title>{escape(printable(page.title))}</title>\n"
    yield f"<style>{style}</style>\n</head>\n<body>\n"
    yield "<noscript>This page is drawn by its own script; it fetches nothing. Allow it to run.</noscript>\n"
    yield f'<script type="application/json" id="head">{_json(_head(page))}</script>\n'
    for name, content in page.parts:
        yield f'<script type="text/plain" data-part="{escape(printable(name))}">{_packed(content)}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _head(page: HtmlPage) -> dict[str, Any]:
    made_by = f"tensorflow_free {VERSION}"
    return {"kind": page.kind, "title": page.title, "command": page.command, "made_by": made_by, **page.head}


def _json(content: Any) -> str:
    """Strict JSON in which nothing ends the element that it stands in, and all that cannot be seen is written out."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return _ESCAPES.sub(_seen, text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _seen(found: re.Match[str]) -> str:
    """Escapes of JSON, of which a reader would see each character."""
    text = json.loads(f'"{found[0]}"')
    return json.dumps(printable_lines(text))[1:-1]


def _packed(content: Any) -> str:
    """A part: JSON, deflated (RFC 1950), in base64."""
    return b64encode(zlib.compress(_json(content).encode(), 6)).decode()


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _style() -> str:
    return "\n" + "\n".join(one.read_text(encoding="utf-8") for one in sorted(ASSETS.glob("*.css")))


@cache
def _script() -> str:
    """The parts of the script, one behind the other, as one function that leaves no name behind."""
    others = sorted(one.name for one in ASSETS.glob("*.js") if one.name not in (FIRST, LAST))
    texts = [(ASSETS / name).read_text(encoding="utf-8") for name in (FIRST, *others, LAST)]
    return "\n(() => {\n" + "\n".join(texts) + "\n})();\n"
