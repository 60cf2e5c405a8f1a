"""The culprits of a case that its golden calls wrong: its steps, each held against float64 on its own operands.

A golden has the values of a whole run, and a step that is handed something wrong must be run on just that: so the case
is held against a float64 run of its own recipe, with the ops that stand where overrides name other kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tensorflow_free.cell.blaming_safely import blamed_safely
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError
from tensorflow_free.golden.model import EXACT_DTYPE
from tensorflow_free.judging.culprits import Blame, not_found
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import load_recipe
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors


def blamed_case(
    path: str | Path, overrides: Sequence[Override], result: Result, comparison: Comparison, given: GivenTensors
) -> Comparison:
    """The comparison of a case with its golden, and which steps are wrong for their own inputs. Raises nothing.

    Args:
        path: the recipe file.
        overrides: the cell, its case's too.
        result: the case's run.
        comparison: its comparison with its golden.
        given: the numbers that it started from.
    """
    try:
        other = _original_ops(path, overrides)
        cell = [*overrides, *([] if other is None else [other])]
        recipe = load_recipe(path, cell)
    except RecipeError as error:
        return replace(comparison, blame=Blame(notes=(not_found(str(error)),)))
    if other is None and _is_exact(recipe):
        return replace(comparison, blame=Blame(notes=(not_found(ITSELF),)))
    found = blamed_safely(path, cell, recipe, result, comparison, KeptRuns(), given=given)
    blame = found.blame
    if blame is None or not blame.drift:
        return found
    # a golden may be of another torch, or be edited: that no step is wrong is not to say that errors add up
    return replace(found, blame=replace(blame, drift=False, notes=(*blame.notes, Bare(code="right by float64 here"))))


ITSELF: Final = "float64 on the CPU is what steps are held against, and it is this very cell"
"""Why no step of a cell can be judged alone."""


def _original_ops(path: str | Path, overrides: Sequence[Override]) -> Override | None:
    """The ops in whose place overrides name others, as the reference has them; None where none does."""
    others = [one for one in overrides if one.parts[0] == "steps"]
    if not others:
        return None
    plain = load_recipe(path, [one for one in overrides if one not in others])
    steps = dict(steps_of(plain.steps))
    ops = {one.key: steps[one.parts[-2]].op for one in others}
    if any(key.partition(".")[0] == "steps" for key in plain.reference):
        return None
    return Override(f"+reference={ops}", "add", ("reference",), ops)


def _is_exact(recipe: Recipe) -> bool:
    """Whether a cell is what its reference is."""
    on_cpu = recipe.backend.name == "eager" and recipe.device.partition(":")[0] == "cpu"
    return on_cpu and recipe.dtype == EXACT_DTYPE and not recipe.reference
