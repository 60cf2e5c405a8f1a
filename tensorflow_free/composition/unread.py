"""Parameters that an override adds with nearly the name of one that exists, and that nothing reads: likely a typo."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

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
