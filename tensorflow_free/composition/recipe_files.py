"""Recipe files on disk: the only place where their text is read, and the recipes that their `defaults` list."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from tensorflow_free.composition.marks import Mark
from tensorflow_free.composition.reader import marks, read_yaml
from tensorflow_free.composition.safety import is_suspect, refusals
from tensorflow_free.composition.syntax import LARGEST_TEXT
from tensorflow_free.errors import Place, Problem, RecipeError, refuse_any
from tensorflow_free.files.opening import UnfitFileError, read_file
from tensorflow_free.recipe.dotted import dotted
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.names import RECIPE_SUFFIXES, did_you_mean
from tensorflow_free.text.characters import is_text

KEPT: Final = 100_000
"""Bytes of a text up to which it stays read."""

SELF: Final = "_self_"
LONGEST_CHAIN: Final = 50
"""Recipes of which each lists the next."""

_ODD: Final = re.compile(r"[^\w.+/-]", re.ASCII)
"""What Hydra's grammar, or OmegaConf, may read as something else than a part of a word."""

_STEM: Final = re.compile(r"\w[\w.+-]*")


@dataclass(frozen=True)
class RecipeText:
    """A recipe file as it was read: its real path, its name in messages, its text and what the text says."""

    path: Path
    shown: str
    text: str
    mapping: dict[str, Any] = field(repr=False)

    @cached_property
    def marks(self) -> Mark:
        """Where its keys stand, found when first asked for."""
        return marks(self.text)

    def place(self, path: Sequence[str | int]) -> Place:
        """The line and column of the key at `path`, or of what it would stand in."""
        mark, _ = self.marks.find(path)
        return Place(dotted(path), self.shown, mark.line, mark.column)


def read_recipe_file(path: Path, shown: str, within: Path | None = None) -> RecipeText:
    """The file at `path`, its form not judged.

    Args:
        path: the file.
        shown: its name in messages.
        within: the folder that it must lie in, links followed; None for anywhere, where a person named it.

    Raises:
        RecipeError: it cannot be read, is no YAML, is not a mapping, or says what no recipe may say.
    """
    raw = _bytes(path, shown, within)
    # a cell of a sweep and its reference are composed of the same text
    return (_read_again if len(raw) <= KEPT else _read)(raw, path, shown)


def _read(raw: bytes, path: Path, shown: str) -> RecipeText:
    """The text of a file, read."""
    mapping = read_yaml(raw, shown)
    if not isinstance(mapping, dict):
        kind = {list: "a list", type(None): "empty"}.get(type(mapping), "a single value")
        message = f"the file is {kind}; a recipe is a mapping, with keys such as `tensors` and `steps`"
        raise RecipeError([Problem(Place("", shown, 1, 1), message)])
    read = RecipeText(path, shown, raw.decode("utf-8-sig"), mapping)
    if is_suspect(read.text):
        problems = [Problem(read.place(at), message) for at, message in refusals(mapping)]
        refuse_any(problems)
    return read


_read_again: Final = lru_cache(maxsize=16)(_read)
"""The last few texts stay read; a mapping that was read is not changed."""


def _bytes(path: Path, shown: str, within: Path | None) -> bytes:
    if not is_text(shown):
        # results, rows and goldens keep the name, and they are UTF-8
        raise RecipeError([Problem(Place(file=shown), "the file's path is not UTF-8; rename it")])
    try:
        return read_file(path, within, LARGEST_TEXT)
    except UnfitFileError as error:
        raise RecipeError([Problem(Place(file=shown), _unfit(error))]) from error
    except FileNotFoundError as error:
        is_key = shown.partition(".")[0] in KEYS and path.suffix not in RECIPE_SUFFIXES
        override = f"; an override is written {shown}=VALUE" if is_key else ""
        near = override or did_you_mean(path.name, _neighbours(path.parent))
        raise RecipeError([Problem(Place(file=shown), f"there is no such file{near}")]) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError([Problem(Place(file=shown), f"the file cannot be read: {reason}")]) from error


def _unfit(error: UnfitFileError) -> str:
    """Why what is there cannot be read as a recipe's text."""
    if error.is_file:
        return error.strerror
    return f"this is {'a folder' if error.is_folder else 'not a regular file'}; a recipe is a .yaml file"


def _neighbours(folder: Path) -> list[str]:
    """The names of the recipe files in `folder`."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.suffix in RECIPE_SUFFIXES)
    except OSError:
        return []


def encoded(name: str) -> str:
    """The name of a recipe as Hydra's grammar takes it for one word: all but letters, digits, `_.+-/` as `%20`."""
    return _ODD.sub(lambda found: "".join(f"%{byte:02X}" for byte in os.fsencode(found[0])), name)


def decoded(option: str) -> str:
    """The name of a recipe that `encoded` gave."""
    return os.fsdecode(unquote_to_bytes(option))


def recipe_file(folder: Path, stem: str) -> Path | None:
    """The file of the recipe `stem` in `folder`, or None; a link out of the folder is none."""
    for suffix in RECIPE_SUFFIXES:
        path = folder / f"{stem}{suffix}"
        if path.is_file() and path.resolve().is_relative_to(folder):
            return path
    return None


def with_defaults(main: RecipeText) -> list[RecipeText]:
    """`main` and all that it lists, in the order in which they are merged: what wins comes last.

    Raises:
        RecipeError: with everything that is wrong in the lists and in the files that they name.
    """
    if "defaults" not in main.mapping:
        return [main]
    expansion = _Expansion(main)
    ordered = list(expansion.of(main, (main.path.stem,)))
    refuse_any(expansion.problems)
    return ordered


class _Expansion:
    """The lists of defaults of one recipe, followed: what has been listed, and what is wrong."""

    def __init__(self, main: RecipeText) -> None:
        self._folder = main.path.parent
        self._seen = {main.path.stem}
        self.problems: list[Problem] = []

    def of(self, recipe: RecipeText, chain: tuple[str, ...]) -> Iterator[RecipeText]:
        """What `recipe` lists, each expanded alike, and itself where `_self_` stands or else at the end."""
        entries = recipe.mapping.get("defaults") or []
        if not isinstance(entries, list):
            message = f"'{entries}' is not a list; write `defaults: [other]`, by the stems of recipes"
            self.problems.append(Problem(recipe.place(["defaults"]), message))
            entries = []
        if entries.count(SELF) > 1:
            self.problems.append(Problem(recipe.place(["defaults"]), f"'{SELF}' is listed twice; list it once"))
        for index, entry in enumerate(entries):
            if entry == SELF:
                yield recipe
            else:
                yield from self._listed(recipe, index, entry, chain)
        if SELF not in entries:
            yield recipe

    def _listed(self, recipe: RecipeText, index: int, entry: Any, chain: tuple[str, ...]) -> Iterator[RecipeText]:
        message = _entry_problem(entry) or self._chain_problem(entry, chain)
        path = None if message else recipe_file(self._folder, entry)
        if path is None:
            place = recipe.place(["defaults", index])
            self.problems.append(Problem(place, message or self._missing(entry)))
            return
        self._seen.add(entry)
        try:
            listed = read_recipe_file(path, str(Path(recipe.shown).with_name(path.name)), self._folder)
        except RecipeError as error:
            self.problems.extend(error.problems)
        else:
            yield from self.of(listed, (*chain, entry))

    def _chain_problem(self, stem: str, chain: tuple[str, ...]) -> str | None:
        if stem in chain:
            circle = " → ".join([*chain[chain.index(stem) :], stem])
            return f"'{stem}' leads back to itself: {circle}; break the circle"
        if stem in self._seen:
            return f"'{stem}' is listed twice, here and by another recipe of the list; list it once"
        if len(chain) >= LONGEST_CHAIN:
            return f"'{stem}' is the end of {LONGEST_CHAIN} recipes in a chain; list fewer"
        return None

    def _missing(self, stem: str) -> str:
        stems = [name.rpartition(".")[0] for name in _neighbours(self._folder)]
        return f"there is no recipe '{stem}' in this folder{did_you_mean(stem, stems)}"


def _entry_problem(entry: object) -> str | None:
    """Why `entry` cannot stand in a list of defaults, or None."""
    if isinstance(entry, Mapping):
        shown = ", ".join(f"{key}: {value}" for key, value in entry.items())
        return f"'{shown}' chooses from a config group of Hydra, which only the command line may; {_WANTED}"
    if not isinstance(entry, str):
        return f"'{entry}' is not a word; {_WANTED}"
    if entry.endswith(RECIPE_SUFFIXES) and _STEM.fullmatch(entry):
        return f"'{entry}' is a file's name; write its stem, '{entry.rpartition('.')[0]}'"
    for pattern, kind in _NO_STEMS:
        if pattern.search(entry):
            return f"'{entry}' {kind}; {_WANTED}"
    return None


_NO_STEMS: Final = (
    (re.compile(r"^(?:override|optional) "), "changes Hydra's own defaults list, which only the command line may"),
    (re.compile("@"), "names a package of Hydra"),
    (re.compile(r"[/\\]|\.\.|^[.~]"), "is a path"),
    (re.compile(rf"^(?!{_STEM.pattern}\Z)"), "is not the stem of a recipe"),
)
"""What Hydra would take for something else than a recipe of the same folder."""

_WANTED: Final = "`defaults` lists stems of recipes in the same folder, and _self_"
