"""`recipe show` and `recipe schema`: stored results, and the JSON Schemas of all files."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.run_screen import show
from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import is_there, read_file
from tensorflow_free.golden.model import GoldenFile
from tensorflow_free.judging.verdicts import COMPARISON_SCHEMA, Comparison
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.comparison_report import summary_of
from tensorflow_free.result.model import RunFile
from tensorflow_free.result.reading import read_result
from tensorflow_free.support.matrix_file import MatrixFile
from tensorflow_free.sweep.cell_store import COMPARISON
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import Page, line
from tensorflow_free.text.phrases import cut


def show_results(options: Namespace, flags: Flags) -> int:
    """Show the results in folders of runs: the exit code."""
    if not options.words:
        raise wrong("command line", "no folder is named; give a run's folder")
    code = ExitCode.OK
    several = len(options.words) > 1
    for position, folder in enumerate(options.words):
        try:
            result = read_result(folder)
            if several and position and not (flags.json or flags.quiet):
                put([line()])
            # of several, each is named by its folder
            show(result, str(Path(folder, "result.json")) if several else None, flags)
            if not (flags.json or flags.quiet):
                put(_blame_in(Path(folder)))
        except StorageError as error:
            complain(str(error))
            code = ExitCode.WRONG
    return code


def _blame_in(folder: Path) -> Page:
    """Which steps of a sweep's cell are to blame, where its folder tells; of a folder of another run nothing."""
    path = folder / COMPARISON
    if not is_there(path):
        return []
    try:
        comparison = Comparison.from_plain(json.loads(read_file(path)))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: it is no comparison: {cut(in_a_line(str(error)))}") from error
    return [] if comparison.blame is None else [line(), *summary_of(comparison)]


def show_schema(options: Namespace, flags: Flags) -> int:
    """Print the JSON Schema of one of the files that are read and written: the exit code.

    Raises:
        RecipeError: there is none of this name.
    """
    del flags
    name, *more = options.words or ["result"]
    if more or name not in SCHEMAS:
        known = ", ".join(SCHEMAS)
        raise wrong("command line", f"'{' '.join(options.words)}' names no schema; give one of {known}")
    put_json(SCHEMAS[name]())
    return ExitCode.OK


SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "recipe": Recipe.model_json_schema,
    "result": RunFile.model_json_schema,
    "row": Row.model_json_schema,
    "comparison": COMPARISON_SCHEMA.json_schema,
    "sweep": SweepDocument.model_json_schema,
    "golden": GoldenFile.model_json_schema,
    "matrix": MatrixFile.model_json_schema,
}
"""A recipe, `result.json`, a line of `cells.jsonl`, `comparison.json`, `sweep.json`, `STEM.golden.json`, `matrix.json`;
each by the word that asks for it."""
