"""`run_recipe`: a loaded recipe, run; a step that fails is raised."""

from __future__ import annotations

from tensorflow_free.loading import plan_of
from tensorflow_free.recipe import Recipe
from tensorflow_free.result import Result
from tensorflow_free.runner import Progress, run, step_error


def run_recipe(recipe: Recipe, *, progress: Progress | None = None) -> Result:
    """Run a recipe on fresh tensors.

    Args:
        recipe: what `load_recipe` gave.
        progress: called now and then with how many steps are done and how many there are.

    Returns:
        Every recorded value and gradient, and a verdict on each expectation.

    Raises:
        StepError: a step failed, and the recipe did not expect it to. torch's own error is its cause.
        RecipeError: the recipe was made by hand, and does not bind.
    """
    plan = plan_of(recipe)
    result, cause = run(plan, progress=progress)
    if result.error is not None and not result.error.expected:
        raise step_error(result.error, plan) from cause
    return result
