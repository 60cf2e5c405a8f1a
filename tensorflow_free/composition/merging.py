"""Mappings laid over one another, and single keys set in them. Nothing given is changed: what differs is copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """`high` over `low`: mappings are merged key by key, all else (lists too) is replaced whole."""
    result = dict(low)
    for key, value in high.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def path_of(node: Any, parts: Sequence[str]) -> tuple[str | int, ...]:
    """The dotted `parts` as keys and indices of `node`; a key that holds dots itself (`w.grad`) is found whole."""
    path: list[str | int] = []
    rest = list(parts)
    while rest:
        if isinstance(node, list) and rest[0].isdigit():
            index = int(rest.pop(0))
            path.append(index)
            node = node[index] if index < len(node) else None
            continue
        length = _key_length(node, rest) if isinstance(node, Mapping) else 1
        key = ".".join(rest[:length])
        path.append(key)
        del rest[:length]
        node = node.get(key) if isinstance(node, Mapping) else None
    return tuple(path)


def _key_length(node: Mapping[str, Any], parts: Sequence[str]) -> int:
    """How many of `parts` make one key of `node`; 1 where none does."""
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in node:
            return length
    return 1


def with_value(node: Any, path: Sequence[str | int], value: Any) -> Any:
    """A copy of `node` in which `path` is `value`; mappings that are missing on the way are made.

    Every part of `path` must lead through a mapping, a list that is long enough, or nothing.
    """
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(node, list):
        copy: Any = list(node)
        copy[key] = with_value(node[int(key)], rest, value)
        return copy
    copy = dict(node or {})
    copy[key] = with_value(copy.get(key), rest, value)
    return copy


def without(node: Mapping[str, Any], path: Sequence[str | int]) -> dict[str, Any]:
    """A copy of `node` that has no `path`, which leads through mappings only."""
    copy = dict(node)
    key, rest = str(path[0]), path[1:]
    if rest:
        copy[key] = without(copy[key], rest)
    else:
        copy.pop(key, None)
    return copy
