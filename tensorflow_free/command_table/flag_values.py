"""What a flag takes: in words, and how it is read. Standard library only."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class FlagValue:
    """What a flag takes: in words, for help and refusals, and how it is read; `read` raises ValueError.

    Attributes:
        wanted: what it takes, in words.
        read: makes the value of a text.
        words: all that it takes, where that is a choice of words.
    """

    wanted: str
    read: Callable[[str], Any]
    words: tuple[str, ...] = ()

    def __call__(self, text: str) -> Any:
        """The value of a text, as argparse asks for it."""
        try:
            return self.read(text)
        except ValueError as error:
            raise ArgumentTypeError(f"'{text}' is not {self.wanted}") from error


def number(wanted: str, fits: Callable[[float], bool]) -> FlagValue:
    """A finite number that fits."""

    def read(text: str) -> float:
        found = float(text)
        if not (math.isfinite(found) and fits(found)):
            raise ValueError(text)
        return found

    return FlagValue(wanted, read)


def whole(wanted: str, least: int = 1) -> FlagValue:
    """An integer of at least this."""

    def read(text: str) -> int:
        found = int(text)
        if found < least:
            raise ValueError(text)
        return found

    return FlagValue(wanted, read)


def above_0(wanted: str = "a number above 0, such as 2") -> FlagValue:
    """A finite number above 0."""
    return number(wanted, lambda found: found > 0)


def one_of(*words: str) -> FlagValue:
    """One of these words."""
    return FlagValue(" or ".join(words), lambda text: words[words.index(text)], words)


def some_text(wanted: str) -> FlagValue:
    """Any text that is not empty."""

    def read(text: str) -> str:
        if not text:
            raise ValueError(text)
        return text

    return FlagValue(wanted, read)


SECONDS: Final = above_0("a number of seconds above 0, such as 60 or 0.5")
