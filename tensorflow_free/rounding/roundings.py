"""To what a cell rounds, found from its recipe, and from a run of it where the recipe's text leaves it open."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.rounding.nudged_runs import Roundings
from tensorflow_free.rounding.products import epsilons_of_products
from tensorflow_free.rounding.step_dtypes import StepDtypes, all_round_alike, noting, others
from tensorflow_free.runner import GivenTensors, values_of_run


def roundings_of(
    recipe: Recipe,
    beside: Plan,
    given: GivenTensors | None,
    *,
    usual: torch.dtype,
    noted: StepDtypes | None = None,
    starts: bool = False,
) -> Roundings:
    """To what a cell rounds.

    Args:
        recipe: the cell's.
        beside: what runs in the cell's dtype on an eager CPU, to tell to what each step rounds.
        given: the starting tensors that it is given, as of `run`.
        usual: the dtype to which most of the cell rounds.
        noted: the dtypes of its steps, where a run has told them.
        starts: whether the starting tensors are rounded, too.
    """
    noted = {} if noted is None else noted
    if not noted and not all_round_alike(beside):
        values_of_run(noting(beside, noted), given, nullcontext)
    return Roundings(usual, others(noted, usual), *epsilons_of_products(recipe), starts=starts)
