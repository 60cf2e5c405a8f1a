"""What does not fit, in words: raised where it is found, before its place in the recipe is known."""

from __future__ import annotations

from tensorflow_free.errors import Message, said
from tensorflow_free.recipe.dotted import KeyPath


class Mismatch(Exception):
    """An argument that does not fit a parameter."""

    def __init__(self, words: Message, weight: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.weight = weight
        self.below: KeyPath = ()
        """Where inside the argument it is, for an element of a list."""

    @property
    def message(self) -> str:
        """What is wrong."""
        return said(self.words)
