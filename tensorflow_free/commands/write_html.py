"""`recipe page`: what a run, a sweep, a comparison or a golden says, as one HTML file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.commands.drawn_chain import write_svg
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides
from tensorflow_free.errors import StorageError
from tensorflow_free.ops.ops_files import ops_words
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
    try:
        return _written(options, flags)
    except StorageError as error:
        complain(str(error))
        return ExitCode.WRONG


def _written(options: Namespace, flags: Flags) -> int:
    """Write what is asked for: the exit code.

    Raises:
        StorageError: what is named cannot be read, or the file cannot be written.
    """
    if options.svg:
        _check_alone(options)
        return _write_svg(options.words, Path(options.svg), flags)
    flags.load_ops()
    switches = ["--teach"] if options.teach else []
    command = command_of(["recipe", "page", *options.words, *switches, *ops_words()])
    page = page_of(list(map(Path, options.words)), PageOptions(teaching=options.teach, command=command))
    to = Path(options.output or DEFAULT)
    write_page(page, to)
    if flags.json:
        put_json({"page": str(to)})
    elif not flags.quiet:
        put([line(str(to), "aside", is_whole=True)])
    return ExitCode.OK


def _check_alone(options: Namespace) -> None:
    """That nothing is asked for besides a picture which is of a page.

    Raises:
        RecipeError: it is.
    """
    of_pages = [flag for flag, given in (("--output", options.output), ("--teach", options.teach)) if given]
    if of_pages:
        raise wrong(f"flag '{of_pages[0]}'", "it is of a page, and --svg writes a picture instead; give one of the two")


def _write_svg(words: Sequence[str], to: Path, flags: Flags) -> int:
    """Write the graph of a recipe, or of a run, as a picture: the exit code."""
    paths, overrides = paths_and_overrides(words)
    if len(paths) > 1:
        raise wrong("command line", f"--svg draws one graph, and {len(paths)} paths are named; name one")
    write_svg(Path(paths[0]), overrides, to)
    if flags.json:
        put_json({"svg": str(to)})
    elif not flags.quiet:
        put([line(str(to), "aside", is_whole=True)])
    return ExitCode.OK
