"""Which values hang on random steps, found by running again in other random streams."""

from __future__ import annotations

from typing import Final

import torch

from tensorflow_free.judging.as_tensors import readable
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.registry import find
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors, run

STREAMS: Final = tuple(range(1, 9))
"""Seeds of the random streams that tell what lies downstream of a random step."""


def random_names(plan: Plan, given: GivenTensors | None, first: Result) -> frozenset[str]:
    """The values and gradients that lie downstream of a random step: those that change with the random stream.

    Found by trying, so that views, changes in place and gradients need no tracing: the same run again, in eight other
    streams. A value that is the same in all of them (probability 2**-8 for a single coin) counts as not random.
    """
    found: set[str] = set()
    for seed in STREAMS:
        again, _ = run(plan, given=given, stream=seed)
        names = first.records.keys() | again.records.keys()
        found |= {name for name in names - found if _differs(first, again, name)}
        if not found and not surely_draws(plan.recipe):
            break
    return frozenset(found)


def surely_draws(recipe: Recipe) -> bool:
    """Whether an op of torch's draws random numbers; one of the user's own is asked once."""
    ops = [find(step.op or "") for _, step in steps_of(recipe.steps)]
    return any(op is not None and op.random for op in ops)


def _differs(first: Result, again: Result, name: str) -> bool:
    mine, its = (one.records[name].value if name in one.records else None for one in (first, again))
    if not isinstance(mine, torch.Tensor) or not isinstance(its, torch.Tensor):
        return not (mine is its or mine == its)
    mine, its = readable(mine), readable(its)
    return mine.shape != its.shape or not torch.equal(mine.nan_to_num(), its.nan_to_num()) or _nan(mine) != _nan(its)


def _nan(value: torch.Tensor) -> int:
    return int(value.isnan().count_nonzero())
