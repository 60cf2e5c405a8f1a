"""What a sweep varies: recipes, their cases, and the overrides with several values, parsed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.compose import case_names, merged_files, real_path
from tensorflow_free.composition.override_texts import (
    case_override,
    parse_axis,
    parse_overrides,
    refuse_no_list,
)
from tensorflow_free.composition.overrides import (
    Axis,
    Override,
    OverrideError,
    apply_overrides,
    check,
    check_key,
    override_place,
)
from tensorflow_free.composition.recipe_files import recipe_file
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Problem, RecipeError
from tensorflow_free.recipe.names import RECIPE_DTYPES, RECIPE_SUFFIXES, did_you_mean
from tensorflow_free.sweep.matrix import CASE, Matrix, SweptRecipe
from tensorflow_free.text.phrases import seen_from_here

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
    paths = reading.paths(list(files), [word for word in words if word.name == GROUP])
    mappings = {path: mapping for path in paths if (mapping := reading.mapping(path)) is not None}
    rest = [word for word in words if word.name != GROUP]
    recipes = tuple(reading.recipe(path, mapping, rest) for path, mapping in mappings.items())
    axes = tuple(reading.axis(word) for word in rest if word.key != CASE)
    reading.end()
    return Matrix(recipes, axes, by_case=any(recipe.cases for recipe in recipes))


def axes_of(overrides: Sequence[str]) -> tuple[Axis, ...]:
    """What overrides give, of whatever recipe; cases, too, where they are listed.

    Raises:
        RecipeError: with every override that does not parse, that no recipe has, or that gives no values.
    """
    reading = _Reading()
    words = [word for text in overrides if (word := reading.word(text, is_key=True)) is not None]
    axes = tuple(map(reading.axis, words))
    reading.end()
    return axes


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

    def end(self) -> None:
        """Raise what is wrong, if anything is."""
        if self.problems:
            raise RecipeError(self.problems)

    def word(self, text: str, *, is_key: bool = False) -> Axis | None:
        """An override with what it gives; None where it is wrong. `recipe` is no key where `is_key` says so."""
        return self._try(text, _word, text, is_key)

    def refuse_twice(self, words: Sequence[Axis]) -> None:
        """Refuse a key that varies and is given again."""
        given = [word.name for word in words]
        for word in words:
            times = given.count(word.name)
            if word.key is not None and times > 1:
                message = f"'{word.key}' varies and is given {times} times; give it once, with all values"
                self._add([Problem(override_place(word.text), message)])

    def paths(self, files: Sequence[str], groups: Sequence[Axis]) -> list[str]:
        """The recipe files, as typed, or those that `recipe=` names."""
        if not groups or not files:
            return list(dict.fromkeys(files))
        folder = _folder_of(files)
        return [path for word in groups for path in self._try(word.text, _named, word, folder) or ()]

    def mapping(self, path: str) -> Mapping[str, Any] | None:
        """What a recipe file and its defaults say."""
        return self._try(path, lambda: merged_files(real_path(path), path)[0])

    def recipe(self, path: str, mapping: Mapping[str, Any], words: Sequence[Axis]) -> SweptRecipe:
        """A recipe with the cases in which it runs: those asked for, or all; none where one is fixed."""
        early = [one for word in words if word.name.partition(".")[0] == "cases" for one in word.overrides[:1]]
        words = [word for word in words if word.name == CASE]
        fixed = [one.value for word in words if word.key is None for one in word.overrides]
        if fixed:
            return SweptRecipe(path, (), (_capability(mapping, fixed[-1]),))
        names = self._try(path, _case_names, mapping, early) or ()
        cases = tuple(map(case_override, names))
        for word in words:
            cases = self._try(word.text, _fitting, word, names, path) or ()
        return SweptRecipe(
            path, cases, tuple(_capability(mapping, one.value) for one in cases) or (_capability(mapping, None),)
        )

    def axis(self, word: Axis) -> Axis:
        """The axis of an override, of a glob those values that its key can have."""
        return replace(word, overrides=self._try(word.text, _known, word) or (), pick=None)


def _word(text: str, is_key: bool) -> Axis:  # noqa: FBT001 - it has a name where people call it
    word = parse_axis(text)
    if word.name == GROUP and not is_key:
        return word
    if word.key is None:
        check(word.overrides[0])
    else:
        check_key(word.key.split("."))
    return word


def _case_names(mapping: Mapping[str, Any], early: Sequence[Override]) -> tuple[str, ...]:
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


def _fitting(word: Axis, names: Sequence[str], of: str) -> tuple[Override, ...]:
    """The values of an override, of a glob those that it picks.

    Raises:
        OverrideError: it picks none.
    """
    if word.pick is None:
        return word.overrides
    picked = word.pick(names)
    if not picked:
        message = f"it gives no values: nothing in {of} fits; there is {', '.join(names) or 'none'}"
        raise OverrideError(message)
    return picked


def _known(word: Axis) -> tuple[Override, ...]:
    """The values of an override, of a glob those that it picks of all that a key can have."""
    if word.pick is None or word.key == "dtype":
        return _fitting(word, RECIPE_DTYPES, "the dtypes of a recipe")
    message = (
        "the cases that it picks depend on the recipe; list them: case=A,B"
        if word.key == CASE
        else f"a glob picks among names, as recipe, case and dtype have; list the values: {word.key}=A,B"
    )
    raise OverrideError(message)


def _folder_of(files: Sequence[str]) -> Path:
    """The folder that holds all recipes of a command line, which `recipe=` chooses from."""
    return Path(os.path.commonpath([real_path(file).parent for file in files]))


def _named(word: Axis, folder: Path) -> list[str]:
    """The files of the recipes that `recipe=` names."""
    there = sorted({path.stem for path in folder.iterdir() if path.suffix in RECIPE_SUFFIXES})
    there = [name for name in there if recipe_file(folder, name) is not None]
    names = [str(one.value) for one in _fitting(word, there, "the folder")]
    missing = [name for name in names if recipe_file(folder, name) is None]
    if missing:
        listed = did_you_mean(missing[0], there) or f"; there is {', '.join(there) or 'none'}"
        message = f"there is no recipe '{missing[0]}' in this folder{listed}"
        raise OverrideError(message)
    return [str(seen_from_here(recipe_file(folder, name) or folder)) for name in names]
