"""Parameters that overrides give and that nothing reads; likely a typo where one that exists has nearly the name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import Problem
from tensorflow_free.recipe.names import nearest


def unread(params: Any, mapping: Mapping[str, Any], overrides: Sequence[Override]) -> Iterator[Problem]:
    """A problem for each new parameter that nothing reads and that is nearly named as one that is there.

    Args:
        params: the parameters before the overrides.
        mapping: the recipe with the overrides, its references not yet replaced.
        overrides: those that were applied; one with `+` adds what it says.
    """
    known: Collection[str] = params if isinstance(params, Mapping) else ()
    for override in overrides:
        key = ".".join(override.parts[:2])
        if override.kind != "set" or override.parts[0] != "params" or not override.parts[1:]:
            continue
        name = override.parts[1]
        near = None if name in known else nearest(name, known)
        named = re.compile(rf"\b{re.escape(key)}(?!\w)")
        if near is not None and not any(map(named.search, _texts(mapping))):
            better = f"did you mean 'params.{near}'? '+{override.text}' adds it all the same"
            yield Problem(override.place, f"nothing in the recipe reads '{key}'; {better}")


def unread_params(mapping: Mapping[str, Any], overrides: Sequence[Override]) -> list[str]:
    """The parameters that overrides give and that nothing in a recipe names: `params.m`.

    Whatever names one counts as reading it, a description or a case that is not taken, too: none is told that is read.

    Args:
        mapping: the recipe with the overrides, its references not yet replaced.
        overrides: those that were applied.
    """
    given = {one.parts[1]: None for one in overrides if one.kind != "delete" and _is_param(one)}
    if not given:
        return []
    texts = [*_texts(mapping), *_below_params(mapping)]
    if any(_ALL.search(text) for text in texts):
        return []
    read = {name for name in given if any(re.search(rf"params\.{re.escape(name)}(?!\w)", text) for text in texts)}
    return [f"params.{name}" for name in given if name not in read]


_ALL: Final = re.compile(r"\$\{\s*params\s*\}")
"""A reference to all parameters at once."""


def _is_param(override: Override) -> bool:
    return override.parts[0] == "params" and len(override.parts) > 1


def _below_params(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """What stands below a key `params` that does not give the recipe's own, as a nested `when` has it, dotted."""
    if isinstance(value, list):
        for below in value:
            yield from _below_params(below, (*path, ""))
    elif isinstance(value, Mapping):
        gives = path == ("params",) or (len(path) == _IN_CASE and path[0] == "cases" and path[2] == "params")
        if path[-1:] == ("params",) and not gives:
            yield from (f"params.{key}" for key in value)
        for key, below in value.items():
            yield from _below_params(below, (*path, str(key)))


_IN_CASE: Final = 3
"""How many keys lead to the parameters of a case: `cases.NAME.params`."""


def _texts(value: Any) -> Iterator[str]:
    """Every text in a recipe, keys too: a parameter is named in references and below `when`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from map(str, value)
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
