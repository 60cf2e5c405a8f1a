"""`recipe schema`: the JSON Schemas of all files."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final

from tensorflow_free.codec.adapters import adapter_of
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import put_json
from tensorflow_free.golden.model import GoldenFile
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.model import RunFile
from tensorflow_free.support.matrix_file import MatrixFile
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.rows import Row


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
    "comparison": lambda: adapter_of(Comparison).json_schema(),
    "sweep": SweepDocument.model_json_schema,
    "golden": GoldenFile.model_json_schema,
    "matrix": MatrixFile.model_json_schema,
}
"""A recipe, `result.json`, a line of `cells.jsonl`, `comparison.json`, `sweep.json`, `STEM.golden.json`, `matrix.json`;
each by the word that asks for it."""
