"""The plan of a bound recipe in another dtype, of which nothing is read and bound anew but its starting tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tensorflow_free.binding.starts import Starts
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.tensors.starting_tensors import Start


def in_dtype(plan: Plan, dtype: str, more: Mapping[str, Any]) -> Plan | None:
    """The plan that the recipe of an eager CPU plan has with another dtype.

    Args:
        plan: what is bound.
        dtype: a dtype of a recipe.
        more: further keys with their new values, on which no name hangs: `record` must mean what it meant.

    Returns:
        The plan; None where more than the starting tensors hangs on the dtype, they cannot be made in it, or the plan
        is of a compiler or another device, so that the recipe has to be loaded again.
    """
    if not _follows_in_starts_alone(plan):
        return None
    update = {**more, "dtype": dtype}
    recipe = plan.recipe.model_copy(update=update)
    recipe.write({**plan.recipe.written, "device": "cpu", "backend": "eager", **update})
    starts = _starts_of(recipe)
    if starts is None:
        return None
    found = replace(plan, recipe=recipe, starts=starts)
    recipe.keep(found)
    return found


def _follows_in_starts_alone(plan: Plan) -> bool:
    """Whether nothing that is bound hangs on the recipe's dtype but its starting tensors."""
    recipe = plan.recipe
    if plan.compiled or recipe.device.partition(":")[0] != "cpu":
        return False
    if recipe.refers is None or recipe.refers & _CHANGED or plan.saved is not None or plan.files or plan.variants:
        return False
    if any(one.device is not None for one in recipe.tensors.values()):
        return False
    is_gradient_made = any(isinstance(one, Start) for one in plan.initial)
    if is_gradient_made or any(one.gradient_start is not None for one in plan.passes):
        return False
    written = repr([recipe.written.get(part) for part in _READ])
    return _FOLLOWING_WORDS.search(written) is None


_CHANGED: Final = frozenset({"dtype", "device", "backend", "record", "must_run"})
"""Keys that differ, so that what refers to them does, too."""

_READ: Final = ("steps", "backward", "checks")
"""Keys whose arguments may be words that stand for another number or dtype in each dtype of the recipe."""

_FOLLOWING_WORDS: Final = re.compile(r"finfo|floating|complex|'init'")


def _starts_of(recipe: Recipe) -> tuple[Start, ...] | None:
    """The starting tensors of a recipe that reads no file; None where one is wrong in this dtype."""
    problems: list[str] = []

    def wrong(path: Sequence[str | int], message: str) -> None:
        del path
        problems.append(message)

    starts = Starts(recipe.dtype, "cpu", recipe.input_precision, None, wrong)
    made = [starts.bind(name, spec, ("tensors", name)) for name, spec in recipe.tensors.items()]
    found = tuple(one for one in made if one is not None)
    return None if problems or len(found) < len(made) else found
