"""Mappings merged, and single keys set in them. The arguments are not changed: what differs is copied."""

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


def placed(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """As `merged`, but that a new key comes before the next key of `high` that `low` has, and not at the end."""
    new: list[str] = []
    before: dict[str, list[str]] = {}
    for key in high:
        if key in low:
            before[key], new = new, []
        else:
            new.append(key)
    whole = merged(low, high)
    order = [name for key in low for name in (*before.get(key, ()), key)]
    return {name: whole[name] for name in (*order, *new)}


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
