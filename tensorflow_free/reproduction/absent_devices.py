"""The plan of a cell whose device is not here, and what of it can be made: starting tensors, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tensorflow_free.binding.recipes import Binding
from tensorflow_free.cell.blamed_runs import BlamedRun
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.errors import Place, refuse_any
from tensorflow_free.loading import plan_of, read_form
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.devices import absence
from tensorflow_free.tensors.starting_tensors import Start


def not_run(source: Path, overrides: Sequence[str]) -> BlamedRun:
    """A cell that cannot run here: the recipe alone.

    Args:
        source: the recipe file.
        overrides: those that make the cell.

    Raises:
        RecipeError: the recipe has problems of form.
    """
    given = tuple(map(as_override, overrides))
    return BlamedRun(Result(read_form(source, given), {}, name=source.stem), source, given)


def plan_anywhere(recipe: Recipe, folder: Path | None) -> Plan:
    """The plan of a recipe, whether its devices are here or not.

    Args:
        recipe: loaded, or read for its form alone.
        folder: the folder below which it reads its files.

    Raises:
        RecipeError: it does not bind.
    """
    if recipe.plan is not None:
        return plan_of(recipe)
    binding = Binding(recipe, lambda path: Place(".".join(map(str, path))), folder)
    refuse_any(binding.scope.problems)
    return binding.plan()


def absent_in(plan: Plan) -> list[str]:
    """The devices of a plan that are not here."""
    named = (plan.recipe.device, *plan.devices, *(start.device for start in plan.starts))
    return [one for one in dict.fromkeys(named) if absence(one) is not None]


def made_here(plan: Plan) -> Plan:
    """A plan whose starting tensors can be made here: on the CPU, where their device is not here."""
    starts = tuple(map(start_here, plan.starts))
    return replace(plan, starts=starts, devices=tuple(one for one in plan.devices if absence(one) is None))


def start_here(start: Start) -> Start:
    """A starting tensor on its device, or on the CPU, where that is not here; the same numbers."""
    return start if absence(start.device) is None else replace(start, device="cpu")
