"""How much a culprit is off, in how many rounds, and what becomes of it further on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from tensorflow_free.judging.culprits import Culprit, StepVerdict
from tensorflow_free.judging.rounding_rule import UNEXPLAINED, k_of
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

MORE: Final = 1.1
"""How many times a culprit's error is more, and not the same."""


def amplified(comparison: Comparison, culprit: ValueVerdict) -> tuple[float, str] | None:
    """How many times a culprit's error is where it is most, and where; None where it is nowhere more.

    Args:
        comparison: what the whole chain came to.
        culprit: the verdict on what the culprit alone made.

    Returns:
        RMSE over RMS of the value out of bounds that has most of it, over RMSE over RMS of the culprit's own; its name.
    """
    if culprit.used == math.inf:
        # of what is not finite, or is of another structure, there is no number that could grow
        return None
    own = _relative(culprit)
    most = max(comparison.bad, key=_relative, default=None)
    if most is None or not own or _relative(most) < MORE * own:
        return None
    return _relative(most) / own, most.name


def noise_of(verdict: ValueVerdict, recipe: Recipe) -> float:
    """How many times as far a value is away as rounding moves it: by the derived bound, or in RMS."""
    if verdict.rule == "baseline":
        return verdict.used * UNEXPLAINED
    return verdict.used * (recipe.judge.k or k_of(TORCH_DTYPES[recipe.dtype]))


def of_rounds(culprits: Sequence[Culprit]) -> list[Culprit]:
    """Those of one step and direction together, as the first of them."""
    found: dict[tuple[str, str, str], Culprit] = {}
    for one in culprits:
        key = (one.step, one.direction, one.value)
        found[key] = replace(found[key], calls=found[key].calls + 1) if key in found else one
    return list(found.values())


def worst_of_rounds(verdicts: Iterable[StepVerdict]) -> tuple[StepVerdict, ...]:
    """Of the verdicts on one part of one step, the worst, in the order in which the first of them came."""
    found: dict[tuple[str, str, str], StepVerdict] = {}
    for one in verdicts:
        key = (one.step, one.direction, one.value)
        other = found.get(key)
        worst = one if other is None else max(other, one, key=lambda each: (-each.outcome.rank, each.used))
        found[key] = replace(worst, calls=one.calls + (0 if other is None else other.calls))
    return tuple(found.values())


def _relative(one: ValueVerdict) -> float:
    """The RMSE over the RMS; 0 where it is not known."""
    found = one.measure
    return found.rmse / found.rms if found is not None and found.rms and math.isfinite(found.rmse) else 0.0
