"""A recipe in another cell: plain eager PyTorch on the CPU, with the ops that `reference` names; or another dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tensorflow_free.cell.stored_pair import without_files
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.keys import USUAL_REFERENCE
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.relations.changed_runs import UnrelatedError
from tensorflow_free.runner import GivenTensors

_LEFT_OUT: Final = (
    "defaults",
    "checks",
    "expect",
    "tolerance",
    "reference",
    "relations",
    "repeats",
    "must_run",
    "starts",
    "xfail",
)
"""Keys of a recipe that say how a run is judged, and not what it computes."""


def is_plain(plan: Plan) -> bool:
    """Whether a run is plain eager PyTorch on the CPU, and so can be no worse than that."""
    recipe = plan.recipe
    is_eager_cpu = recipe.backend.name == "eager" and recipe.device.partition(":")[0] == "cpu"
    return is_eager_cpu and not plan.ops and not _own(recipe)


def plain(plan: Plan, starts: GivenTensors) -> Plan | None:
    """A run's plan in plain eager PyTorch on the CPU, of its dtype; None where there is none, as an op is no op of it.

    Args:
        plan: the run's.
        starts: its starting tensors.
    """
    recipe = plan.recipe
    cell = {"device": "cpu", "backend": "eager", "dtype": recipe.dtype}
    try:
        found = in_another_cell(recipe, starts, cell, overrides_in(_own(recipe), "reference"))
    except UnrelatedError:
        return None
    return None if found.ops else found


def _own(recipe: Recipe) -> dict[str, Any]:
    """What a recipe's reference is besides where it runs."""
    return {key: value for key, value in recipe.reference.items() if key not in (*USUAL_REFERENCE, "inputs")}


def in_another_cell(
    recipe: Recipe, starts: GivenTensors, cell: Mapping[str, Any], others: Sequence[Override] = ()
) -> Plan:
    """A recipe's plan in another cell, which records the same values.

    Args:
        recipe: the recipe.
        starts: its starting tensors, for those that it reads from files.
        cell: its device, backend and dtype.
        others: what else is another.

    Raises:
        UnrelatedError: the recipe does not bind there.
    """
    mapping = {key: value for key, value in recipe.written.items() if key not in _LEFT_OUT}
    record = recipe.record or ("all" if recipe.backend.name == "eager" else "outputs")
    mapping |= {**cell, "record": record, "tensors": without_files(mapping.get("tensors") or {}, starts)}
    # the recipe has bound with its options, whoever gave them
    compiler = Override("backend", "set", ("backend",), mapping.pop("backend", "eager"), trusted=True)
    calls = recipe.backend.calls
    cases = [] if isinstance(calls, int) else [case_override(calls[-1])]
    try:
        return plan_of(load_recipe(mapping, [compiler, *cases, *others]))
    except RecipeError as error:
        raise UnrelatedError(f"the recipe does not run in {cell['dtype']}: {error.problems[0]}") from error
