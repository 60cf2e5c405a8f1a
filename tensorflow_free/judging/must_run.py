"""Whether a run lacks a kernel that its recipe says it must have."""

from __future__ import annotations

from typing import Final

from tensorflow_free.binding.required import is_named
from tensorflow_free.outcome.reasons import OfNames, StepFailed
from tensorflow_free.recipe.models import Recipe

WHOLE: Final = {"steps": "the steps as a whole", "backward": "the backward pass"}
"""What has no kernel where no one op is known to lack it, by where it is."""


def required(recipe: Recipe, error: StepFailed) -> OfNames | None:
    """Why what has no kernel in a run must have one, by `must_run`; None where it need not.

    Of a compiled recipe, and of a backward pass, nothing tells which op has none: there, any that is named must.
    """
    if error.code != "no kernel" or not recipe.must_run:
        return None
    if recipe.must_run == "all":
        return OfNames(code="must run", name="all")
    part, _, below = error.path.partition(".")
    if part == "backward" or (part == "steps" and not below):
        return OfNames(code="must run within", name=", ".join(recipe.must_run), other=WHOLE[part])
    step = recipe.parts.get(error.step, error.step)
    named = [one for one in recipe.must_run if is_named(one, step, error.op)]
    return OfNames(code="must run", name=named[0]) if named and part in ("steps", "checks") else None
