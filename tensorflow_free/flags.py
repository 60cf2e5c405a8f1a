"""The flags that both commands know, taken off a command line before anyone else sees it. Loads nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.opening import VARIABLE


class Flags:
    """Our own flags, taken off a command line before anyone else sees it."""

    SWITCHES: Final = {
        "--json": "json",
        "--quiet": "quiet",
        "-q": "quiet",
        "--no-save": "no_save",
        "--fail-fast": "fail_fast",
    }

    def __init__(self, arguments: Sequence[str]) -> None:
        self.json = self.quiet = self.no_save = self.fail_fast = False
        self.resume: str | None = None
        self.ops: list[str] = []
        self.rest: list[str] = []
        words = list(arguments)
        while words:
            word = words.pop(0)
            if word in self.SWITCHES:
                setattr(self, self.SWITCHES[word], True)
            elif word == "--ops" or word.startswith("--ops="):
                self.ops.append(_value(word, words, "a Python file that registers ops"))
            elif word == "--resume" or word.startswith("--resume="):
                self.resume = _value(word, words, "the folder of a sweep")
            elif word == "--max-file" or word.startswith("--max-file="):
                allow(_value(word, words, "gibibytes, such as 8"))
            else:
                self.rest.append(word)

    def load_ops(self) -> None:
        """Register the user's own ops, once."""
        while self.ops:
            from tensorflow_free.registry import load_ops_file

            load_ops_file(Path(self.ops.pop(0)))


def _value(word: str, words: list[str], wanted: str) -> str:
    """The value of a flag: behind its `=`, or the next word."""
    flag, equals, value = word.partition("=")
    if not equals and words:
        value = words.pop(0)
    if not value:
        raise wrong(f"flag '{flag}'", f"it wants {wanted}")
    return value


def allow(gib: str) -> None:
    """Let a file that a recipe names hold so many gibibytes, in this process and in those that it begins."""
    try:
        fits = 0 < float(gib) < float("inf")
    except ValueError:
        fits = False
    if not fits:
        raise wrong("flag '--max-file'", f"'{gib}' is not a number of gibibytes above 0, such as 8")
    os.environ[VARIABLE] = gib


def wrong(place: str, message: str) -> RecipeError:
    """What is raised for a command line that makes no sense."""
    return RecipeError([Problem(Place(file=place), message)])
