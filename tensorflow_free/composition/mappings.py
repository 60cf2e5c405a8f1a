"""Recipes made in Python: a mapping, copied and checked to hold only what a recipe file could say, or torch tensors."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from tensorflow_free.composition.interpolations import WrongReference
from tensorflow_free.composition.safety import refusals
from tensorflow_free.composition.yaml_walk import DEEPEST, DEEPEST_SHOWN, MOST_NODES
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.recipe.dotted import KeyPath, dotted
from tensorflow_free.text.characters import is_text

_PLAIN: Final[frozenset[type]] = frozenset({str, int, float, bool, type(None)})


def checked(source: Mapping[Any, Any]) -> dict[str, Any]:
    """A copy of `source` that holds plain values and tensors only; lists for tuples.

    Raises:
        RecipeError: with all in it that no recipe could hold.
    """
    copying = _Copying()
    mapping = copying.mapping(source, (), frozenset())
    found = [*copying.findings, *refusals(mapping)]
    if mapping.get("defaults") is not None:
        found.append((("defaults",), "a mapping has no folder to take `defaults` from; merge it in Python"))
    if found:
        raise RecipeError(Problem(Place(dotted(path)), message) for path, message in found)
    return mapping


class _Copying:
    """A mapping being copied: what was found in it, and how much was copied."""

    def __init__(self) -> None:
        self.findings: list[WrongReference] = []
        self._nodes = 0

    def mapping(self, source: Mapping[Any, Any], path: KeyPath, above: frozenset[int]) -> dict[str, Any]:
        result = {}
        for key, value in source.items():
            if type(key) is str and is_text(key):
                result[key] = self._value(value, (*path, key), above | {id(source)})
            else:
                self.findings.append((path, f"the key {key!r} is not a word; a recipe's keys are strings"))
        return result

    def _value(self, value: Any, path: KeyPath, above: frozenset[int]) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > DEEPEST or id(value) in above:
            if not self.findings:
                self.findings.append((path[:DEEPEST_SHOWN], "larger or deeper than a recipe may be, or holds itself"))
            return None
        if type(value) is str and not is_text(value):
            self.findings.append((path, f"{value!r} holds half of a character (a lone surrogate); remove it"))
        if _is_tensor(value) and not _is_data(path):
            self.findings.append(
                (path, "a tensor stands among `tensors`, as `data`; give it a name there, and use that")
            )
        if type(value) in _PLAIN or _is_tensor(value):
            return value
        if isinstance(value, Mapping):
            return self.mapping(value, path, above)
        if isinstance(value, list | tuple):
            return [self._value(below, (*path, index), above | {id(value)}) for index, below in enumerate(value)]
        return self._converted(value, path)

    def _converted(self, value: Any, path: KeyPath) -> Any:
        """A number or string of a type of its own (an enumeration's, NumPy's float64) as the plain one."""
        for kind in (int, float, str):
            if isinstance(value, kind):
                return kind(value)
        wanted = "plain numbers, words, lists, mappings and torch tensors"
        self.findings.append((path, f"a '{type(value).__name__}' cannot stand in a recipe; it holds {wanted}"))
        return None


def _is_data(path: KeyPath) -> bool:
    """Whether a starting tensor, or its `data`, stands at `path`, in a case too."""
    below = path[2:] if path[:1] == ("cases",) else path
    return below[:1] == ("tensors",) and (len(below) == len(("tensors", "x")) or below[2:] == ("data",))


def _is_tensor(value: Any) -> bool:
    # whoever has a tensor has imported torch, and nobody else should pay for it
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
