"""`recipe page`: what a run, a sweep, a comparison or a golden says, as one HTML file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import put, put_json
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.page_of_paths import PageOptions, page_of
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import line

DEFAULT: Final = "page.html"
"""The file that is written where none is named."""


def page_command(options: Namespace, flags: Flags) -> int:
    """Write a page: the exit code."""
    if not options.words:
        raise wrong("command line", "nothing is named; give the folder of a run or of a sweep, or a .golden.json file")
    flags.load_ops()
    command = command_of(["recipe", "page", *options.words])
    page = page_of(list(map(Path, options.words)), PageOptions(teaching=options.teach, command=command))
    to = Path(options.output or DEFAULT)
    write_page(page, to)
    if flags.json:
        put_json({"page": str(to)})
    elif not flags.quiet:
        put([line(str(to), "aside", is_whole=True)])
    return ExitCode.OK
