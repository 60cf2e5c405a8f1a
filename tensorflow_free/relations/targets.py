"""How the targets of backward passes on a whole come of those on its parts: as their sum, or as their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import torch

from tensorflow_free.plan.plan import Pass
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.relations.changed_runs import Ground, plain_value
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.dtypes import PARTS

Reduction = Literal["sum", "mean"]

NEAR: Final = 64.0
"""Epsilons by which a sum of targets may be another, of the sum of their sizes."""

NEAREST: Final = 2.0**-5
"""The share by which it may be another at most: a mean is told from a sum, and from the mean of a few more."""


def reductions(ground: Ground, whole: Result, parts: Sequence[Result], lengths: Sequence[int]) -> list[Reduction] | str:
    """How each target comes of those of the parts: by that, the gradients of the whole do of theirs.

    Args:
        ground: the run that relations start from, whose plan has the passes.
        whole: the run on the whole.
        parts: the runs on its parts.
        lengths: how long they are.

    Returns:
        A word for each backward pass; or why there is none, in words.
    """
    found: list[Reduction] = []
    for one in ground.plan.passes:
        totals = [plain_value(each.records.get(one.target)) for each in (whole, *parts)]
        known = [each for each in totals if each is not None]
        if len(known) < len(totals):
            return f"its target '{one.target}' is not recorded"
        reduced = _of_elements(one) if known[0].numel() != 1 else _of_numbers(known, lengths)
        has_own = one.gradient_slot is not None or one.gradient_start is not None or isinstance(one.gradient, list)
        if reduced is None or (reduced == "mean" and has_own):
            return f"its target '{one.target}' is neither the sum nor the mean of those of the parts"
        found.append(reduced)
    return found


def _of_elements(one: Pass) -> Reduction | None:
    """Of a target with elements, each has its own gradient, if that is one number or a tensor of the recipe."""
    is_drawn = one.gradient_start is not None and one.gradient_start.init.startswith("rand")
    return None if is_drawn or isinstance(one.gradient, list) else "sum"


def _of_numbers(totals: Sequence[torch.Tensor], lengths: Sequence[int]) -> Reduction | None:
    whole, *parts = [float(one.detach().to(torch.float64)) for one in totals]
    mean = [one * length / sum(lengths) for one, length in zip(parts, lengths, strict=True)]
    ways: tuple[tuple[Reduction, list[float]], ...] = (("sum", parts), ("mean", mean))
    apart: dict[Reduction, float] = {way: abs(whole - sum(found)) for way, found in ways}
    near = _near(totals[0].dtype)
    fits = [way for way, found in ways if apart[way] <= near * sum(map(abs, found))]
    return min(fits, key=lambda way: apart[way], default=None)


def _near(dtype: torch.dtype) -> float:
    dtype = PARTS.get(dtype, dtype)
    return min(NEAREST, NEAR * torch.finfo(dtype).eps) if dtype.is_floating_point else 0.0


BY_A_STEP: Final = "a step differentiates, and how its target comes of those of the parts is not known"
"""Why a relation of a whole to its parts says nothing of a gradient."""


def by_steps(ground: Ground) -> frozenset[str]:
    """The steps that differentiate in mid-chain, and what is made of what they give."""
    found = {name for name, step in steps_of(ground.plan.recipe.steps) if step.op in ("backward", "grad")}
    return frozenset(found | ground.below(found))


def written_gradient(ground: Ground) -> str | None:
    """Why gradients do not go with the elements: each has a number of its own that no tensor of the recipe has."""
    for one in ground.plan.passes:
        target = plain_value(ground.result.records.get(one.target))
        if target is not None and target.numel() != 1 and _of_elements(one) is None:
            return f"the gradient of its target '{one.target}' is not a tensor that could change, too"
    return None


def same_targets(ground: Ground, other: Result) -> bool:
    """Whether what is differentiated is near what it was, as it is where what was added counts nothing."""
    return all(_is_near(ground.result, other, one.target) for one in ground.plan.passes)


def _is_near(one: Result, other: Result, name: str) -> bool:
    mine, its = (plain_value(each.records.get(name)) for each in (one, other))
    if mine is None or its is None or mine.shape != its.shape or not mine.is_floating_point():
        return False
    return bool(((mine - its).abs() <= _near(mine.dtype) * mine.abs().max()).all())
