"""Where each key of a text stands: line and column, found by reading the text again once an error needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from yaml import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # libyaml's, which has no other public name

_NO_KEY: Final = object()


@dataclass(slots=True)
class Mark:
    """Where a key or a list's element begins, counted from 1, and what stands below it."""

    line: int
    column: int
    below: dict[str | int, Mark] = field(default_factory=dict)

    def find(self, path: Sequence[str | int]) -> tuple[Mark, int]:
        """The mark of the longest beginning of `path` that is there, and its length."""
        mark = self
        for depth, part in enumerate(path):
            if part not in mark.below:
                return mark, depth
            mark = mark.below[part]
        return mark, len(path)


def marks(text: str) -> Mark:
    """The marks of all keys in `text`, up to where it stops being YAML; of a key given twice, the first."""
    root = Mark(1, 1)
    walk = _Walk(root)
    parser = CParser(text.removeprefix("\ufeff"))
    try:
        while True:
            event = parser.get_event()
            if type(event) is StreamEndEvent or event is None:
                return root
            walk.take(event)
    except YAMLError:
        return root


class _Walk:
    """The open collections of one text: of each its mark, and its kind with what it waits for."""

    def __init__(self, root: Mark) -> None:
        self._root = root
        self._open: list[Mark] = []
        self._keys: list[Any] = []
        self._anchors: dict[str, Mark] = {}

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind in (MappingEndEvent, SequenceEndEvent):
            self._open.pop()
            self._keys.pop()
        elif kind is AliasEvent:
            self._place(event).below = self._anchors.get(event.anchor, Mark(1, 1)).below
        elif kind is ScalarEvent and self._waits_for_key():
            self._keys[-1] = self._open[-1].below.setdefault(event.value, _mark(event))
        elif kind in (MappingStartEvent, SequenceStartEvent, ScalarEvent):
            self._value(event, kind)

    def _value(self, event: Any, kind: type) -> None:
        mark = self._place(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = mark
        if kind is not ScalarEvent:
            self._open.append(mark)
            self._keys.append(_NO_KEY if kind is MappingStartEvent else None)

    def _waits_for_key(self) -> bool:
        return bool(self._keys) and self._keys[-1] is _NO_KEY

    def _place(self, event: Any) -> Mark:
        """The mark of the value that begins with `event`: its key's, or its own where it has no key."""
        if not self._open:
            return self._root
        if self._keys[-1] is None:
            elements = self._open[-1].below
            return elements.setdefault(len(elements), _mark(event))
        if self._keys[-1] is _NO_KEY:
            self._keys[-1] = _mark(event)
            return _mark(event)
        mark: Mark = self._keys[-1]
        self._keys[-1] = _NO_KEY
        return mark


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
