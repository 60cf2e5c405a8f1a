"""The words of a `run-recipe` command line, sorted: recipe files, overrides, Hydra's own settings, Hydra's flags.

Hydra wants its overrides together and its flags last, and would take flags that open doors for a recipe's text; here
every flag that it may have is listed, and no other is passed on. Knows no Hydra.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tensorflow_free.composition.recipe_files import SUFFIXES
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.recipe.names import did_you_mean

_PLAIN_FLAGS: Final = {
    "-m": "--multirun",
    "--multirun": "--multirun",
    "-r": "--run",
    "--run": "--run",
    "--resolve": "--resolve",
    "--hydra-help": "--hydra-help",
}
_VALUED_FLAGS: Final = {"-c": "--cfg", "--cfg": "--cfg", "-p": "--package", "--package": "--package"}
_INFO_FLAGS: Final = ("-i", "--info")
_CHOICES: Final = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
_REFUSED: Final = {
    "--config-path": "recipes are named by their files, and read from nowhere else",
    "-cp": "recipes are named by their files, and read from nowhere else",
    "--config-name": "the recipe is named by its file",
    "-cn": "the recipe is named by its file",
    "--config-dir": "recipes are named by their files, and read from nowhere else",
    "-cd": "recipes are named by their files, and read from nowhere else",
    "--experimental-rerun": "it loads a pickle; run the recipe.yaml of the earlier run instead",
    "--shell-completion": "completion by Hydra is not offered",
    "-sc": "completion by Hydra is not offered",
}
"""Flags of Hydra that are not passed on, and why."""

GROUP: Final = "recipe"
"""The config group under which Hydra finds recipes."""


@dataclass(frozen=True)
class Words:
    """A command line in parts.

    Attributes:
        files: the recipe files, as typed.
        overrides: overrides of the recipe.
        hydra: overrides of Hydra's own settings, and of the group `recipe`.
        flags: Hydra's flags, spelled out.
    """

    files: tuple[str, ...]
    overrides: tuple[str, ...]
    hydra: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def is_multirun(self) -> bool:
        """Whether `-m` asks for a sweep, or Hydra's own setting does."""
        return "--multirun" in self.flags or "hydra.mode=MULTIRUN" in self.hydra

    @property
    def needs_hydra(self) -> bool:
        """Whether it says anything that a plain run does not know."""
        return bool(self.hydra or set(self.flags) - {"--run"})


def sorted_words(arguments: Sequence[str]) -> Words:
    """The parts of a command line.

    Raises:
        RecipeError: with every flag that is unknown, refused or incomplete; or no recipe is named.
    """
    sorting = _Sorting(list(arguments))
    words = sorting.words()
    problems = sorting.problems
    if not words.files and not problems:
        problems.append(Problem(Place(file="command line"), "no recipe is named; give the path of a .yaml file"))
    if len(set(words.flags) & {"--multirun", "--run", "--cfg", "--info", "--hydra-help"}) > 1:
        message = "only one of --multirun, --run, --cfg, --info and --hydra-help can be given"
        problems.append(Problem(Place(file="command line"), message))
    if problems:
        raise RecipeError(problems)
    return words


class _Sorting:
    """A command line being sorted, word by word."""

    def __init__(self, arguments: list[str]) -> None:
        self._rest = arguments
        self.problems: list[Problem] = []

    def words(self) -> Words:
        files, overrides, hydra, flags = [], [], [], []
        while self._rest:
            word = self._rest.pop(0)
            if word.startswith("-"):
                flags.extend(self._flag(word))
            elif not is_override(word) or os.path.isfile(word):  # noqa: PTH113 - of any text
                files.append(word)
            elif _is_hydra(word):
                hydra.append(word)
            else:
                overrides.append(word)
        return Words(tuple(files), tuple(overrides), tuple(hydra), tuple(flags))

    def _flag(self, word: str) -> list[str]:
        """A flag of Hydra with its value, in its long form; nothing where it is wrong."""
        name, equals, value = word.partition("=")
        if name in _PLAIN_FLAGS and not equals:
            return [_PLAIN_FLAGS[name]]
        if name in _VALUED_FLAGS:
            return self._valued(_VALUED_FLAGS[name], value if equals else self._next())
        if name in _INFO_FLAGS:
            # its value may be left out
            behind = self._next() if self._rest[:1] and self._rest[0] in _CHOICES["--info"] else "all"
            return self._valued("--info", value if equals else behind)
        self._wrong(word, _flag_problem(name))
        return []

    def _next(self) -> str | None:
        return self._rest.pop(0) if self._rest else None

    def _valued(self, flag: str, value: str | None) -> list[str]:
        choices = _CHOICES.get(flag, ())
        if value is None or (choices and value not in choices):
            given = "nothing" if value is None else f"'{value}'"
            self._wrong(flag, f"it is given {given}; it wants {' or '.join(choices) or 'the dotted name of a package'}")
            return []
        return [flag, value]

    def _wrong(self, word: str, message: str) -> None:
        self.problems.append(Problem(Place(file=f"flag '{word}'"), message))


def _flag_problem(name: str) -> str:
    for flag, reason in _REFUSED.items():
        if name == flag or (len(name) > 2 and flag.startswith(name)):  # noqa: PLR2004 - `--` and a letter
            return f"it is refused: {reason}"
    known = (*_PLAIN_FLAGS, *_VALUED_FLAGS, *_INFO_FLAGS)
    return f"it is not a flag{did_you_mean(name, known) or '; see run-recipe --help'}"


def is_override(word: str) -> bool:
    """Whether `word` is an override and not the path of a file."""
    key, equals, _ = word.partition("=")
    if word.endswith(SUFFIXES) and ("/" in key or not equals):
        return False
    return bool(equals) or word.startswith("~")


def _is_hydra(word: str) -> bool:
    key = word.lstrip("~+").partition("=")[0]
    return key.startswith(("hydra.", "hydra/")) or key == GROUP
