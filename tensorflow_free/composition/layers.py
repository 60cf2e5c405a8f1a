"""Where the keys of a composed recipe came from: files, a case, overrides; each is a layer over those before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tensorflow_free.composition.interpolations import named_in
from tensorflow_free.composition.overrides import NOT_GIVEN, Override
from tensorflow_free.composition.recipe_files import RecipeText
from tensorflow_free.errors import Place
from tensorflow_free.recipe.dotted import KeyPath, dotted


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of keys: a file, the case at `below` in a file, or an override of the key at `below`."""

    source: RecipeText | Override
    below: KeyPath = ()

    def depth(self, path: Sequence[str | int]) -> int:
        """How many parts of `path` it has given."""
        if isinstance(self.source, Override):
            return _given(self.source, self.below, path)
        return max(0, self.source.marks.find([*self.below, *path])[1] - len(self.below))

    def place(self, path: Sequence[str | int], depth: int) -> Place:
        """The place of the first `depth` parts of `path`, with the dotted path of all of them."""
        if isinstance(self.source, Override):
            return Place(dotted(path), self.source.place.file)
        mark = self.source.marks.find([*self.below, *path[:depth]])[0]
        return Place(dotted(path), self.source.shown, mark.line, mark.column)


def _given(override: Override, at: KeyPath, path: Sequence[str | int]) -> int:
    """How many parts of `path` the override of the key `at` has given; parts that only lead to it do not count."""
    if override.value is NOT_GIVEN or tuple(path[: len(at)]) != at:
        return 0
    node = override.value
    for depth in range(len(at), len(path)):
        if not _holds(node, path[depth]):
            return depth
        node = node[path[depth]]
    return len(path)


def _holds(node: object, part: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and part in node


def place(layers: Sequence[Layer], path: Sequence[str | int]) -> Place:
    """Where the key at `path` was given, or the nearest above it; of two layers that both gave it, the later."""
    best, best_depth = None, -1
    for layer in layers:
        depth = layer.depth(path)
        if depth >= best_depth and (depth or not isinstance(layer.source, Override)):
            best, best_depth = layer, depth
    return best.place(path, best_depth) if best is not None else Place(dotted(path))


def is_trusted(layers: Sequence[Layer], written: Mapping[str, Any], path: Sequence[str | int]) -> bool:
    """Whether a person gave all that stands at `path`: each part by a trusted override, none by a reference to a file.

    Args:
        layers: the sources of the recipe.
        written: the recipe's mapping before its references are replaced.
        path: the key.
    """
    node: Any = written
    for part in path:
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return all(_gave(layers, leaf) and not named_in(written, leaf) for leaf in _leaves(node, tuple(path)))


def _gave(layers: Sequence[Layer], leaf: KeyPath) -> bool:
    """Whether the last of the layers that gave the key is a trusted override."""
    gave = [layer.source for layer in layers if layer.depth(leaf) == len(leaf)]
    return bool(gave) and isinstance(gave[-1], Override) and gave[-1].trusted


def _leaves(node: Any, path: KeyPath) -> Iterator[KeyPath]:
    below = dict(enumerate(node)) if isinstance(node, list) else node
    if not isinstance(below, Mapping) or not below:
        yield path
        return
    for key, value in below.items():
        yield from _leaves(value, (*path, key))


def through_references(found: Place, layers: Sequence[Layer], written: object, path: Sequence[str | int]) -> Place:
    """The place of the key at `path`, with the overrides that gave what it refers to, where some did.

    Args:
        found: its place, as `place` tells it.
        layers: the sources of the recipe.
        written: the recipe's mapping before its references are replaced.
        path: the key.
    """
    overrides = {dotted(layer.below): layer.source for layer in layers if isinstance(layer.source, Override)}
    names = named_in(written, path) if overrides else ()
    given = [str(Place(file=overrides[name].place.file)) for name in names if name in overrides]
    return replace(found, through=" and ".join(one for one in given if one != found.file))
