"""What two runs depended on, and where they stopped, as far as it is not the same: as data and in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.codec.values import plain
from tensorflow_free.recipe.keys import DEFAULTS
from tensorflow_free.result.environment import environments_apart
from tensorflow_free.text.page import Line, line
from tensorflow_free.text.phrases import shown

if TYPE_CHECKING:
    from tensorflow_free.recipe.models import Recipe
    from tensorflow_free.result.result import Result

MOST_KEYS: Final = 12
"""How many of the keys in which two recipes differ are shown."""

LONGEST: Final = 60
"""Characters of a value of such a key."""


def stopped_apart(mine: Result, its: Result) -> list[str]:
    """Where one of the two stopped and the other did not, or elsewhere."""
    ends = [None if one.error is None else (one.error.step, one.error.type) for one in (mine, its)]
    if ends[0] == ends[1]:
        return []
    words = ["it ran to its end" if one is None else f"it stopped at '{one[0]}' ({one[1]})" for one in ends]
    return [f"{words[0]}; in the reference, {words[1]}"]


def differences(mine: Result, its: Result) -> Iterator[Line]:
    """What the two depended on, as far as it is not the same."""
    parts = (
        ("the environment differs", environments_apart(mine.environment, its.environment)),
        ("the recipes differ", recipes_apart(mine, its)),
    )
    for words, found in parts:
        if not found:
            continue
        yield line()
        yield line(f"{words}:")
        for key, (one, other) in list(found.items())[:MOST_KEYS]:
            yield line(f"{key}: {_short(one)}, and {_short(other)} in the reference", indent=4)
        if len(found) > MOST_KEYS:
            yield line(f"and {len(found) - MOST_KEYS} more", "aside", indent=4)


def recipes_apart(mine: Result, its: Result) -> Mapping[str, tuple[Any, Any]]:
    """The dotted keys in which two recipes differ."""
    were, are = ({**_settled(one.recipe), **dict(_flat(one.recipe.written))} for one in (mine, its))
    return {key: (were.get(key), are.get(key)) for key in dict.fromkeys((*were, *are)) if were.get(key) != are.get(key)}


def _settled(recipe: Recipe) -> dict[str, Any]:
    """What a recipe has where it does not say so."""
    settled = {key: getattr(recipe, key) for key, value in DEFAULTS.items() if isinstance(value, str | int)}
    backend = settled.pop("backend")
    return settled if isinstance(recipe.written.get("backend"), Mapping) else {**settled, "backend": backend.name}


def _flat(mapping: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        dotted = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping) and value:
            yield from _flat(value, dotted)
        else:
            yield dotted, plain(value)


def _short(value: Any) -> str:
    text = "none" if value is None else shown(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
