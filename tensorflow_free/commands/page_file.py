"""`--page FILE`: the page that a command writes besides what it prints."""

from __future__ import annotations

from pathlib import Path

from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import put
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.text.page import line


def put_page(page: HtmlPage, to: str, flags: Flags) -> None:
    """Write a page, and tell where it is.

    Raises:
        StorageError: it cannot be written.
    """
    write_page(page, Path(to))
    if not (flags.json or flags.quiet):
        put([line(to, "aside", is_whole=True)])
