"""What stands behind a command's name: its options, the recipes, the overrides. Loads neither torch nor Hydra."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.errors import Problem, RecipeError
from tensorflow_free.files.opening import is_of_runs
from tensorflow_free.recipe.names import did_you_mean

Reader = Callable[[str], Any]
"""Reads the value of an option; raises ValueError with what would be right."""

Spec = Mapping[str, Reader | None]
"""The options of a command: those that take a value have a reader."""

ARROW: Final = "->"
"""No flag, but the name that some ops have a part of."""


@dataclass(frozen=True)
class Options:
    """The options that were given, and the other words."""

    given: Mapping[str, Any]
    words: tuple[str, ...]

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def __getitem__(self, name: str) -> Any:
        """The value of an option, or None where it was not given."""
        return self.given.get(name)

    @property
    def names(self) -> list[str]:
        """The options that were given."""
        return list(self.given)


def options_of(words: Sequence[str], spec: Spec) -> Options:
    """The options of a command taken off its words.

    Raises:
        RecipeError: with every flag that nobody knows, and every value that is missing or wrong.
    """
    given: dict[str, Any] = {}
    others: list[str] = []
    problems: list[Problem] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word in ("-", ARROW):
            others.append(word)
            continue
        try:
            given[name] = _value(name, spec, value if equals else None, rest)
        except ValueError as error:
            problems += wrong(f"flag '{word}'", str(error)).problems
    if problems:
        raise RecipeError(problems)
    return Options(given, tuple(others))


def _value(name: str, spec: Spec, value: str | None, rest: list[str]) -> Any:
    """The value of a flag, taken off `rest` where it stands there; raises ValueError."""
    if name not in spec:
        known = [one for one in (*Flags.SWITCHES, "--ops", *spec) if len(one) > 2]  # noqa: PLR2004 - `-q` is near to all
        raise ValueError(f"it is not a flag{did_you_mean(name, known) or '; see recipe --help'}")
    reader = spec[name]
    if reader is None:
        if value is not None:
            raise ValueError(f"it takes no value; write {name}")
        return True
    if value is None and not rest:
        raise ValueError(f"it wants a value, such as {name} 2")
    return reader(rest.pop(0) if value is None else value)


def positive(text: str) -> float:
    """A finite number above 0."""
    return _number(text, "a number above 0", lambda number: number > 0)


def not_negative(text: str) -> float:
    """A finite number of at least 0."""
    return _number(text, "a number of at least 0, such as 1e-5", lambda number: number >= 0)


def _number(text: str, wanted: str, fits: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and fits(number)):
        raise ValueError(f"'{text}' is not {wanted}")
    return number


# recipes and overrides


def sorted_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths and overrides, told apart; a word that names something on disk is a path.

    Raises:
        RecipeError: there is no path.
    """
    from tensorflow_free.composition.command_line import is_override  # noqa: PLC0415 - YAML takes its time

    paths = tuple(word for word in words if not is_override(word) or Path(word).exists())
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
            raise wrong(str(path), "there is no recipe below this folder; what runs wrote is passed by")
        yield from found


def recipes_at(path: Path) -> list[Path]:
    """The recipes at a path: itself, or all files below a folder that may be some, but for those of runs."""
    return sorted(_recipes_below(path)) if path.is_dir() else [path]


def _recipes_below(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        # hidden folders hold settings of tools, Hydra's among them
        folders[:] = [name for name in folders if not name.startswith(".") and not is_of_runs(Path(at, name))]
        yield from (Path(at, name) for name in names if name.endswith((".yaml", ".yml")))


def combinations(overrides: Sequence[str]) -> list[tuple[str, ...]]:
    """The overrides with each combination of the values that they give, by Hydra's grammar.

    Raises:
        RecipeError: with every override that does not parse, that no recipe has, or that gives no values.
    """
    choices: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for text in overrides:
        try:
            choices.append(_texts(text))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)
    return list(product(*choices))


def _texts(text: str) -> tuple[str, ...]:
    from tensorflow_free.composition.overrides import override_place, parse_overrides  # noqa: PLC0415

    if not set(text) & set(",("):
        parse_overrides([text])
        return (text,)
    # Hydra's parser takes a tenth of a second
    from tensorflow_free.composition.grammar import swept  # noqa: PLC0415
    from tensorflow_free.sweep.axes import matrix_of  # noqa: PLC0415

    axes = matrix_of((), [text]).axes
    if axes:
        return axes[0].texts
    # the values of `case` are no axis, as each recipe has cases of its own
    found = swept(text)
    if found is None or found.values is None:
        message = "the cases that it picks depend on the recipe; list them: case=A,B"
        raise RecipeError([Problem(override_place(text), message)])
    return tuple(f"case={value}" for value in found.values)
