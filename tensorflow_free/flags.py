"""The flags that both commands know, taken off a command line before anyone else sees it. Loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.errors import Place, Problem, RecipeError


class Flags:
    """Our own flags, taken off a command line before anyone else sees it."""

    SWITCHES: Final = {"--json": "json", "--quiet": "quiet", "-q": "quiet", "--no-save": "no_save"}

    def __init__(self, arguments: Sequence[str]) -> None:
        self.json = self.quiet = self.no_save = False
        self.ops: list[str] = []
        self.rest: list[str] = []
        words = list(arguments)
        while words:
            word = words.pop(0)
            if word in self.SWITCHES:
                setattr(self, self.SWITCHES[word], True)
            elif word == "--ops" or word.startswith("--ops="):
                self.ops.append(word.partition("=")[2] if "=" in word else _next(words))
            else:
                self.rest.append(word)

    def load_ops(self) -> None:
        """Register the user's own ops, once."""
        while self.ops:
            from tensorflow_free.registry import load_ops_file

            load_ops_file(Path(self.ops.pop(0)))


def _next(words: list[str]) -> str:
    if not words:
        raise wrong("flag '--ops'", "it wants a Python file that registers ops")
    return words.pop(0)


def wrong(place: str, message: str) -> RecipeError:
    """What is raised for a command line that makes no sense."""
    return RecipeError([Problem(Place(file=place), message)])
