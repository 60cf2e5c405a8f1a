"""`recipe schema`: the JSON Schemas of all files."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Final

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import put_json
from tensorflow_free.files.shipped import shipped
from tensorflow_free.outcome.exit_codes import ExitCode

RECIPE: Final = "recipe"

NAMES: Final = (RECIPE, "result", "row", "comparison", "sweep", "golden", "matrix")
"""What has a schema, by the word that asks for it; `commands/file_schemas.py` has all but the first."""


def show_schema(options: Namespace, flags: Flags) -> int:
    """Print the JSON Schema of one of the files that are read and written: the exit code.

    That of a recipe comes with the package, so torch is not imported; with `--installed`, or with ops of one's own, it
    is made with the ops that are there.

    Raises:
        RecipeError: none is named, or there is none of this name.
    """
    known = ", ".join(NAMES)
    if not options.words:
        raise wrong("command line", f"no schema is named; give one of {known}")
    name, *more = options.words
    if more or name not in NAMES:
        raise wrong("command line", f"'{' '.join(options.words)}' names no schema; give one of {known}")
    if name == RECIPE:
        _put(_of_recipe(flags, installed=options.installed))
        return ExitCode.OK
    # what is kept of a sweep knows torch's settings, and imports torch with them
    from tensorflow_free.commands.file_schemas import SCHEMAS

    put_json(SCHEMAS[name]())
    return ExitCode.OK


def _of_recipe(flags: Flags, *, installed: bool) -> str:
    kept = shipped("docs") / "recipe.schema.json"
    if not installed and not flags.ops and kept.is_file():
        return kept.read_text(encoding="utf-8")
    from tensorflow_free.editor.recipe_schema import of_names, text_of
    from tensorflow_free.registry import load_entry_points, names

    flags.load_ops()
    load_entry_points()
    return text_of(of_names(names()))


def _put(text: str) -> None:
    """Print JSON that reads back right in any encoding of the output."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(text if unicode else "".join(one if one.isascii() else json.dumps(one)[1:-1] for one in text))
