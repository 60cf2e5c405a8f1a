"""A word that completion offers, and the command line as far as it is typed. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

OPEN: Final = ("=", ".", "/", ",", ":", "[")
"""Ends of words that go on: no space follows them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that completion offers for the one that is being typed, whole, and what it means."""

    word: str
    says: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it goes on, so that no space follows."""
        return self.word.endswith(OPEN)


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A command line up to the cursor, its words without quotes.

    Attributes:
        program: `recipe` or `run-recipe`.
        words: the words before the one that is being typed.
        word: that one, as far as it is typed.
    """

    program: str
    words: tuple[str, ...]
    word: str


def behind(prefix: str, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """The candidates with what stands before them in the word."""
    return (replace(one, word=f"{prefix}{one.word}") for one in candidates)


def beginning(text: str, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Those that begin with what is typed, each once."""
    seen: set[str] = set()
    for one in candidates:
        if one.word.startswith(text) and one.word not in seen:
            seen.add(one.word)
            yield one


def of_words(words: Iterable[str], says: str = "") -> Iterator[Candidate]:
    """A candidate for each word."""
    return (Candidate(word, says) for word in words)


def at(said: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What a recipe says at a path of keys; None where it says nothing."""
    node: Any = said
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
