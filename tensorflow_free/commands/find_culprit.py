"""`recipe blame`: the step that is wrong for its own inputs, of a recipe, a saved run, or a cell of a saved sweep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.cell.blamed_runs import BlamedRun, blame_recipe, blame_run
from tensorflow_free.codec.documents import read_document
from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, with_forward, wrong
from tensorflow_free.commands.page_file import put_page
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.files.archived_cells import cells_in
from tensorflow_free.files.opening import is_folder, is_there
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.exit_codes import ExitCode, after_signal
from tensorflow_free.outcome.sentences import words
from tensorflow_free.pages.page_of_blame import blame_page
from tensorflow_free.recipe.names import RECIPE_SUFFIXES, did_you_mean
from tensorflow_free.report.culprit_report import page_of
from tensorflow_free.result.model import RESULT, SCHEMA_VERSION, RunFile
from tensorflow_free.sweep.capabilities import CAPABILITY_VARIABLE, LEVELS, missing_capability
from tensorflow_free.sweep.folder import SWEEP, SweepFolder
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import line, text_lines
from tensorflow_free.text.phrases import counted, some


def blame_command(options: Namespace, flags: Flags) -> int:
    """Find what is to blame, and tell it: the exit code.

    Raises:
        RecipeError: the path names nothing that can be blamed, or its recipe is wrong.
    """
    report = CiReport("recipe blame", options.markdown)
    return report.around(lambda: _blamed(options, flags, report))


def _blamed(options: Namespace, flags: Flags, report: CiReport) -> int:
    paths, overrides = paths_and_overrides(with_forward(options.words, forward=options.forward))
    if len(paths) != 1:
        raise wrong("command line", f"{counted(len(paths), 'path')} named; give one: a recipe, or the folder of a run")
    path = Path(paths[0])
    try:
        is_run = is_folder(path) or path.name == RESULT
        refuse_unknown(path)
        if is_run and (code := _with_its_kernels(path, _words_again(options), flags, report)) is not None:
            return code
        flags.load_ops()
        found = blame_run(path, overrides) if is_run else blame_recipe(path, overrides)
    except StorageError as error:
        complain(str(error))
        report.tell(str(path), text_lines(str(error)), "It cannot be read.", is_bad=True)
        return ExitCode.WRONG
    code = _code_of(found)
    places = {name: str(one) for name, one in found.places().items()}
    page = [
        *page_of(found.result, found.comparison, places),
        *(line(text, "bad") for text in _beside(found)),
    ]
    if flags.json:
        put_json(_plain(found, code))
    elif code != ExitCode.OK or not flags.quiet:
        put(page)
    again = command_of(["recipe", "blame", *options.words, *ops_words()])
    report.tell_page([*page, line(), line(again, "name", is_whole=True)])
    if options.page is not None:
        put_page(blame_page(found, [line(text, "bad") for text in _beside(found)], again), options.page, flags)
    return code


def _code_of(found: BlamedRun) -> ExitCode:
    """What is wrong counts before a step that failed after it."""
    if found.is_wrong or found.missing is not None:
        return ExitCode.UNMET
    if found.result.has_failed:
        return ExitCode.STEP_FAILED
    return ExitCode.UNMET if found.result.unmet else ExitCode.OK


def _beside(found: BlamedRun) -> Iterator[str]:
    """Why there is nothing to compare with, and what the recipe expects and does not hold."""
    if found.missing is not None:
        yield words(found.missing)
    for one in found.result.unmet:
        yield f"{one.path}: {one.asks}: {one.message}"


def _plain(found: BlamedRun, code: ExitCode) -> dict[str, Any]:
    recipe = found.result.recipe
    return {
        "well": code == ExitCode.OK,
        "exit_code": code,
        "recipe": str(found.source),
        "overrides": [one.text for one in found.overrides],
        "cell": {"case": recipe.case, "device": recipe.device, "dtype": recipe.dtype, "backend": recipe.backend.name},
        "places": {name: str(place) for name, place in found.places().items()},
        "comparison": None if found.comparison is None else found.comparison.to_plain(),
        "missing": None if found.missing is None else found.missing.model_dump(mode="json"),
        "error": None if found.result.error is None else found.result.error.model_dump(mode="json"),
        "unmet": [one.model_dump(mode="json") for one in found.result.unmet],
    }


# the process

_AGAIN: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from tensorflow_free.entry import recipe; recipe()"
)


def _words_again(options: Namespace) -> list[str]:
    """The words of the command line, with the command's own flags."""
    page = [] if options.page is None else ["--page", options.page]
    return [*options.words, *(["--forward"] if options.forward else []), *page]


def _with_its_kernels(path: Path, words: Sequence[str], flags: Flags, report: CiReport) -> int | None:
    """The exit code of this command in a process with the CPU's kernels that a run had; None where these are they.

    Raises:
        StorageError: the run cannot be read.
    """
    folder = path.parent if path.name == RESULT else path
    kept = read_document(folder / RESULT, RunFile, SCHEMA_VERSION, "run")
    had = kept.environment.cpu_capability.lower()
    is_here = had in (torch.backends.cpu.get_cpu_capability().lower(), os.environ.get(CAPABILITY_VARIABLE))
    known = any(had in levels for levels in LEVELS)
    if is_here or not known or not kept.device.startswith("cpu") or missing_capability(had):
        return None
    with report.drawn_elsewhere() as (drawing, environment):
        command = [sys.executable, "-P", "-c", _AGAIN, json.dumps(sys.path), "blame", *words, *flags.words(), *drawing]
        done = subprocess.run(command, env={**environment, CAPABILITY_VARIABLE: had}, check=False)  # noqa: S603 - ours
    return done.returncode if done.returncode >= 0 else after_signal(-done.returncode)


# what the path may be


def refuse_unknown(path: Path) -> None:
    """Refuse a whole sweep, with its cells, and what is not there, with what is near.

    Raises:
        RecipeError: it is either.
        StorageError: the sweep cannot be read.
    """
    if (path / SWEEP).is_file():
        raise _several_cells(path)
    if not is_there(path) and (row := _row_without_result(path)) is not None:
        raise wrong(
            str(path), f"the cell left no result, it is '{row.outcome}'; 'recipe table {path.parent}' tells why"
        )
    if not is_there(path) and path.suffix not in RECIPE_SUFFIXES:
        near = did_you_mean(path.name, _beside_it(path.parent))
        raise wrong(str(path), f"there is no such file or folder{near or '; give a recipe, or the folder of a run'}")


def _row_without_result(path: Path) -> Row | None:
    """The row of the cell that a path in a sweep's folder would be of."""
    if not (path.parent / SWEEP).is_file():
        return None
    return next((row for row in SweepFolder(path.parent).rows() if str(row.number) == path.name), None)


def _several_cells(path: Path) -> RecipeError:
    """That a sweep is many runs; of its cells those that are bad, or else all."""
    rows = [row for row in SweepFolder(path).rows() if row.folder]
    bad = [row for row in rows if row.is_bad] or rows
    cells = some(f"{path / row.folder} ({row.outcome})" for row in sorted(bad, key=lambda row: row.number))
    which = f"; name one of its cells: {cells}" if cells else ", and it kept no results"
    return wrong(str(path), f"it is a sweep{which}")


def _beside_it(folder: Path) -> list[str]:
    try:
        return sorted({*(one.name for one in folder.iterdir()), *cells_in(folder)})
    except OSError:
        return []
