"""The recipes that `recipe new` copies: starters, and every other recipe that comes with the package. No torch."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tensorflow_free.commands.flags import wrong
from tensorflow_free.commands.recipe_words import recipes_at
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.files.shipped import shipped
from tensorflow_free.recipe.names import RECIPE_SUFFIXES

RECIPES: Final = "recipes/"
"""How the names of recipes begin that are no starters."""

FOLDER: Final = "starters"
"""Where the starters lie among the recipes."""

PLAIN: Final = "plain"
"""The starter that a name gets which is that of no recipe."""

NEAR: Final = 0.8
"""How alike names are of which one was hardly meant, of 1; `my_conv` and `conv` are 0.73."""


@dataclass(frozen=True)
class Shipped:
    """A recipe that comes with the package.

    Attributes:
        name: what `recipe new` calls it: `linear` of a starter, `recipes/basics/views` of any other.
        path: its file.
    """

    name: str
    path: Path

    @property
    def description(self) -> str:
        """What it shows, in its own words."""
        return " ".join(str(_mapping_of(self.path).get("description", "")).split())

    def files(self) -> list[Path]:
        """The files that it reads: data, and recipes that it builds upon, with theirs."""
        return list(dict.fromkeys(_read_by(self.path)))


@cache
def all_shipped() -> tuple[Shipped, ...]:
    """All recipes that come with the package: the starters first, then those that lie highest."""
    root = shipped("recipes")
    names = ((path, f"{RECIPES}{path.relative_to(root).with_suffix('').as_posix()}") for path in recipes_at(root))
    found = [Shipped(name.removeprefix(f"{RECIPES}{FOLDER}/"), path) for path, name in names]
    return tuple(sorted(found, key=lambda one: (not is_starter(one), one.name.count("/"), one.name)))


def is_starter(one: Shipped) -> bool:
    """Whether it was written to start from."""
    return one.path.parent.name == FOLDER


def chosen(name: str) -> tuple[Shipped, str]:
    """The recipe that a name asks for, and the stem of the file to write.

    A name that no recipe has asks for the plain starter, unless it is near to one and was hardly meant.

    Raises:
        RecipeError: it is near to a name that there is, or cannot be the name of a file.
    """
    asked = name.removeprefix("./")
    asked = next((asked.removesuffix(ending) for ending in RECIPE_SUFFIXES if asked.endswith(ending)), asked)
    stem = asked.rpartition("/")[2]
    if found := _found(asked):
        return found, stem
    if "/" in asked or not stem or stem[0] in ".-" or not stem.isprintable():
        raise wrong(
            "command line",
            f"'{name}' is no recipe that comes with this package (`recipe new --list`); -o says where one goes",
        )
    if near := _near(stem):
        raise wrong(
            "command line",
            f"'{name}' is no recipe that comes with this package; did you mean '{near}'? "
            f"For a plain one of this name: recipe new {PLAIN} -o {stem}.yaml",
        )
    return next(one for one in all_shipped() if one.name == PLAIN), stem


def _found(asked: str) -> Shipped | None:
    """The recipe of this name, `RECIPES` left out or not; else the highest one whose file is called so."""
    asked = asked.removeprefix(f"{RECIPES}{FOLDER}/")
    by_stem = {one.path.stem: one for one in reversed(all_shipped())}
    by_name = {one.name: one for one in all_shipped()}
    return by_name.get(asked) or by_name.get(f"{RECIPES}{asked}") or by_stem.get(asked)


def _near(stem: str) -> str | None:
    """The recipe that was meant by a name; one that begins with another's and goes on was meant itself."""
    stems = [one.path.stem for one in all_shipped() if not stem.startswith(one.path.stem)]
    return next(iter(difflib.get_close_matches(stem, stems, n=1, cutoff=NEAR)), None)


def completed_names(typed: str) -> Iterator[tuple[str, str]]:
    """The names that begin so, each with what the recipe shows."""
    yield from ((one.name, one.description) for one in all_shipped() if one.name.startswith(typed))


def _mapping_of(path: Path) -> Mapping[str, Any]:
    found = read_yaml(path.read_bytes(), str(path))
    return found if isinstance(found, Mapping) else {}


def _read_by(path: Path) -> Iterator[Path]:
    mapping = _mapping_of(path)
    for stem in mapping.get("defaults", ()):
        base = path.with_name(f"{stem}.yaml")
        yield base
        yield from _read_by(base)
    yield from (path.parent / name for name in _paths_in(mapping))


def _paths_in(value: Any) -> Iterator[str]:
    """What stands under `path` in a recipe, wherever."""
    if isinstance(value, Mapping):
        yield from (below for key, below in value.items() if key == "path" and isinstance(below, str))
        for below in value.values():
            yield from _paths_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from _paths_in(below)
