"""`recipe show`: stored results; without torch, but for what it alone reads. Imports late."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from tensorflow_free.codec.stored_numbers import NotPlainError
from tensorflow_free.commands.drawn_chain import chain_at
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides
from tensorflow_free.commands.run_screen import show, show_page
from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import is_there
from tensorflow_free.judging.reading import read_comparison
from tensorflow_free.judging.verdicts import COMPARISON
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.report.comparison_report import summary_of
from tensorflow_free.report.stored_report import stored_page
from tensorflow_free.result.stored_run import stored_run
from tensorflow_free.text.page import Page, line


def show_results(options: Namespace, flags: Flags) -> int:
    """Show the results in folders of runs: the exit code."""
    if not options.words:
        raise wrong("command line", "no folder is named; give a run's folder")
    if options.graph:
        return _show_graphs(options.words, flags)
    code = ExitCode.OK
    several = len(options.words) > 1
    for position, folder in enumerate(options.words):
        try:
            # of several, each is named by its folder
            show_run = _read(folder, str(Path(folder, "result.json")) if several else None, flags)
            if several and position and not (flags.json or flags.quiet):
                put([line()])
            show_run()
            if not (flags.json or flags.quiet):
                put(_blame_in(Path(folder)))
        except StorageError as error:
            complain(str(error))
            code = ExitCode.WRONG
    return code


def _show_graphs(words: Sequence[str], flags: Flags) -> int:
    """Show the chain of each run, or recipe that need not run, as a graph: the exit code."""
    code = ExitCode.OK
    paths, overrides = paths_and_overrides(words)
    for position, path in enumerate(paths):
        try:
            chain = chain_at(Path(path), overrides)
        except StorageError as error:
            complain(str(error))
            code = ExitCode.WRONG
            continue
        if flags.json:
            put_json(laid_out(chain.graph).to_plain())
        else:
            put([*([line()] if position else []), *chain.page])
    return code


def _read(folder: str, file: str | None, flags: Flags) -> Callable[[], None]:
    """Read a run's folder: what shows it.

    Raises:
        StorageError: it cannot be read.
    """
    if not flags.json:
        with suppress(NotPlainError), stored_run(folder) as run:
            return partial(show_page, run, list(stored_page(run, file)), flags)
    from tensorflow_free.result.reading import read_result

    return partial(show, read_result(folder), file, flags)


def _blame_in(folder: Path) -> Page:
    """Which steps of a sweep's cell are to blame, where its folder tells; of a folder of another run nothing."""
    if not is_there(folder / COMPARISON):
        return []
    comparison = read_comparison(folder)
    return [] if comparison.blame is None else [line(), *summary_of(comparison)]
