"""`run_recipe`, and a run of a plan, as often as its recipe says, with a verdict on each relation that it states."""

from __future__ import annotations

from collections.abc import Callable

from tensorflow_free.judging.known_faults import with_verdict
from tensorflow_free.judging.repeats import Ran
from tensorflow_free.loading import plan_of
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.run.failures import step_error
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import GivenTensors, Progress, run_repeatedly


def run_recipe(recipe: Recipe, *, progress: Progress | None = None) -> Result:
    """Run a recipe on fresh tensors, as often as its key `repeats` says, and judge the relations that it states.

    Args:
        recipe: what `load_recipe` gave.
        progress: called now and then with how many steps are done and how many there are.

    Returns:
        Every recorded value and gradient, and a verdict on each expectation and relation.

    Raises:
        StepError: a step failed, and the recipe did not expect it to. torch's own error is its cause.
        RecipeError: the recipe was made by hand, and does not bind.

    Shape:
        Every value has the shape and dtype that PyTorch gives it; a gradient has those of its value. `Result` says how
        they are read.

    Example:
        >>> from tensorflow_free import load_recipe, run_recipe
        >>> recipe = {
        ...     "tensors": {"x": {"init": "tensor", "data": 3.0, "requires_grad": True}},
        ...     "steps": {"y": "x ** 2"},
        ...     "backward": "y",
        ... }
        >>> result = run_recipe(load_recipe(recipe))
        >>> result["y"], result["x.grad"]
        (tensor(9.), tensor(6.))
    """
    plan = plan_of(recipe)
    result, cause = run_judged(plan, progress=progress)
    if result.error is not None and not result.error.expected:
        raise step_error(result.error, plan) from cause
    return result


def run_judged(
    plan: Plan,
    *,
    progress: Progress | None = None,
    given: GivenTensors | None = None,
    watch: Watch | None = None,
    is_bad: Callable[[Result], bool] = lambda result: not result.is_well,
) -> Ran:
    """Run a plan as often as its recipe says, and judge the relations that it states.

    Args:
        plan: what to run.
        progress: as of `run`.
        given: as of `run`.
        watch: as of `run`.
        is_bad: as of `run_repeatedly`.

    Returns:
        As of `run_repeatedly`, with a verdict on each relation, too.
    """
    result, cause = run_repeatedly(plan, progress=progress, given=given, watch=watch, is_bad=is_bad)
    if not plan.recipe.relations:
        return result, cause
    from tensorflow_free.relations.judging_relations import judged_relations  # noqa: PLC0415 - most recipes state none

    for verdict in reversed(list(judged_relations(plan, result, given, watch))):
        result.expectations = with_verdict(result, verdict)
    return result, cause
