"""Reads the text of a recipe file into plain values, and finds where its keys stand."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

from yaml import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from tensorflow_free.composition.marks import Mark
from tensorflow_free.composition.syntax import decoded
from tensorflow_free.composition.yaml_walk import NO_KEY, YamlWalk
from tensorflow_free.errors import RecipeError


def read_yaml(text: str | bytes, file: str) -> Any:
    """The one document in `text` as dicts, lists, strings, integers, floats, booleans and None.

    Args:
        text: a whole file; bytes are taken as UTF-8.
        file: its name in messages.

    Raises:
        RecipeError: with every problem of the text, each with its line and column.
    """
    source = decoded(text, file)
    reading = _Reading(source, file)
    return reading.value()


def marks(text: str) -> Mark:
    """The marks of all keys in `text`, up to where reading stops; of a key given twice, the first.

    They are found by reading the text again, so that one that is right pays nothing for them.
    """
    marking = _Marking(text, "")
    with suppress(RecipeError):
        marking.value()
    return marking.root


class _Reading(YamlWalk):
    """A text read for what it says."""

    @cached_property
    def _marks(self) -> Mark:
        return marks(self._text)

    def _first_line(self, key: str) -> int:
        return self._marks.find([*self._path(), key])[0].line


class _Marking(YamlWalk):
    """A text read once more, for the places of its keys and elements, which only an error needs."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text, file)
        self.root = self._key = self._put_at = Mark(1, 1)
        self._at: list[Mark] = []
        self._of: dict[int, Mark] = {}

    def _scalar(self, event: ScalarEvent) -> None:
        self._rare_scalar(event)

    def _start(self, event: MappingStartEvent | SequenceStartEvent, collection: Any) -> None:
        super()._start(event, collection)
        self._at.append(self._put_at)
        self._of[id(collection)] = self._put_at

    def _end(self, event: MappingEndEvent | SequenceEndEvent) -> None:
        super()._end(event)
        self._at.pop()

    def _put(self, value: Any, event: Any) -> None:
        self._put_at = self._place(event)
        if type(event) is AliasEvent and id(value) in self._of:
            self._put_at.below = self._of[id(value)].below
        super()._put(value, event)

    def _place(self, event: Any) -> Mark:
        """The mark of the value that begins with `event`: its key's, or its own where it has no key."""
        if not self._open:
            return self.root
        here, below = Mark(event.start_mark.line + 1, event.start_mark.column + 1), self._at[-1].below
        if type(self._open[-1]) is list:
            return below.setdefault(len(self._open[-1]), here)
        if self._keys[-1] is NO_KEY:
            self._key = below.setdefault(event.value, here) if type(event) is ScalarEvent else here
        return self._key

    def _problem(self, event: Any, message: str) -> None:
        """Nothing: it is reported where the text is read."""

    def _key_message(self, event: Any, value: Any) -> str:
        del event, value
        return ""
