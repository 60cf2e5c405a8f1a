"""A run of a plan, as often as its recipe says, with a verdict on each relation that it states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tensorflow_free.judging.known_faults import with_verdict
from tensorflow_free.judging.repeats import Ran
from tensorflow_free.plan.calls import Stopped
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.result import Result
from tensorflow_free.run.failures import stop_by_loss
from tensorflow_free.run.late_errors import may_be_of_another_step, without_lost
from tensorflow_free.run.lost_devices import LostError, lost_among
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import GivenTensors, Progress, run, run_repeatedly


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
    result, cause = _nearer(plan, result, cause, given, watch)
    if not plan.recipe.relations:
        return result, cause
    if result.error is None or result.error.code != "device lost":
        cause = _relate(plan, result, given, watch) or cause
    else:
        _leave_relations(plan, result)
    return result, cause


def _nearer(
    plan: Plan, result: Result, cause: Exception | None, given: GivenTensors | None, watch: Watch | None
) -> Ran:
    """The run; or where a step failed with what may be a device's error of a step before, and it is, one that tells so.

    A device that answers again has told its error once: a run in which each step is waited for shows whose it is.
    """
    error = result.error
    if error is None or plan.exact or error.expected or not may_be_of_another_step(plan, error, cause):
        return result, cause
    again, of_it = run(replace(plan, exact=True), given=given, watch=watch)
    if again.error is None or again.error.path == error.path:
        return result, cause
    return replace(again, name=result.name, timings=result.timings, warnings=result.warnings), of_it


def _relate(plan: Plan, result: Result, given: GivenTensors | None, watch: Watch | None) -> Exception | None:
    """Judge the relations; a device that is lost meanwhile is told as the run's failure: its error, or None."""
    from tensorflow_free.relations.judging_relations import judged_relations  # noqa: PLC0415 - most recipes state none

    try:
        verdicts = list(judged_relations(plan, result, given, watch))
        found = stop_by_loss(plan, result)
    except LostError as lost:
        found = lost.failure, lost
    except Stopped as stopped:
        found = stop_by_loss(plan, result, stopped)
        if found is None:
            raise
    if found is None:
        for verdict in reversed(verdicts):
            result.expectations = with_verdict(result, verdict)
        return None
    failure, cause = found
    told = f"{failure.message}\nit was lost when `relations` were judged, in a run on other tensors"
    result.error = failure.model_copy(update={"message": told})
    result.records = without_lost(result.records, lost_among(plan.devices))
    _leave_relations(plan, result)
    return cause


def _leave_relations(plan: Plan, result: Result) -> None:
    """Tell of each relation that it is not judged, as a device is lost."""
    from tensorflow_free.relations.judging_relations import unjudged_relations  # noqa: PLC0415 - as above

    for verdict in reversed(list(unjudged_relations(plan, result, "a device was lost"))):
        result.expectations = with_verdict(result, verdict)
