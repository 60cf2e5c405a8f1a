"""A run of a plan, as often as its recipe says, with a verdict on each relation that it states."""

from __future__ import annotations

from collections.abc import Callable

from tensorflow_free.judging.known_faults import with_verdict
from tensorflow_free.judging.repeats import Ran
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.result import Result
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import GivenTensors, Progress, run_repeatedly


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
