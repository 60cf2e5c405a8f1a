"""`run_recipe`, and a run of a plan whose step is named as nearly as can be, though an error of a device shows late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tensorflow_free.judging.repeats import Ran
from tensorflow_free.loading import plan_of
from tensorflow_free.located.elsewhere import NotElsewhere, run_elsewhere
from tensorflow_free.outcome.plain_reasons import Bare, Because
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.plan import Plan
from tensorflow_free.process.progress import ProgressBar, in_notebook
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.result.result import Result
from tensorflow_free.run.failures import step_error
from tensorflow_free.run.lost_devices import lost_before
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import Progress


def _silent(result: Result) -> None:
    del result


def run_located(
    plan: Plan,
    *,
    progress: Progress | None = None,
    watch: Watch | None = None,
    early: Callable[[Result], object] = _silent,
) -> Ran:
    """Run a plan as `run_judged` does, and where an error of a device showed late, again in a process of its own.

    There each step is waited for, so that the error shows in the step that it is of. Where this process has lost one of
    the plan's devices before, the first run is in a process of its own, too.

    Args:
        plan: what to run.
        progress: as of `run`.
        watch: as of `run`.
        early: told a result whose step is looked for from now on, for the case that this process is ended meanwhile.

    Returns:
        As of `run_judged`.
    """
    if lost_before(plan.devices):
        try:
            return run_elsewhere(plan, exact=False), None
        except NotElsewhere as why:
            result, cause = run_judged(plan, progress=progress, watch=watch)
            return _noting(result, Because(code="cannot be run again", why=str(why))), cause
    result, cause = run_judged(plan, progress=progress, watch=watch)
    if result.error is None or not result.error.is_late:
        return result, cause
    early(result)
    try:
        again = run_elsewhere(plan, exact=True)
    except NotElsewhere as error:
        return _noting(result, Because(code="cannot be run again", why=str(error))), cause
    if again.error is None:
        return _noting(result, Bare(code="not lost again")), cause
    return replace(again, name=result.name, timings=result.timings, warnings=result.warnings), cause


def _noting(result: Result, note: Bare | Because) -> Result:
    """The result whose failure tells why the step is not known any nearer."""
    error = result.error
    if error is None:
        return result
    first, line, rest = error.message.partition("\n")
    told = error.model_copy(update={"message": f"{first}; {words(note)}{line}{rest}"})
    return replace(result, error=told)


def run_recipe(recipe: Recipe, *, progress: Progress | None = None) -> Result:
    """Run a recipe on fresh tensors, as often as its key `repeats` says, and judge the relations that it states.

    Args:
        recipe: what `load_recipe` gave.
        progress: called now and then with how many steps are done and how many there are; by default a notebook shows
            a bar of a run that takes long.

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
    with ProgressBar("steps", enabled=in_notebook()) as tick:
        result, cause = run_located(plan, progress=tick if progress is None else progress)
    result.name = recipe.stem
    if result.error is not None and not result.error.expected:
        raise step_error(result.error, plan) from cause
    return result
