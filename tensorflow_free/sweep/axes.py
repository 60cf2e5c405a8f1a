"""What a sweep varies: recipes, their cases, and the overrides that give several values. Makes no product of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.compose import case_names, merged_files, real_path
from tensorflow_free.composition.grammar import Swept, swept, written
from tensorflow_free.composition.overrides import (
    Override,
    OverrideError,
    apply_overrides,
    check_key,
    override_place,
    parse_override,
    parse_overrides,
    refuse_no_list,
)
from tensorflow_free.composition.recipe_files import recipe_file
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Problem, RecipeError
from tensorflow_free.recipe.names import RECIPE_DTYPES, RECIPE_SUFFIXES, did_you_mean
from tensorflow_free.sweep.matrix import CASE, Axis, Matrix, SweptRecipe

Read = TypeVar("Read")


def matrix_of(files: Sequence[str], overrides: Sequence[str]) -> Matrix:
    """What files and overrides sweep over.

    Args:
        files: recipe files, as typed.
        overrides: as on the command line behind `-m`; `recipe=a,b` too, which takes the place of the files and names
            recipes of the folder in which they lie.

    Raises:
        RecipeError: with all that does not parse, that no recipe has, or that gives no values.
    """
    refuse_no_list(overrides)
    reading = _Reading()
    words = [word for text in overrides if (word := reading.word(text)) is not None]
    reading.refuse_twice(words)
    paths = reading.paths(list(files), [word for word in words if word.key == GROUP])
    mappings = {path: mapping for path in paths if (mapping := reading.mapping(path)) is not None}
    rest = [word for word in words if word.key != GROUP]
    cases = [word for word in rest if word.key == CASE]
    early = [word.texts()[0] for word in rest if word.key.partition(".")[0] == "cases"]
    recipes = tuple(reading.recipe(path, mapping, cases, early) for path, mapping in mappings.items())
    axes = tuple(reading.axis(word) for word in rest if word.swept is None or word.key != CASE)
    if reading.problems:
        raise RecipeError(reading.problems)
    return Matrix(recipes, axes, by_case=any(recipe.cases for recipe in recipes))


@dataclass(frozen=True, slots=True)
class _Word:
    """One override of the command line: what it sweeps over, or that it does not."""

    text: str
    key: str
    swept: Swept | None

    def texts(self) -> tuple[str, ...]:
        if self.swept is None:
            return (self.text,)
        return tuple(f"{self.swept.mark}{self.key}={value}" for value in self.swept.values or ())


class _Reading:
    """Files and overrides being read, and what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _try(self, text: str, read: Callable[..., Read], *arguments: Any) -> Read | None:
        try:
            return read(*arguments)
        except (OverrideError, ScalarError) as error:
            self._add([Problem(override_place(text), str(error))])
        except RecipeError as error:
            self._add(error.problems)
        return None

    def _add(self, problems: Sequence[Problem]) -> None:
        self.problems.extend(problem for problem in problems if problem not in self.problems)

    def word(self, text: str) -> _Word | None:
        """An override and what it sweeps over; None where it is wrong."""
        return self._try(text, _word, text)

    def refuse_twice(self, words: Sequence[_Word]) -> None:
        """Refuse a key that varies and is given again."""
        given = [word.key for word in words]
        for word in words:
            if word.swept is not None and given.count(word.key) > 1:
                message = (
                    f"'{word.key}' varies and is given {given.count(word.key)} times; give it once, with all values"
                )
                self._add([Problem(override_place(word.text), message)])

    def paths(self, files: Sequence[str], groups: Sequence[_Word]) -> list[str]:
        """The recipe files, as typed, or those that `recipe=` names."""
        if not groups or not files:
            return list(dict.fromkeys(files))
        folder = _folder_of(files)
        return [path for word in groups for path in self._try(word.text, _named, word, folder) or ()]

    def mapping(self, path: str) -> Mapping[str, Any] | None:
        """What a recipe file and its defaults say."""
        return self._try(path, lambda: merged_files(real_path(path), path)[0])

    def recipe(
        self, path: str, mapping: Mapping[str, Any], words: Sequence[_Word], early: Sequence[str]
    ) -> SweptRecipe:
        """A recipe with the cases in which it runs: those asked for, or all; none where one is fixed."""
        fixed = [parse_override(word.text).value for word in words if word.swept is None]
        if fixed:
            return SweptRecipe(path, (), (_capability(mapping, fixed[-1]),))
        names: Sequence[Any] = self._try(path, _case_names, mapping, early) or ()
        for word in words:
            if word.swept is not None and word.swept.glob is not None:
                names = self._try(word.text, _fitting, word.swept, names, path) or ()
            else:
                names = [parse_override(text).value for text in word.texts()]
        cases = tuple(f"{CASE}={written(name)}" for name in names)
        return SweptRecipe(path, cases, tuple(_capability(mapping, name) for name in names or (None,)))

    def axis(self, word: _Word) -> Axis:
        """The axis of an override; one text where it does not vary."""
        if word.swept is None:
            return Axis(None, (word.text,))
        if word.swept.glob is None:
            return Axis(word.key, word.texts(), word.swept.is_range)
        values = self._try(word.text, _known, word.swept) or ()
        return Axis(word.key, tuple(f"{word.swept.mark}{word.key}={written(value)}" for value in values))


def _word(text: str) -> _Word:
    # several values need a comma or a function's bracket
    found = swept(text) if isinstance(text, str) and set(text) & set(",(") else None
    if found is not None:
        if found.key != GROUP:
            check_key(found.key.split("."))
        return _Word(text, found.key, found)
    if isinstance(text, str) and text.partition("=")[0] == GROUP:
        return _Word(text, GROUP, None)
    override: Override = parse_overrides([text])[0]
    return _Word(text, ".".join(override.parts), None)


def _case_names(mapping: Mapping[str, Any], early: Sequence[str]) -> tuple[str, ...]:
    return case_names(apply_overrides(mapping, parse_overrides(early)))


def _capability(mapping: Mapping[str, Any], case: Any) -> str | None:
    """The CPU capability that a recipe's file asks for in a case."""
    cases = mapping.get("cases")
    within = cases.get(case) if isinstance(cases, Mapping) else None
    for part in (within, mapping):
        settings = part.get("settings") if isinstance(part, Mapping) else None
        if isinstance(settings, Mapping) and isinstance(settings.get("cpu_capability"), str):
            return str(settings["cpu_capability"])
    return None


def _fitting(found: Swept, names: Sequence[str], of: str) -> list[str]:
    """The names that a glob picks.

    Raises:
        OverrideError: it picks none.
    """
    picked: list[str] = [] if found.glob is None else found.glob.filter(list(names))
    if not picked:
        message = f"it gives no values: nothing in {of} fits; there is {', '.join(names) or 'none'}"
        raise OverrideError(message)
    return picked


def _known(found: Swept) -> list[str]:
    """The values that a glob picks of those that a key can have."""
    if found.key == "dtype":
        return _fitting(found, RECIPE_DTYPES, "the dtypes of a recipe")
    message = f"a glob picks among names, as recipe, case and dtype have; list the values: {found.key}=A,B"
    raise OverrideError(message)


def _folder_of(files: Sequence[str]) -> Path:
    """The folder that holds all recipes of a command line, which `recipe=` chooses from."""
    return Path(os.path.commonpath([real_path(file).parent for file in files]))


def _named(word: _Word, folder: Path) -> list[str]:
    """The files of the recipes that `recipe=` names."""
    there = sorted({path.stem for path in folder.iterdir() if path.suffix in RECIPE_SUFFIXES})
    there = [name for name in there if recipe_file(folder, name) is not None]
    if word.swept is None:
        names = [str(parse_override(word.text).value)]
    elif word.swept.glob is not None:
        names = _fitting(word.swept, there, "the folder")
    else:
        names = [str(parse_override(text).value) for text in word.texts()]
    missing = [name for name in names if recipe_file(folder, name) is None]
    if missing:
        listed = did_you_mean(missing[0], there) or f"; there is {', '.join(there) or 'none'}"
        message = f"there is no recipe '{missing[0]}' in this folder{listed}"
        raise OverrideError(message)
    return [str(seen_from_here(recipe_file(folder, name) or folder)) for name in names]


def seen_from_here(file: Path) -> Path:
    """`file` relative to the working directory, where it lies below; for messages."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
