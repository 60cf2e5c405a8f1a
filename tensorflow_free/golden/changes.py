"""The values of a case that a new recording gives differently from its golden, and whether each passes the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.golden_judge import compare
from tensorflow_free.golden.leeways import NOWHERE
from tensorflow_free.golden.model import GoldenCase, GoldenValue, RecordedNoise
from tensorflow_free.golden.nudging import coarser
from tensorflow_free.judging.as_tensors import tensor_of
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.rounding_rule import RoundingBound, k_of
from tensorflow_free.judging.rules import by_noise, epsilon, share, usual_noise
from tensorflow_free.judging.verdicts import NOTHING_ALLOWED, Comparison, ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

ChangeKind = Literal["changed", "less exact", "new", "gone", "within the noise"]
"""What became of a value.

`changed`: further from the golden than a check in float64 allows, or of another shape, dtype or mark. `less exact`: an
eager run in another dtype is now further from it than a check there allows. `within the noise`: other bits that every
check lets pass.
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """The noise of a value in a dtype, as it was and as it is; None where there was or is no run in that dtype.

    `used` is the share that the new noise takes of the error which a check against the old golden allows.
    """

    dtype: str
    old: RecordedNoise | None
    new: RecordedNoise | None
    used: float

    @property
    def is_within(self) -> bool:
        """Whether a check against the old golden would pass."""
        return self.used <= 1


@dataclass(frozen=True, slots=True)
class Change:
    """A value that a fresh recording gives otherwise.

    Attributes:
        name: the value's name.
        kind: what became of it.
        old: as the golden has it; None where it has not.
        new: as it is now; None where it is gone.
        verdict: the new number compared with the old one, as a check in float64 does.
        budgets: its noise in the dtypes in which that is another.
    """

    name: str
    kind: ChangeKind
    old: StoredValue | None
    new: StoredValue | None
    verdict: ValueVerdict | None = None
    budgets: tuple[Budget, ...] = ()

    @property
    def is_within(self) -> bool:
        """Whether every check lets it pass."""
        return self.kind == "within the noise"


class Changes:
    """The values that two recordings of a case have otherwise, in the order of the new one."""

    def __init__(
        self, old: StoredCase, new: StoredCase, old_model: GoldenCase, new_model: GoldenCase, exact: Recipe
    ) -> None:
        self._is_nudged = old.nudged_runs is not None
        self._old = {one.name: one for one in old.values}
        self._new = {one.name: one for one in new.values}
        self._were: Mapping[str, GoldenValue] = {one.name: one for one in old_model.values}
        self._are: Mapping[str, GoldenValue] = {one.name: one for one in new_model.values}
        records = {one.name: Record(one.name, one.kind, one.value, one.op) for one in new.values}  # type: ignore[arg-type]
        self._comparison = compare(Result(exact, records), old, made_on=exact.device.partition(":")[0])

    def __iter__(self) -> Iterator[Change]:
        for name, new in self._new.items():
            old = self._old.get(name)
            if old is None:
                yield Change(name, "new", None, new)
            elif self._were[name] != self._are[name]:
                yield self._change(old, new)
        for name, old in self._old.items():
            if name not in self._new:
                yield Change(name, "gone", old, None)

    def _change(self, old: StoredValue, new: StoredValue) -> Change:
        verdict = _verdict(self._comparison, new.name)
        budgets = tuple(_budgets(old, new, is_nudged=self._is_nudged))
        kind: ChangeKind = "within the noise"
        if verdict is None or verdict.outcome != Outcome.OK or old.mark != new.mark or old.kind != new.kind:
            kind = "changed"
        elif not all(one.is_within for one in budgets):
            kind = "less exact"
        return Change(new.name, kind, old, new, verdict, budgets)


def _verdict(comparison: Comparison, name: str) -> ValueVerdict | None:
    return next((one for one in comparison.values if one.name == name), None)


def _budgets(old: StoredValue, new: StoredValue, *, is_nudged: bool) -> Iterator[Budget]:
    """The noise in each dtype in which it is another, and the share of what the old golden allows that it takes."""
    for dtype in dict.fromkeys((*old.noise, *new.noise)):
        was, is_ = old.noise.get(dtype), new.noise.get(dtype)
        if was != is_:
            yield Budget(dtype, was, is_, _used(old, is_, dtype, is_nudged=is_nudged))


def _used(old: StoredValue, noise: RecordedNoise | None, dtype: str, *, is_nudged: bool) -> float:
    """The share of what a check against the old golden allows in a dtype that a run with this noise uses."""
    was = old.noise.get(dtype)
    if was is None:
        # what did not run and runs now is no worse
        return 0.0
    if noise is None or _form(noise) != _form(was):
        return NOTHING_ALLOWED
    if noise.signed_zeros > was.signed_zeros:
        return NOTHING_ALLOWED
    exact = tensor_of(old.value)
    if exact is None or not is_floating(exact.dtype):
        return 0.0
    errors = Errors(exact, exact)
    errors.rmse, errors.max_abs = noise.rmse, noise.max_abs
    kept = old.leeway.get(dtype, NOWHERE)
    if not (is_nudged and kept.is_known):
        return by_noise(errors, usual_noise(old.noise, dtype), _coarsest(noise, dtype)).used
    own = coarser(TORCH_DTYPES[noise.dtype or dtype], exact.dtype)
    bound = RoundingBound(errors, own, k_of(own), was)
    bound.take(kept.leeway(errors.elements))
    most = float(bound.allowed.max()) if errors.elements else 0.0
    return max(share(noise.max_abs, most), bound.beside_baseline())


def _coarsest(noise: RecordedNoise, dtype: str) -> torch.dtype:
    own = TORCH_DTYPES[noise.dtype or dtype]
    return max((TORCH_DTYPES[dtype], own), key=epsilon) if is_floating(own) else TORCH_DTYPES[dtype]


def _form(noise: RecordedNoise) -> tuple[object, ...]:
    """What a dtype gives besides errors: its own dtype and shape, and what is NaN or infinite."""
    return noise.dtype, noise.shape, noise.nonfinite, noise.nan
