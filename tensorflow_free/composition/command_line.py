"""The arguments of a `run-recipe` command line that are not flags: recipe files, overrides, Hydra's settings.

Hydra expects its overrides together and its flags last. Does not import Hydra.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tensorflow_free.recipe.names import RECIPE_SUFFIXES

GROUP: Final = "recipe"
"""The config group under which Hydra finds recipes."""


@dataclass(frozen=True)
class CommandLine:
    """A command line in parts.

    Attributes:
        files: the recipe files, as typed.
        overrides: overrides of the recipe.
        hydra: overrides of Hydra's own settings, and of the group `recipe`.
        flags: Hydra's flags, spelled out.
        typed: all of them, as typed.
    """

    files: tuple[str, ...]
    overrides: tuple[str, ...]
    hydra: tuple[str, ...]
    flags: tuple[str, ...]
    typed: tuple[str, ...]

    @property
    def is_multirun(self) -> bool:
        """Whether `-m` asks for a sweep, or Hydra's own setting does."""
        return "--multirun" in self.flags or "hydra.mode=MULTIRUN" in self.hydra

    @property
    def needs_hydra(self) -> bool:
        """Whether it says anything that a plain run does not know."""
        return bool(self.hydra or set(self.flags) - {"--run"})


def command_line(words: Sequence[str], flags: Sequence[str], typed: Sequence[str]) -> CommandLine:
    """A command line of words that are no flags, and of Hydra's flags; `typed` has both."""
    files, overrides, hydra = [], [], []
    for word in words:
        if not is_override(word) or os.path.isfile(word):  # noqa: PTH113 - of any text
            files.append(word)
        elif _is_hydra(word):
            hydra.append(word)
        else:
            overrides.append(word)
    return CommandLine(tuple(files), tuple(overrides), tuple(hydra), tuple(flags), tuple(typed))


def is_override(word: str) -> bool:
    """Whether `word` is an override and not the path of a file."""
    key, equals, _ = word.partition("=")
    if word.endswith(RECIPE_SUFFIXES) and ("/" in key or not equals):
        return False
    return bool(equals) or word.startswith("~")


def _is_hydra(word: str) -> bool:
    key = word.lstrip("~+").partition("=")[0]
    return key.startswith(("hydra.", "hydra/")) or key == GROUP
