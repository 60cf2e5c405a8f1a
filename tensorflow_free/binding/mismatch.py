"""What does not fit, in words: made where it is found, before it is known where in the recipe it stands."""

from __future__ import annotations

from collections.abc import Callable

Path = tuple[str | int, ...]


Words = str | Callable[[], str]
"""A message, or what makes it: finding the nearest name is slow, and most go unread, as another signature fits."""


class Mismatch(Exception):
    """An argument that does not fit a parameter."""

    def __init__(self, words: Words, weight: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.weight = weight
        self.below: Path = ()
        """Where inside the argument it is, for an element of a list."""

    @property
    def message(self) -> str:
        """What is wrong."""
        return said(self.words)


def said(words: Words) -> str:
    """The message, made now where it was not yet."""
    return words if isinstance(words, str) else words()
