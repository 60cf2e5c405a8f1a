"""`when`: the cells that an expectation or a known fault is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tensorflow_free.plan.settings import SETTINGS
from tensorflow_free.recipe.device_names import kind_problem
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import RECIPE_DTYPES, did_you_mean
from tensorflow_free.text.phrases import shown

PLAIN: Final = tuple(key.name for key in KEYS.values() if key.asked == "itself")
GROUPS: Final = tuple(key.name for key in KEYS.values() if key.asked == "below")


def problems(when: Mapping[str, Any], recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Each key of `when` that names nothing of a cell, with why."""
    allowed = (*PLAIN, *(f"params.{name}" for name in recipe.params), *(f"settings.{name}" for name in recipe.settings))
    for key in when:
        group, _, rest = key.partition(".")
        if group == "settings" and rest not in SETTINGS:
            near = (
                did_you_mean(key, [f"settings.{name}" for name in SETTINGS]) or "; `settings` lists none of that name"
            )
            yield key, f"'{key}' is not something that `when` can ask for{near}"
            continue
        if key in allowed or group == "settings":
            yield from ((key, why) for one in _listed(when[key]) if (why := _wrong_value(key, one, recipe)))
            continue
        near = did_you_mean(key, allowed) or f"; it may name {', '.join(allowed)}"
        yield key, f"'{key}' is not something that `when` can ask for{near}"


def _wrong_value(key: str, value: Any, recipe: Recipe) -> str | None:
    """Why no cell can have `value` under this key, or None; backends and the kinds of device are open lists."""
    if key == "dtype" and value not in RECIPE_DTYPES:
        return (
            f"'{shown(value)}' is not a dtype of a recipe{did_you_mean(value, RECIPE_DTYPES) or _one_of(RECIPE_DTYPES)}"
        )
    if key == "device" and isinstance(value, str) and ":" in value:
        return f"'{value}' has an index, and `when` asks for the kind of device; write '{value.partition(':')[0]}'"
    if key == "device" and (meant := kind_problem(value)):
        return f"'{shown(value)}' is not a device{meant}"
    if key == "case" and recipe.cases and value not in (None, *recipe.cases):
        return f"'{shown(value)}' is not a case{did_you_mean(value, recipe.cases) or _one_of(recipe.cases)}"
    return None


def _one_of(words: Iterable[str]) -> str:
    return f"; it is one of {', '.join(words)}"


def holds(when: Mapping[str, Any] | None, recipe: Recipe) -> bool:
    """Whether a cell of this recipe is one that `when` names: every key holds; a list is "one of"."""
    return all(_one(key, wanted, recipe) for key, wanted in (when or {}).items())


def _one(key: str, wanted: Any, recipe: Recipe) -> bool:
    is_ = _cell(key, recipe)
    return any(is_ == one and isinstance(is_, bool) == isinstance(one, bool) for one in _listed(wanted))


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _cell(key: str, recipe: Recipe) -> Any:
    """What the cell has under this key: of a device its type, of a backend its name."""
    group, _, rest = key.partition(".")
    if group in GROUPS and rest:
        return getattr(recipe, group).get(rest)
    found = {"device": recipe.device.partition(":")[0], "dtype": recipe.dtype, "backend": recipe.backend.name}
    return found.get(key, recipe.case)
