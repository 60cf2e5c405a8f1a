"""A run held against a golden's numbers: each value judged by what the golden holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from tensorflow_free.cell.fate import Fate, fate_of
from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.leeways import NOWHERE
from tensorflow_free.golden.measuring import expected_dtype
from tensorflow_free.golden.model import EXACT_DTYPE
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.movement import Leeway
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.rules import epsilon, usual_noise
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import OfGolden
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Backend, Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.rounding.products import epsilons_of_products
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

CPU: Final = "cpu"
"""The device on which a golden is made that is for no device alone."""


@dataclass(frozen=True)
class GoldenJudge:
    """Judges runs of a case in a cell, started from its golden's numbers.

    Attributes:
        recipe: the recipe in this cell.
        stored: what the golden holds of the case.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.
        made_on: the type of device that the golden was recorded on.
    """

    recipe: Recipe
    stored: StoredCase
    k: float | None = None
    made_on: str = CPU

    @property
    def starts(self) -> Mapping[str, torch.Tensor]:
        """The numbers that a run must start from, by the names of the starting tensors."""
        return self.stored.starts

    def judged(self, result: Result) -> tuple[Fate, Comparison | None]:
        """What becomes of a run, and its values against the golden's."""
        comparison = compare(result, self.stored, self.k, self.made_on)
        return self.fate(result, comparison), comparison

    def fate(self, result: Result, comparison: Comparison) -> Fate:
        """What becomes of a run whose values are compared."""
        known = frozenset(self.stored.unmet.get(self.recipe.dtype, ()))
        fate = fate_of(result, comparison, unmet=known, guards=True)
        if fate.outcome == Outcome.UNSUPPORTED and self._ran:
            fate = Fate(Outcome.FAILED, fate.causes).also(OfGolden(code="ran before", dtype=self.recipe.dtype))
        return fate

    @property
    def _ran(self) -> bool:
        """Whether this very cell ran when the golden was recorded."""
        return _is_recorded(self.recipe, self.made_on) and self.recipe.dtype not in self.stored.unsupported


def compare(result: Result, stored: StoredCase, k: float | None = None, made_on: str = CPU) -> Comparison:
    """Hold a run, started from a golden's numbers, against the golden's values.

    Args:
        result: the run.
        stored: the golden's case.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.
        made_on: the type of device that the golden was recorded on.
    """
    dtype = result.recipe.dtype
    leeways = _leeways(stored, result.recipe)
    structural = _structural(stored, result.recipe, made_on, leeways)
    judging = Judging(
        k=result.recipe.judge.k if k is None else k,
        signed_zeros=True,
        noise=_noises(stored, dtype),
        leeway={name: one for name, one in leeways.items() if name not in structural},
        starts=False,
        measures=False,
        dtypes={one.name: _dtype(one, dtype) for one in stored.values if isinstance(one.value, torch.Tensor)},
        structural=structural,
        incomparable=frozenset(name for name, why in structural.items() if why == _WHY["random"]),
        shaped=frozenset(one.name for one in stored.values if any(noise.shape for noise in one.noise.values())),
    )
    made = stored.made
    words = f"golden of torch {made.torch}, {made.capability}"
    return compare_results(result, expected_result(stored, result.recipe), judging=judging, reference=words)


def expected_result(stored: StoredCase, recipe: Recipe) -> Result:
    """The golden's values as the result of the float64 run that they are of."""
    exact = recipe.model_copy(
        update={"dtype": EXACT_DTYPE, "backend": Backend(name="eager"), "record": recipe.record or "all"}
    )
    records = {one.name: Record(one.name, one.kind, one.value, one.op) for one in stored.values}  # type: ignore[arg-type]
    return Result(exact, records)


def _leeways(stored: StoredCase, recipe: Recipe) -> dict[str, Leeway]:
    """How far rounding may take each value in a cell, as far as nudged runs told it when it was recorded."""
    dtype = recipe.dtype
    if stored.nudged_runs is None or dtype in stored.unsupported:
        return {}
    times = max(1.0, _epsilon_of_products(recipe) / epsilon(TORCH_DTYPES[dtype]))
    known = [(one, kept) for one in stored.values if (kept := one.leeway.get(dtype, NOWHERE)).is_known]
    return {one.name: kept.leeway(_count(one.value), times, one.noise.get(dtype)) for one, kept in known}


def _epsilon_of_products(recipe: Recipe) -> float:
    """That in which a device may compute products: to first order, it moves what it computes by so much more."""
    products, convolutions = epsilons_of_products(recipe)
    convolves = any("conv" in (step.op or "") for _, step in steps_of(recipe.steps))
    return max(products, convolutions) if convolves else products


def _count(value: Any) -> int:
    return value.numel() if isinstance(value, torch.Tensor) else 1


def _noises(stored: StoredCase, dtype: str) -> dict[str, Noise]:
    """The noise of each value in a dtype; none for a value that was not had in it, which a tolerance judges then."""
    return {
        one.name: usual_noise(one.noise, dtype) for one in stored.values if dtype == EXACT_DTYPE or dtype in one.noise
    }


def _dtype(one: StoredValue, dtype: str) -> torch.dtype:
    noise = one.noise.get(dtype)
    if noise is not None and noise.dtype is not None:
        return TORCH_DTYPES[noise.dtype]
    return expected_dtype(one.value.dtype, dtype)


def _structural(stored: StoredCase, recipe: Recipe, made_on: str, leeways: Mapping[str, Leeway]) -> Mapping[str, str]:
    """Values whose numbers are not judged in a cell, and why."""
    is_exact = recipe.dtype == EXACT_DTYPE
    same_stream = is_exact and _is_recorded(recipe, made_on)

    def is_judged(one: StoredValue) -> bool:
        if one.mark == "random":
            return same_stream
        kept = leeways.get(one.name)
        # integers that differ where no nudged run did: rounding does not tell how
        return one.mark is None or is_exact or (kept is not None and not kept.over)

    return {one.name: _WHY[one.mark] for one in stored.values if one.mark is not None and not is_judged(one)}


def _is_recorded(recipe: Recipe, made_on: str) -> bool:
    """Whether a cell is one of those that a recording runs: eager, on the golden's type of device."""
    return recipe.backend.name == "eager" and recipe.device.partition(":")[0] == made_on


_WHY: Final = {
    "random": "it lies downstream of a random step, and the golden has another random stream",
    "dtype-dependent": "it differs between dtypes in eager PyTorch",
}
