"""A saved run as the recipe of a cell, from the numbers that it started from; and what that cell is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.cell.reference import Source, yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import UnavailableError
from tensorflow_free.isolation.copies import equal
from tensorflow_free.loading import load_recipe, plan_of, read_form
from tensorflow_free.plan.calls import Stopped
from tensorflow_free.recipe.models import TensorSpec, written_keys
from tensorflow_free.result.model import RECIPE
from tensorflow_free.result.result import Result
from tensorflow_free.runner import starts_of

ON_CPU: Final = ("device=cpu", "backend=eager")


def reference_of_saved(folder: Path, saved: Result) -> Result:
    """The run that a saved run is compared with, run here: by default in float64, from the numbers that it began with.

    Args:
        folder: the saved run's folder.
        saved: what was read of it.

    Raises:
        RecipeError: its recipe does not bind here.
        NoReference: there is nothing to compare it with.
    """
    source = from_saved_numbers(folder / RECIPE, (), saved)
    try:
        recipe = load_recipe(source)
    except UnavailableError:
        # its device is not here, and the reference does not need it
        recipe = read_form(folder / RECIPE)
    try:
        yardstick = yardstick_of(source, (), recipe, KeptRuns())
    except NoReference as why:
        if why.partial is None:
            raise
        yardstick = why.partial
    return yardstick.for_run(saved).reference


def from_saved_numbers(path: Path, overrides: Sequence[Override], saved: Result) -> Source:
    """The recipe of a saved run; where the starting tensors that are drawn here are others, with those that it had."""
    if not isinstance(saved.recipe.backend.calls, int):
        # what was recorded is of the last of several cases
        return path
    try:
        drawn = starts_of(plan_of(load_recipe(path, [*overrides, *ON_CPU])))
    except Stopped:
        return path
    known = {one.name: one.value for one in saved.records.values() if one.kind == "tensor" and not one.unstored}
    had = {name: one for name, one in known.items() if name in drawn and _has_numbers(one)}
    if all(equal(drawn[name].cpu(), one.cpu()) for name, one in had.items()):
        return path
    written = saved.recipe.written
    tensors = {name: _given(spec, had[name]) if name in had else spec for name, spec in written["tensors"].items()}
    return {**written, "tensors": tensors}


def _has_numbers(value: Any) -> bool:
    """Whether it is a tensor of which there is more than its shape."""
    return isinstance(value, torch.Tensor) and not value.is_meta


def _given(spec: Any, numbers: torch.Tensor) -> dict[str, Any]:
    """A starting tensor with these numbers in place of its init."""
    if not isinstance(spec, Mapping):
        return {"init": "tensor", "data": numbers}
    if spec.get("init") == "as_strided":
        # a view of another
        return dict(spec)
    rest = {
        key: spec[key]
        for key in written_keys(TensorSpec)
        if key in spec and key not in ("init", "shape", "seed", "values")
    }
    return {**rest, "init": "tensor", "data": numbers}
