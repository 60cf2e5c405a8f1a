"""A dotted path as the keys of a recipe, some of which contain dots: `expect.w.grad.rtol`, `….when.params.n`.

A key that exists is matched whole, the longest first. Else, below `expect` the name of a value goes on until the key
of an expectation (so `expect.y.shape` asks of y's shape); below `when` and a compiler's `options` all that is left is
one key; and everywhere else each dot leads one level down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tensorflow_free.recipe.keys import EXPECTATION_KEYS

KeyPath = tuple[str | int, ...]
"""The keys and positions that lead to a place of a recipe, from the top."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a mapping of a recipe is: what its keys lead to, and how far one of them goes where it is not there yet.

    Attributes:
        below: the kinds of what stands at its keys; `*` is any other key.
        ends: the words that can follow a key that holds dots; without it no key does.
        is_last: whether all that is left of a path is one key.
    """

    below: Mapping[str, _Kind] = field(default_factory=dict)
    ends: frozenset[str] = frozenset()
    is_last: bool = False

    def at(self, key: str) -> _Kind:
        """The kind of what stands at a key."""
        return self.below.get(key) or self.below.get("*") or _PLAIN

    def length(self, parts: Sequence[str]) -> int:
        """How many parts make one key, where none that is there does."""
        if self.is_last:
            return len(parts)
        if not self.ends:
            return 1
        return next((length for length in range(1, len(parts)) if parts[length] in self.ends), len(parts))

    def may_follow(self, value: Any, rest: Sequence[str]) -> bool:
        """Whether the rest of a path can lead on from the value of a key that is there."""
        if not rest or not (self.ends or self.is_last):
            return True
        return rest[0] in self.ends or (isinstance(value, list) and rest[0].isdigit())


_PLAIN: Final = _Kind()
_CONDITION: Final = _Kind(is_last=True)
_CONDITIONAL: Final = _Kind({"when": _CONDITION})
_EXPECT: Final = _Kind({"*": _CONDITIONAL}, ends=EXPECTATION_KEYS)
_KEYS: Final = {
    "expect": _EXPECT,
    "relations": _Kind({"*": _CONDITIONAL}),
    "xfail": _CONDITIONAL,
    "backend": _Kind({"options": _Kind(is_last=True)}),
}
_RECIPE: Final = _Kind({**_KEYS, "cases": _Kind({"*": _Kind(_KEYS)}), "reference": _Kind(_KEYS)})


def dotted(path: Sequence[str | int]) -> str:
    """A path as messages show it: `steps.y.args.0`."""
    return ".".join(str(part) for part in path)


def path_of(recipe: Any, parts: Sequence[str]) -> KeyPath:
    """The dotted `parts` as keys and indices of a recipe; where there is no such key yet, as they would stand in it."""
    path: list[str | int] = []
    node, kind, rest = recipe, _RECIPE, list(parts)
    while rest:
        if isinstance(node, list) and rest[0].isdigit():
            index = int(rest.pop(0))
            path.append(index)
            node = node[index] if index < len(node) else None
            continue
        length = _there(node, kind, rest) or kind.length(rest)
        key = ".".join(rest[:length])
        path.append(key)
        del rest[:length]
        node, kind = node.get(key) if isinstance(node, Mapping) else None, kind.at(key)
    return tuple(path)


def _there(node: Any, kind: _Kind, parts: Sequence[str]) -> int:
    """How many of `parts` make a key that is there and from which the rest can lead on; 0 where none do."""
    if not isinstance(node, Mapping):
        return 0
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in node and kind.may_follow(node[key], parts[length:]):
            return length
    return 0
