"""The leeways of a case: its float64 run made again from rounded starting tensors, and nudged.

A cell of a dtype starts from the golden's tensors rounded to it. With r a number of the golden, r0 that of the float64
run from the rounded tensors, and r' that of a run from them which is nudged as rounding to the dtype would nudge it,

    spread_i = max over the runs of |r'_i - r0_i|
    leeway_i = |r0_i - r_i| / K + max(spread_i, mean(spread)) + eps * max(0, |r0_i| - |r_i|)

so that whatever the derived rule (`tensorflow_free.judging.rounding_rule`) lets pass beside r0, where a cell is
compared with a run from its own tensors, passes beside r within K * (eps * |r_i| + leeway_i).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

import torch

from tensorflow_free.golden.leeways import NOWHERE, StoredLeeway, stored_leeway
from tensorflow_free.golden.levels import rounded_up
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.doubts import distance, numbers_in
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.movement import FEWEST_RUNS, MOST_RUNS, WIDE_RUNS
from tensorflow_free.judging.op_traits import jumps
from tensorflow_free.judging.rounding_rule import RoundingBound, k_of, to_come
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.rounding.dtype_defaults import with_defaults_of
from tensorflow_free.rounding.nudged_runs import NudgedRuns, Roundings
from tensorflow_free.rounding.roundings import roundings_of
from tensorflow_free.rounding.step_dtypes import StepDtypes
from tensorflow_free.run.step_warnings import StepWarnings, gathered
from tensorflow_free.runner import GivenTensors, starts_of, values_of_run
from tensorflow_free.tensors.dtypes import PARTS, TORCH_DTYPES


@dataclass
class EagerRun:
    """An eager run in a recipe dtype, beside which a golden is measured.

    Attributes:
        plan: of the run.
        result: what it gave.
        noted: to which dtypes its steps rounded.
    """

    plan: Plan
    result: Result
    noted: StepDtypes = field(default_factory=dict)

    @property
    def dtype(self) -> str:
        """The recipe dtype."""
        return self.result.recipe.dtype

    def value(self, name: str) -> torch.Tensor | None:
        """The numbers of one of its values, as one plain tensor; None where it has none."""
        return numbers_in(self.result.records.get(name))


def leeways_of(
    plan: Plan, starts: GivenTensors, eager: EagerRun, values: Mapping[str, torch.Tensor], count: int
) -> dict[str, StoredLeeway]:
    """How far rounding to the dtype of an eager run may take each value of a golden.

    Args:
        plan: of the float64 run.
        starts: the golden's starting tensors.
        eager: the run in that dtype.
        values: the golden's numbers, each as one plain tensor, by name.
        count: how many nudged runs there are.
    """
    with gathered(StepWarnings()):
        rounded = starts_of(eager.plan, starts)
        given = {name: rounded[name].to(one.device, one.dtype) for name, one in starts.items() if name in rounded}
    dtype = TORCH_DTYPES[eager.dtype]
    plan = with_defaults_of(plan, dtype)

    def roundings() -> Roundings:
        return roundings_of(eager.plan.recipe, eager.plan, given, usual=dtype, noted=eager.noted)

    nudged = NudgedRuns(plan, given, roundings)
    centre = values_of_run(plan, given, nullcontext)
    moving = dict(_moving(values, centre, eager))
    runs = [(number, 1.0) for number in range(count)]
    if any(one.is_wide for one in moving.values()):
        times = k_of(dtype)
        runs += [(MOST_RUNS + number, times) for number in range(WIDE_RUNS)]
    for number, times in runs:
        made = nudged.values(number, times)
        for name, one in moving.items():
            found = numbers_in(made.get(name))
            if (times == 1 or one.is_wide) and found is not None and found.shape == one.golden.shape:
                one.see(found)
    return {name: one.leeway() for name, one in moving.items()}


def _moving(
    values: Mapping[str, torch.Tensor], centre: Mapping[str, Record], eager: EagerRun
) -> Iterator[tuple[str, _Numbers | _Places]]:
    for name, golden in values.items():
        start, rough = numbers_in(centre.get(name)), eager.value(name)
        if start is None or rough is None or not start.shape == rough.shape == golden.shape:
            continue
        if is_floating(golden.dtype):
            yield name, _Numbers(golden, start, rough, is_jump=jumps(centre[name].op))
        else:
            yield name, _Places(golden, start, rough, k_of(TORCH_DTYPES[eager.dtype]))


class _Numbers:
    """Floating or complex numbers, and how far nudged runs take them."""

    is_wide: Final = False

    def __init__(self, golden: torch.Tensor, centre: torch.Tensor, rough: torch.Tensor, *, is_jump: bool) -> None:
        self.golden = golden
        self._rough = rough
        self._is_jump = is_jump
        self._from_golden, self._from_centre = Errors(centre, golden), Errors(golden, centre)
        self._spread = torch.zeros(golden.numel(), dtype=torch.float64)
        self._squares = 0.0
        self._runs = 0
        self._lost = torch.zeros(golden.numel(), dtype=torch.int32)

    def see(self, nudged: torch.Tensor) -> None:
        """Take in what a nudged run has, of the same shape."""
        lost = self._from_golden.lost_in(nudged)
        if lost is not None:
            self._lost += lost
        self._squares += self._from_golden.away(nudged)[1]
        self._spread = torch.maximum(self._spread, self._from_centre.away(nudged)[0])
        self._runs += 1

    def leeway(self) -> StoredLeeway:
        """What is kept of it, and whether it explains the eager run."""
        if not self.golden.numel():
            return NOWHERE
        # of a number that is finite in few of them they tell nothing
        told = self._runs - int(self._lost.max())
        if told < FEWEST_RUNS:
            return StoredLeeway(runs=told)
        dtype = coarser(self._rough.dtype, self.golden.dtype)
        k = k_of(dtype)
        least = 0.0 if self._is_jump else float(self._spread.mean()) * to_come(self._runs, self._spread.numel())
        spread = self._spread.clamp(min=least)
        larger = (self._from_centre.sizes - self._from_golden.sizes).clamp(min=0)
        each = self._from_golden.errors / k + spread + epsilon(PARTS.get(dtype, dtype)) * larger
        found = stored_leeway(each, math.sqrt(self._squares / (self._runs * each.numel())))
        bound = RoundingBound(Errors(self._rough, self.golden), dtype, k)
        bound.take(found.leeway(each.numel()))
        return found.with_over(rounded_up(bound.used)) if bound.used > 1 else found


class _Places:
    """Integers or booleans, and how far nudged runs take them from those of the golden."""

    is_wide: Final = True

    def __init__(self, golden: torch.Tensor, centre: torch.Tensor, rough: torch.Tensor, k: float) -> None:
        self.golden = golden
        self._centre = centre
        self._apart = distance(rough, golden)
        self._k = k
        self._spread = torch.zeros(golden.numel(), dtype=torch.float64)
        self._runs = 0

    def see(self, nudged: torch.Tensor) -> None:
        """Take in what a nudged run has, of the same shape."""
        self._spread = torch.maximum(self._spread, distance(nudged, self._centre))
        self._runs += 1

    def leeway(self) -> StoredLeeway:
        """What is kept of it, and whether it explains the eager run."""
        if self._runs < FEWEST_RUNS:
            return StoredLeeway(runs=self._runs)
        found = stored_leeway(distance(self._centre, self.golden) / self._k + self._spread, 0.0)
        unexplained = self._apart > found.leeway(self._apart.numel()).each * self._k
        return found.with_over(math.inf) if bool(unexplained.any()) else found


def coarser(one: torch.dtype, other: torch.dtype) -> torch.dtype:
    """The coarser of two dtypes; of one that is no floating one, the other."""
    found = [dtype for dtype in (one, other) if is_floating(dtype)]
    return max(found, key=lambda dtype: epsilon(PARTS.get(dtype, dtype)))
