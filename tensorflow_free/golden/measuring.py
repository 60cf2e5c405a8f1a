"""The values of a golden measured: the noise of an eager run in each dtype, and how far rounding may take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Final

import torch

from tensorflow_free.golden.cases import StoredValue
from tensorflow_free.golden.leeways import UNKNOWN, StoredLeeway
from tensorflow_free.golden.model import EXACT_DTYPE, RecordedNoise, ValueMark
from tensorflow_free.golden.nudging import EagerRun, leeways_of
from tensorflow_free.judging.as_tensors import tensor_of
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.measures import noise_of
from tensorflow_free.judging.movement import MOST_RUNS
from tensorflow_free.plan.plan import Plan
from tensorflow_free.runner import GivenTensors
from tensorflow_free.tensors.dtypes import COMPLEX_OF, TORCH_DTYPES, word_of

LARGE: Final = 1 << 12
"""Numbers of a case from which half as many nudged runs tell as much: there are many of each kind."""


def runs_for(values: Sequence[StoredValue]) -> int:
    """How many nudged runs tell the leeways of a case of these values; always the same for the same values."""
    count = sum(one.value.numel() for one in values if isinstance(one.value, torch.Tensor))
    return MOST_RUNS if count <= LARGE else MOST_RUNS // 2


def measured(
    plan: Plan, starts: GivenTensors, runs: Mapping[str, EagerRun], values: Sequence[StoredValue]
) -> list[StoredValue]:
    """Values with their noise and leeway in each dtype, and marked where they differ between dtypes.

    Args:
        plan: of the float64 run.
        starts: the starting tensors of all runs.
        runs: the float64 run and the eager ones from the same tensors, by dtype.
        values: the golden's, with the mark of those that are random.

    Raises:
        UNTAKEN: numbers cannot be had.
    """
    numbers = {one.name: found for one in values if (found := tensor_of(one.value)) is not None}
    leeways: dict[str, dict[str, StoredLeeway]] = {one.name: {} for one in values}
    random = {one.name for one in values if one.mark == "random"}
    for dtype, eager in runs.items():
        # what is random is judged in float64 alone
        judged = {name: one for name, one in numbers.items() if dtype == EXACT_DTYPE or name not in random}
        told = leeways_of(plan, starts, eager, judged, runs_for(values))
        for name in judged:
            leeway = told.get(name, UNKNOWN)
            # beside float64 there is no eager run to be worse than
            leeways[name][dtype] = replace(leeway, moved=0.0) if dtype == EXACT_DTYPE else leeway
    rough = {dtype: one for dtype, one in runs.items() if dtype != EXACT_DTYPE}
    return [replace(_with_noise(one, rough), leeway=leeways[one.name]) for one in values]


def _with_noise(one: StoredValue, runs: Mapping[str, EagerRun]) -> StoredValue:
    exact = tensor_of(one.value)
    noise: dict[str, RecordedNoise] = {}
    mark: ValueMark | None = one.mark
    for dtype, eager in runs.items():
        rough = eager.value(one.name)
        if exact is None or rough is None:
            continue
        if rough.shape != exact.shape:
            # a view as integers has as many as the dtype has bytes
            mark = mark or "dtype-dependent"
            noise[dtype] = RecordedNoise(dtype=word_of(rough.dtype), shape=list(rough.shape))
            continue
        if mark is None and not is_floating(exact.dtype) and not torch.equal(rough.to(exact.dtype), exact):
            mark = "dtype-dependent"
        noise[dtype] = _noise(rough, exact, dtype)
    return replace(one, noise=noise, mark=mark)


def _noise(rough: torch.Tensor, exact: torch.Tensor, dtype: str) -> RecordedNoise:
    own = None if rough.dtype == expected_dtype(exact.dtype, dtype) else word_of(rough.dtype)
    found = noise_of(rough, exact)
    short = replace(found, rmse=_short(found.rmse), max_abs=_short(found.max_abs))
    return RecordedNoise(**asdict(short), dtype=own)


def _short(error: float) -> float:
    """An error to seven significant digits: the others are noise of the noise."""
    return float(f"{error:.6e}")


def expected_dtype(exact: torch.dtype, dtype: str) -> torch.dtype:
    """The dtype that a value of the float64 run has in a recipe dtype, where nothing in the recipe pins it."""
    if exact == torch.float64:
        return TORCH_DTYPES[dtype]
    return TORCH_DTYPES[COMPLEX_OF[dtype]] if exact == torch.complex128 else exact
