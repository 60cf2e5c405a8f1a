"""What a recipe would have to say so that a mutant no longer lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tensorflow_free.recipe.graph import reads_of, steps_of
from tensorflow_free.recipe.models import BackwardPass, Recipe
from tensorflow_free.registry import find
from tensorflow_free.strength.criteria import CriterionName
from tensorflow_free.strength.mutation import TriedMutant

REDUCTIONS: Final = ("sum", "mean")
"""Ops after which a backward pass weighs all numbers alike."""


def cure_of(one: TriedMutant, recipe: Recipe, decisive: CriterionName) -> str:
    """What would tell a mutant, in words.

    Args:
        one: the mutant that lives.
        recipe: the recipe, in the case in which it was tried.
        decisive: what does not tell it.
    """
    return next(_cures(one, recipe, decisive))


def _cures(one: TriedMutant, recipe: Recipe, decisive: CriterionName) -> Iterator[str]:
    if _is_excused(one, recipe):
        yield f"`at_most` in the `xfail` that marks '{one.value}': how far the known fault may take it"
    op = find(one.op)
    if op is not None and op.random and decisive == "golden":
        twice = "the step twice with the same `seed`, and an expectation that they are `equal`"
        yield f"{twice}: a golden has another random stream"
    if decisive == "expectations" and one.killed.get("sweep") and (missing := _missing(one, recipe)):
        # it shows in what is recorded, of which nothing is expected yet
        yield f"an expectation of {_any_of(missing)}"
    if one.mutant.is_backward:
        yield from directions(recipe)
    if not one.mutant.is_backward and _block_of(one) and not _is_traced(one, recipe):
        yield f"`trace: [{one.step}]` in '{_block_of(one)}': of a `repeat` the last round alone is recorded"
    if decisive == "expectations":
        yield from _expectations(one, recipe)
    else:
        closer = (
            f"a closer expectation of `{one.value}`"
            if one.value in recipe.expect
            else f"an expectation of `{one.value}`"
        )
        yield f"other inputs, as with these rounding may take '{one.value}' as far; or {closer}"


def _is_excused(one: TriedMutant, recipe: Recipe) -> bool:
    """Whether a mark of a known fault lets pass whatever becomes of the value."""
    names = {one.value, one.step, f"{one.step}.grad"}
    return any(mark.at_most is None and (mark.keys is None or names & set(mark.keys)) for mark in recipe.xfail)


def directions(recipe: Recipe) -> Iterator[str]:
    """A direction in the place of each pass that weighs all numbers alike."""
    steps, reads = dict(steps_of(recipe.steps)), reads_of(recipe)
    for each in recipe.backward:
        step = steps.get(each.target)
        is_reduction = step is not None and (step.op or "").rpartition(".")[2] in REDUCTIONS
        if is_reduction and reads[each.target]:
            yield (
                f"a direction in place of `{each.target}`: "
                f"backward: {{target: {reads[each.target][0]}, gradient: {{init: randn}}}}"
            )
        elif _is_flat(each):
            yield f"a direction in place of ones: backward: {{target: {each.target}, gradient: {{init: randn}}}}"


def _is_flat(each: BackwardPass) -> bool:
    return isinstance(each.gradient, dict) and each.gradient.get("init") == "ones"


def _block_of(one: TriedMutant) -> str:
    """The block around a step; '' where there is none."""
    parts = one.path.split(".")
    return parts[-3] if len(parts) > len(("steps", "name")) else ""


def _is_traced(one: TriedMutant, recipe: Recipe) -> bool:
    block = dict(steps_of(recipe.steps)).get(_block_of(one))
    return block is None or block.repeat is None or one.step in block.trace


def _expectations(one: TriedMutant, recipe: Recipe) -> Iterator[str]:
    """An expectation of what the mutant changes first, or a closer one."""
    if missing := _missing(one, recipe):
        yield f"an expectation of {_any_of(missing)}"
    elif names := _changed(one, recipe):
        yield f"a closer expectation of {_any_of(names)}: a smaller `rtol` and `atol`"


def _changed(one: TriedMutant, recipe: Recipe) -> list[str]:
    """The values or gradients that a mutant changes first."""
    if not one.mutant.is_backward:
        return [one.value]
    read = reads_of(recipe).get(one.step, ())
    return [f"{name}.grad" for name in read if name not in recipe.tensors or recipe.tensors[name].requires_grad]


def _missing(one: TriedMutant, recipe: Recipe) -> list[str]:
    """Of these, the ones that nothing is expected of; none where something is of one of them."""
    names = _changed(one, recipe)
    missing = [name for name in names if name not in recipe.expect]
    return missing if one.killed.get("sweep") is not True or len(missing) == len(names) else []


def _any_of(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)
