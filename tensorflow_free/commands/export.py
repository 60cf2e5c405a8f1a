"""`recipe export`: the folders of a sweep's cells, which lie in archives."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.errors import Place, Problem, StorageError, refuse_any
from tensorflow_free.files.new_folders import filled
from tensorflow_free.files.whole_files import sweep_up
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.sweep.exported_cells import ExportedCell, exported_cells, hidden_cells
from tensorflow_free.sweep.folder import SWEEP
from tensorflow_free.text.page import line
from tensorflow_free.text.phrases import counted

MOST_NAMED = 12
"""Folders that are listed."""


def export_command(options: Namespace, flags: Flags) -> int:
    """Write the folders of cells, each whole or not at all: the exit code.

    Raises:
        RecipeError: no cell is named, one is not there, or a folder is there already.
    """
    if not options.words:
        raise wrong("command line", "no cell is named; give a cell's folder, such as multirun/…/3, or that of a sweep")
    into = None if options.output is None else Path(options.output)
    problems: list[Problem] = []
    cells = list(_found(options.words, into, problems))
    refuse_any([*problems, *_taken(cells)])
    told = [text for word in options.words if (Path(word) / SWEEP).is_file() for text in hidden_cells(Path(word))]
    written: list[str] = []
    for home in {one.to.parent for one in cells}:
        sweep_up(home)
    for one in cells:
        try:
            one.write()
            written.append(str(one.to))
        except StorageError as error:
            told.append(str(error))
    code = ExitCode.WRONG if told else ExitCode.OK
    for text in told:
        complain(text)
    if flags.json:
        put_json({"well": not told, "exported": written})
    elif told or not flags.quiet:
        put(line(one, is_whole=True) for one in written[:MOST_NAMED])
        put([line(f"{counted(len(written), 'cell')} exported", "bad" if told else "title")])
    return code


def _found(words: Sequence[str], into: Path | None, problems: list[Problem]) -> Iterator[ExportedCell]:
    """The cells that words name; what cannot be found is among the problems."""
    for path in map(Path, words):
        try:
            yield from exported_cells(path, into)
        except StorageError as error:
            problems.append(Problem(Place(), str(error)))


def _taken(cells: Sequence[ExportedCell]) -> Iterator[Problem]:
    """What stands where a folder is to be written."""
    for folder, count in Counter(one.to for one in cells).items():
        if count > 1:
            yield Problem(Place(file=str(folder)), f"{count} cells would be written there; export them one by one")
        elif (problem := filled(folder)) is not None:
            yield Problem(Place(file=str(folder)), problem)
