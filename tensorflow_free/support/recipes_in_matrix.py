"""The user's recipes as rows of a support matrix: each of their cases, in each dtype."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.composition.override_texts import of_case
from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import cases_of, read_form
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import RECIPE_DTYPES
from tensorflow_free.support.probes_of_op import FORWARD_ONLY, RecipeProbes

BACKWARD: Final = "backward"
"""The op that differentiates."""


def probes_of_recipes(files: Sequence[Path], dtypes: Sequence[str], *, forward: bool) -> Iterator[RecipeProbes]:
    """What is run of recipes, in those dtypes that a recipe can have.

    Args:
        files: the recipes.
        dtypes: the dtypes.
        forward: whether gradients are left out.
    """
    for file in files:
        for case in cases_in_words(file):
            for dtype in dtypes:
                if dtype in RECIPE_DTYPES:
                    overrides = (*case, f"dtype={dtype}")
                    more = (FORWARD_ONLY,) if forward else ()
                    has_gradient = not forward and differentiates(file, overrides)
                    yield RecipeProbes(str(file), (*overrides, *more), dtype, has_gradient)


def cases_in_words(file: Path) -> list[tuple[str, ...]]:
    """The overrides of each case; of a recipe that cannot be read, which its row tells, none."""
    try:
        return [tuple(texts_of(of_case(name))) for name in cases_of(file)] or [()]
    except RecipeError:
        return [()]


def differentiates(file: Path, overrides: Sequence[str]) -> bool:
    """Whether a recipe differentiates anything, by its form alone."""
    try:
        return has_backward(read_form(file, overrides))
    except RecipeError:
        return False


def has_backward(recipe: Recipe) -> bool:
    """Whether a recipe has a backward pass, or a step that is one."""
    return bool(recipe.backward) or any(step.op == BACKWARD for _, step in steps_of(recipe.steps))
