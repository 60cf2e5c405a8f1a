"""The arguments of a command that name recipes, and overrides of them. Imports neither torch nor Hydra."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorflow_free.commands.flags import wrong
from tensorflow_free.composition.command_line import is_override
from tensorflow_free.files.opening import is_folder, is_of_runs, is_there
from tensorflow_free.recipe.names import RECIPE_SUFFIXES


def paths_and_overrides(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths and overrides, told apart; a word that names something on disk is a path.

    Raises:
        RecipeError: there is no path.
    """
    paths = tuple(word for word in words if not is_override(word) or is_there(Path(word)))
    if not paths:
        raise wrong("command line", "no recipe is named; give the path of a .yaml file, or a folder of them")
    return paths, tuple(word for word in words if word not in paths)


def recipe_files(paths: Sequence[str]) -> Iterator[Path]:
    """The recipes that paths name: files as they are, of a folder all below it.

    Raises:
        RecipeError: there is none below a folder.
    """
    for path in map(Path, paths):
        found = recipes_at(path)
        if not found:
            raise wrong(str(path), "there is no recipe in this folder or below it; what runs wrote is skipped")
        yield from found


def recipes_at(path: Path) -> list[Path]:
    """The recipes at a path: itself, or all files below a folder that may be some, but for those of runs."""
    if path.is_dir():
        return sorted(_recipes_below(path))
    from tensorflow_free.result.model import RECIPE  # noqa: PLC0415 - recipes are looked for without pydantic, too

    return [path / RECIPE] if is_folder(path) else [path]


def _recipes_below(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        # hidden folders hold settings of tools, Hydra's among them
        folders[:] = [name for name in folders if not name.startswith(".") and not is_of_runs(Path(at, name))]
        yield from (Path(at, name) for name in names if name.endswith(RECIPE_SUFFIXES))
