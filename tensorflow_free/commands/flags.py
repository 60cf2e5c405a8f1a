"""The flags that both commands know, taken off a command line before anyone else sees it. Loads nothing."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.files.opening import VARIABLE
from tensorflow_free.process.limits import Limits


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
        self.limits = Limits()
        self.ops: list[str] = []
        self.rest: list[str] = []
        words = list(arguments)
        timeout: float | None = None
        memory: float | None = None
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
            elif word == "--timeout" or word.startswith("--timeout="):
                timeout = _number(word, words, "seconds", "600 or 0.5")
            elif word == "--max-memory" or word.startswith("--max-memory="):
                memory = _number(word, words, "GiB", "4 or 0.5")
            else:
                self.rest.append(word)
        self.limits = Limits(timeout, memory)

    def words(self) -> list[str]:
        """What makes another process print and save as this one was told to, and know the same ops."""
        switches = [flag for flag, name in self.SWITCHES.items() if flag != "-q" and getattr(self, name)]
        return [*switches, *(word for file in self.ops for word in ("--ops", file))]

    def load_ops(self) -> None:
        """Register the user's own ops, once."""
        while self.ops:
            from tensorflow_free.registry import load_ops_file

            load_ops_file(Path(self.ops.pop(0)))


def _value(word: str, words: list[str], wanted: str) -> str:
    """The value of a flag: behind its `=`, or the next word."""
    flag, equals, value = word.partition("=")
    if not equals and words and not words[0].startswith("--"):
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


def _number(word: str, words: list[str], unit: str, such_as: str) -> float:
    """The value of a flag that is a number above 0."""
    wanted = f"a number of {unit} above 0, such as {such_as}"
    text = _value(word, words, wanted)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise wrong(f"flag '{word.partition('=')[0]}'", f"'{text}' is not {wanted}")
    return number


def wrong(place: str, message: str) -> RecipeError:
    """What is raised for a command line that makes no sense."""
    return RecipeError([Problem(Place(file=place), message)])
