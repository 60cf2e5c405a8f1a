"""What must run in every cell, compared with the ops and the steps that a recipe has."""

from __future__ import annotations

from collections.abc import Iterator

from tensorflow_free.binding.scope import Scope
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.registry import find


def bind_required(scope: Scope) -> None:
    """See that each op or step of `must_run` is one of the recipe's: what is misspelt would guard nothing."""
    recipe = scope.recipe
    if recipe.must_run == "all" or not recipe.must_run:
        return
    steps = list(_steps(recipe))
    known = dict.fromkeys([*(op for _, op in steps), *(name for name, _ in steps)])
    for position, entry in enumerate(recipe.must_run):
        if not any(is_named(entry, name, op) for name, op in steps):
            near = did_you_mean(entry, known) or f"; it has {', '.join(known) or 'no steps'}"
            scope.wrong(("must_run", position), f"'{entry}' is neither an op nor a step of this recipe{near}")


def is_named(entry: str, step: str, op: str) -> bool:
    """Whether an entry of `must_run` names a step, by its name or by its op."""
    if entry in (step, op):
        return True
    found = find(entry)
    return found is not None and found is find(op)


def _steps(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """The name and the op of each step; of the parts of a line, under the name of the whole."""
    for name, step in (*steps_of(recipe.steps), *steps_of(recipe.checks)):
        if step.op is not None:
            yield recipe.parts.get(name, name), step.op
