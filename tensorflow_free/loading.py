"""From a file, or a mapping, and overrides to a recipe that is bound: composition, one-line steps, form, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tensorflow_free.composition import Composed, case_names, compose
from tensorflow_free.errors import Place, Problem, RecipeError, UnavailableError
from tensorflow_free.expressions import ExpressionError, expand_step
from tensorflow_free.recipe import Recipe, form_problems

if TYPE_CHECKING:
    from tensorflow_free.plan import Plan

Path_ = tuple[str | int, ...]
InCase = Callable[[str], Composed]


def load_recipe(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """Read, compose and bind a recipe.

    Args:
        source: a recipe file's path, or a mapping of what such a file holds; its `data` may be torch tensors.
        overrides: as on the command line: `["device=cuda", "steps.y.op=sub"]`.

    Returns:
        The recipe, ready for `run_recipe`.

    Raises:
        RecipeError: with every problem of form, names, ops, arguments and references. Nothing else is raised.
        UnavailableError: a RecipeError whose only fault is a device that is not here.
    """
    from tensorflow_free.devices import best_device

    def in_case(name: str) -> Composed:
        return compose(source, [*overrides, f"case={name}"], best_device=best_device)

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
    recipe._plan = plan
    return recipe


def plan_of(recipe: Recipe) -> Plan:
    """The plan of a recipe; one that `load_recipe` gave has it already.

    Raises:
        RecipeError: the recipe was made by hand, and does not bind.
    """
    from tensorflow_free.binding import bind

    if recipe._plan is None:
        recipe._plan = bind(recipe)
    plan: Plan = recipe._plan
    return plan


def read_form(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """Read and compose a recipe for its form alone: no name is looked up, and torch is not loaded.

    Raises:
        RecipeError: with every problem of form.
    """
    expanded = _Expanded(compose(source, overrides))
    recipe = expanded.recipe()
    if expanded.problems or recipe is None:
        raise RecipeError(expanded.problems)
    return recipe


def cases_of(source: str | Path) -> tuple[str, ...]:
    """The names of a recipe file's cases, without loading torch.

    Raises:
        RecipeError: the file cannot be read.
    """
    return case_names(compose(source).mapping)


def _from_file(composed: Composed) -> InCase:
    path = (composed.folder or Path()) / f"{composed.stem}.yaml"
    return lambda name: compose(path, [*composed.overrides, f"case={name}"])


def _bound(composed: Composed, in_case: InCase) -> tuple[Recipe, Plan]:
    """The recipe and its plan; problems of form and of names are told together."""
    from tensorflow_free.binding import Binding

    expanded = _Expanded(composed)
    recipe = expanded.recipe()
    problems, absent = list(expanded.problems), list[Problem]()
    if recipe is None:
        raise RecipeError(_ordered(problems))
    binding = Binding(recipe, expanded.place, composed.folder)
    problems += [one for one in binding.scope.problems if one.place.path not in expanded.broken]
    absent += binding.scope.absent
    if problems:
        raise RecipeError(_ordered([*problems, *absent]))
    if absent:
        raise UnavailableError(absent)
    plan = binding.plan()
    return recipe, _with_variants(plan, recipe, composed, in_case)


def _with_variants(plan: Plan, recipe: Recipe, composed: Composed, in_case: InCase) -> Plan:
    """The plan with the starting tensors of each case that a compiled function is called with."""
    from dataclasses import replace

    from tensorflow_free.binding import bind

    calls = recipe.backend.calls
    if isinstance(calls, int):
        return plan
    variants = []
    for position, name in enumerate(calls):
        if name not in recipe.cases:
            place = composed.place(("backend", "calls", position))
            raise RecipeError(
                [Problem(place, f"'{name}' is not a case; the cases are {', '.join(recipe.cases) or 'none'}")]
            )
        other = _Expanded(in_case(name))
        variant = other.recipe()
        if variant is None:
            raise RecipeError(other.problems)
        if variant.steps != recipe.steps:
            place = composed.place(("backend", "calls", position))
            raise RecipeError(
                [
                    Problem(
                        place,
                        f"'{name}' has other steps; one compiled function is called for cases that differ in tensors alone",
                    )
                ]
            )
        variants.append(bind(variant, other.place, composed.folder).starts)
    return replace(plan, variants=tuple(variants))


def _ordered(problems: list[Problem]) -> list[Problem]:
    """Problems in the order of their places in the file, each once."""
    unique = list(dict.fromkeys(problems))
    return sorted(unique, key=lambda one: (one.place.file or "", one.place.line or 0, one.place.column or 0))


@dataclass
class _Expanded:
    """A composed mapping with its one-line steps written out, and what was wrong with them."""

    composed: Composed

    def __post_init__(self) -> None:
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        self._origins: dict[Path_, Path_] = {}
        mapping = dict(self.composed.mapping)
        given = set(_names(mapping))
        for key in ("steps", "checks"):
            if isinstance(mapping.get(key), dict):
                mapping[key] = self._expand(mapping[key], (key,), given)
        self.mapping = mapping

    def place(self, path: Sequence[str | int]) -> Place:
        """Where a key stands in its file; a step made from a one-line step stands where that one does."""
        for length in range(len(path), 0, -1):
            origin = self._origins.get(tuple(path[:length]))
            if origin is not None:
                found = self.composed.place(origin)
                return Place(".".join(str(part) for part in path[:length]), found.file, found.line, found.column)
        return self.composed.place(path)

    def recipe(self) -> Recipe | None:
        """The recipe; what is wrong with its form goes to `problems`, and is left out of it."""
        mapping = self.mapping
        for _ in range(1 + len(mapping)):
            try:
                recipe = Recipe.model_validate(mapping)
            except ValidationError as error:
                found = list(form_problems(error))
                if not self.broken:
                    self.problems += [Problem(self.place(path), message) for path, message in found]
                self.broken |= {".".join(str(part) for part in path) for path, _ in found}
                mapping = _without(mapping, [path for path, _ in found])
                continue
            recipe._written = self.mapping
            return recipe
        return None

    def _expand(self, steps: Mapping[str, Any], path: Path_, given: set[str]) -> dict[str, Any]:
        expanded: dict[str, Any] = {}
        for name, step in steps.items():
            if isinstance(step, str):
                for made, one in self._one_line(str(name), step, (*path, name), given).items():
                    expanded[made] = one
                    self._origins[(*path, made)] = (*path, name)
            elif isinstance(step, dict) and isinstance(step.get("steps"), dict):
                inner = self._expand(step["steps"], (*path, name, "steps"), given)
                expanded[name] = {**step, "steps": inner}
            else:
                expanded[name] = step
        return expanded

    def _one_line(self, name: str, text: str, path: Path_, given: set[str]) -> dict[str, Any]:
        try:
            steps = expand_step(name, text, given)
        except ExpressionError as error:
            self.problems.append(Problem(self.composed.place(path), error.message))
            self.broken |= {".".join((*map(str, path), "op")), ".".join(map(str, path))}
            return {name: {"op": "clone", "args": []}}
        for made in steps:
            if made != name and made in given:
                message = f"'{made}' is a name that this one-line step needs for a part of itself, and it is taken; rename the other value"
                self.problems.append(Problem(self.composed.place(path), message))
        return steps


def _names(mapping: Mapping[str, Any]) -> Iterator[str]:
    for key in ("tensors", "steps", "checks"):
        yield from _step_names(mapping.get(key))


def _step_names(steps: Any) -> Iterator[str]:
    if not isinstance(steps, dict):
        return
    for name, step in steps.items():
        yield str(name)
        if isinstance(step, dict):
            yield from _step_names(step.get("steps"))


def _without(mapping: Any, paths: Sequence[Path_]) -> Any:
    """The mapping without what stands at these paths, or above them where nothing does."""
    if isinstance(mapping, list):
        dropped = {path[0] for path in paths if len(path) == 1}
        return [
            _without(value, [path[1:] for path in paths if len(path) > 1 and path[0] == index])
            for index, value in enumerate(mapping)
            if index not in dropped
        ]
    if not isinstance(mapping, dict):
        return mapping
    kept: dict[Any, Any] = {}
    for key, value in mapping.items():
        below = [path[1:] for path in paths if path[:1] == (key,)]
        if () in below or (below and not isinstance(value, (dict, list))):
            continue
        kept[key] = _without(value, below) if below else value
    return kept
