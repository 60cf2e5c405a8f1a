"""`load_recipe`: from a file or a mapping, and overrides, to a recipe that is bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.composition.compose import Composed, cases_in, compose, untaken_case
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import Place, Problem, RecipeError, StorageError, UnavailableError
from tensorflow_free.form import Form
from tensorflow_free.process.garbage import uncollected
from tensorflow_free.recipe.dotted import dotted
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import did_you_mean

if TYPE_CHECKING:
    from tensorflow_free.plan.plan import Plan
    from tensorflow_free.tensors.saved_starts import SavedStarts

_SHARED: Final = tuple(key.name for key in KEYS.values() if key.counts and not key.per_call)
"""Keys that the cases of one compiled function have in common."""

InCase = Callable[[str], Composed]


def load_recipe(source: str | Path | Mapping[str, Any], overrides: Sequence[str | Override] = ()) -> Recipe:
    """Read, compose and bind a recipe.

    Args:
        source: a recipe file's path, or a mapping of what such a file holds; its `data` may be torch tensors.
        overrides: as on the command line: `["device=cuda", "steps.y.op=sub"]`.

    Returns:
        The recipe, ready for `run_recipe`.

    Raises:
        RecipeError: with every problem of form, names, ops, arguments and references. Nothing else is raised.
        UnavailableError: a RecipeError whose only fault is a device that is not here.

    Shape:
        A tensor given as `data` keeps its shape. It is converted to the recipe's dtype, unless the recipe pins another,
        and copied to the recipe's device.

    Example:
        >>> import torch
        >>> from tensorflow_free import load_recipe
        >>> load_recipe("recipes/linear_autograd.yaml", ["dtype=float64"]).dtype
        'float64'
        >>> x = {"init": "tensor", "data": torch.eye(2)}
        >>> list(load_recipe({"tensors": {"x": x}, "steps": {"y": "x.sum()"}}).steps)
        ['y']
    """
    from tensorflow_free.tensors.devices import best_device

    if not isinstance(source, str | PathLike | Mapping):
        message = f"a {type(source).__name__} cannot be read as a recipe; give a file's path, or a mapping"
        raise RecipeError([Problem(Place(), message)])

    def in_case(name: str) -> Composed:
        return compose(source, [*overrides, case_override(name)], best_device=best_device)

    with uncollected():
        return recipe_of(compose(source, overrides, best_device=best_device), in_case)


def recipe_of(composed: Composed, in_case: InCase | None = None) -> Recipe:
    """The recipe of a composed mapping, bound.

    Args:
        composed: what `compose` gave.
        in_case: composes the same again in another case; without it, from the file that it came from.

    Raises:
        RecipeError: with every problem.
    """
    recipe, plan = _bound(composed, in_case or _from_file(composed))
    recipe.keep(plan)
    return recipe


def untaken_case_of(composed: Composed, error: RecipeError) -> list[Problem]:
    """That no case is chosen, where that is what is wrong with a composed recipe that does not bind."""
    in_case = _from_file(composed)
    return untaken_case(composed, error.problems, lambda name: recipe_of(in_case(name)))


def plan_of(recipe: Recipe) -> Plan:
    """The plan of a recipe; one that `load_recipe` gave has it already.

    Raises:
        RecipeError: the recipe was made by hand, and does not bind; or it is no recipe, but the path of one, say.
    """
    if not isinstance(recipe, Recipe):
        written = f"'{recipe}'" if isinstance(recipe, str | Path) else f"a {type(recipe).__name__}"
        message = (
            f"{written} is not a recipe; run_recipe(load_recipe(…)) reads one from a path or a mapping and runs it"
        )
        raise RecipeError([Problem(Place(), message)])
    plan: Plan | None = recipe.plan
    if plan is None:
        from tensorflow_free.binding.recipes import bind

        plan = bind(recipe)
        recipe.keep(plan)
    return plan


def read_form(source: str | Path | Mapping[str, Any], overrides: Sequence[str | Override] = ()) -> Recipe:
    """Read and compose a recipe for its form alone: no name is looked up, and torch is not loaded.

    Raises:
        RecipeError: with every problem of form.
    """
    form = Form(compose(source, overrides))
    recipe = form.recipe()
    if form.problems or recipe is None:
        raise RecipeError(form.problems)
    return recipe


def cases_of(source: str | Path) -> tuple[str, ...]:
    """The names of a recipe file's cases, without loading torch.

    Raises:
        RecipeError: the file cannot be read.
    """
    return cases_in(source)


def _from_file(composed: Composed) -> InCase:
    path = (composed.folder or Path()) / f"{composed.stem}.yaml"
    return lambda name: compose(path, [*composed.overrides, case_override(name)])


def _bound(composed: Composed, in_case: InCase) -> tuple[Recipe, Plan]:
    """The recipe and its plan; problems of form and of names are reported together."""
    from tensorflow_free.binding.recipes import Binding

    form = Form(composed)
    recipe = form.recipe()
    problems, absent = list(form.problems), list[Problem]()
    if recipe is None or {("tensors",), ("steps",)} & form.broken:
        # where no names are given, each use of one would be told as a problem of its own
        raise RecipeError(_ordered(problems))
    saved = _saved(recipe, composed, problems)
    binding = Binding(recipe, form.place, composed.folder, form.broken, saved)
    broken = {dotted(path) for path in form.broken}
    problems += [one for one in binding.scope.problems if one.place.path not in broken]
    absent += binding.scope.absent
    if problems:
        raise RecipeError(_ordered([*problems, *absent]))
    if absent:
        raise UnavailableError(absent)
    plan = _with_variants(binding.plan(), recipe, composed, in_case)
    # what runs forward only is what is left of the recipe
    return plan.recipe, plan


def _saved(recipe: Recipe, composed: Composed, problems: list[Problem]) -> SavedStarts | None:
    """The starting tensors of the run that the command line names; what is wrong with it joins the problems."""
    from tensorflow_free.binding.given_starts import COMMAND_LINE_ONLY
    from tensorflow_free.result.saved_runs import saved_starts

    if recipe.starts is None:
        return None
    wrong = COMMAND_LINE_ONLY
    if any(one.key == "starts" for one in composed.overrides):
        try:
            return saved_starts(recipe.starts)
        except StorageError as error:
            wrong = str(error)
    problems.append(composed.problem(("starts",), wrong))
    return None


def _with_variants(plan: Plan, recipe: Recipe, composed: Composed, in_case: InCase) -> Plan:
    """The plan with the starting tensors of each case that a compiled function is called with."""
    from dataclasses import replace

    from tensorflow_free.binding.recipes import bind

    calls = recipe.backend.calls
    names = [] if isinstance(calls, int) else calls
    plans: list[Plan] = []
    written: dict[str, Any] = {}
    for position, name in enumerate(names):
        place = composed.place(("backend", "calls", position))
        if name not in recipe.cases:
            near = did_you_mean(name, recipe.cases) or f"; the cases are {', '.join(recipe.cases) or 'none'}"
            raise RecipeError([Problem(place, f"'{name}' is not a case{near}")])
        form = Form(in_case(name))
        variant = form.recipe()
        if variant is None or form.problems:
            raise RecipeError(form.problems)
        if [key for key in _SHARED if getattr(variant, key) != getattr(recipe, key)] or list(variant.tensors) != list(
            recipe.tensors
        ):
            why = "one compiled function is called for cases that differ in their tensors alone"
            raise RecipeError([Problem(place, f"'{name}' changes more than the tensors; {why}")])
        plans.append(bind(variant, form.place, composed.folder))
        written[name] = {"tensors": variant.written.get("tensors", {})}
    _settle_cases(plan.recipe, written)
    files = dict.fromkeys(file for one in (plan, *plans) for file in one.files)
    return replace(plan, variants=tuple(one.starts for one in plans), files=tuple(files))


def _settle_cases(recipe: Recipe, called: Mapping[str, Any]) -> None:
    """Leave of the cases what the written recipe needs to run again: the chosen one, now merged, and those called."""
    written = dict(recipe.written)
    written.pop("cases", None)
    chosen: dict[str, Any] = {} if recipe.case is None else {recipe.case: {}}
    if chosen or called:
        written["cases"] = {**chosen, **called}
    recipe.write(written)


def _ordered(problems: list[Problem]) -> list[Problem]:
    """Problems in the order of their places in the file, each once."""
    unique = list(dict.fromkeys(problems))
    return sorted(unique, key=lambda one: (one.place.file or "", one.place.line or 0, one.place.column or 0))
