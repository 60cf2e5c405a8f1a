"""A value of one run against that of the other: structure, then by what they are."""

from __future__ import annotations

from typing import Any, Final

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.errors import words_of
from tensorflow_free.judging.as_tensors import NUMBERS, as_tensor, family_of, kind_of, readable, type_name
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.doubts import Doubt
from tensorflow_free.judging.floating import Floating
from tensorflow_free.judging.integers import Integers
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.same_starts import SAME_NUMBERS, same_start
from tensorflow_free.judging.two_runs import TwoRuns, is_eager
from tensorflow_free.judging.value_verdicts import elements_of, mismatch, other_signs, unjudged, verdict_on
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Because, Differing
from tensorflow_free.result.run_value import Record, of_name
from tensorflow_free.tensors.dtypes import word_of


class ValuePairs:
    """Judges pairs of values of two runs, `numbers` those that are floating."""

    def __init__(self, runs: TwoRuns, numbers: Floating) -> None:
        self._runs = runs
        self._judging = runs.judging
        self._numbers = numbers
        self._integers = Integers(runs)

    def judge(self, record: Record, other: Record) -> ValueVerdict | Doubt:
        """A verdict on a value that both runs have, or that it is in doubt."""
        if why := record.unstored or other.unstored:
            return unjudged(record, Because(code="not stored", why=why))
        try:
            return self._both(record, other)
        except UNTAKEN as error:
            return unjudged(record, Because(code="not comparable", why=words_of(error)))

    def _both(self, record: Record, other: Record) -> ValueVerdict | Doubt:
        mine, its = as_tensor(record.value), as_tensor(other.value)
        if isinstance(mine, torch.Tensor) and isinstance(its, torch.Tensor):
            return self._tensors(record, mine, its)
        if mine is None or its is None or isinstance(mine, torch.Tensor) or isinstance(its, torch.Tensor):
            if mine is None and its is None:
                return verdict_on(record, Outcome.OK, "exact")
            if self._is_zero_for_none(record, mine, its):
                allowed = "zeros: a compiled graph gives them to leaves that its target does not hang on"
                return verdict_on(record, Outcome.OK, "structure", allowed=allowed)
            differs = Differing(code="kind differs", found=kind_of(mine), wanted=kind_of(its))
            return mismatch(record, "structure", differs)
        return self._plain_values(record, mine, its)

    def _is_zero_for_none(self, record: Record, mine: Any, its: Any) -> bool:
        """Whether a compiled cell has a gradient of zeros where eager PyTorch has none."""
        compiled = record.kind == "gradient" and its is None and not is_eager(self._runs.actual)
        return compiled and isinstance(mine, torch.Tensor) and not bool(readable(mine).any())

    def _plain_values(self, record: Record, mine: Any, its: Any) -> ValueVerdict | Doubt:
        """Values that are no tensors: numbers, sizes, words."""
        if isinstance(mine, (float, complex)) and isinstance(its, (float, complex)):
            pair = (torch.tensor(one, dtype=NUMBERS[type(one)]) for one in (mine, its))
            return self._numbers.judge(record, *pair)
        if mine == its:
            return verdict_on(record, Outcome.OK, "exact")
        if isinstance(mine, (bool, int)) and isinstance(its, (bool, int)):
            pair = (torch.tensor(one) for one in (mine, its))
            return self._integers.judge(record, *pair)
        if isinstance(mine, (torch.dtype, torch.device, str)) and type(mine) is type(its):
            # they name what makes the cell what it is
            return unjudged(record, Differing(code="value differs", found=str(mine), wanted=str(its)))
        if isinstance(mine, _WORTH_ITS_VALUE) or isinstance(its, _WORTH_ITS_VALUE):
            return mismatch(record, "exact", Differing(code="value differs", found=str(mine), wanted=str(its)))
        if type_name(mine) == type_name(its):
            return verdict_on(record, Outcome.OK, "structure", allowed="its type")
        return unjudged(record, Differing(code="type differs", found=type_name(mine), wanted=type_name(its)))

    def _tensors(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict | Doubt:
        if differs := self.structure(record, mine, its):
            if differs.code == "shape differs" and self._shape_is_of_dtype(record.name, mine):
                return unjudged(record, differs.model_copy(update={"code": "shape is of the dtype"}))
            return mismatch(record, "structure", differs)
        if mine.is_meta or its.is_meta:
            allowed = "shape and dtype: a meta tensor has no values"
            return verdict_on(record, Outcome.OK, "structure", allowed=allowed)
        if why := self._judging.structural.get(record.name):
            return verdict_on(record, Outcome.OK, "structure", allowed=f"shape and dtype: {why}")
        known = self._runs.together.get(record.name)
        if known is None or known.actual is not mine:
            mine, its = readable(mine), readable(its)
        if record.kind == "tensor":
            return self._start(record, mine, its)
        if not (is_floating(mine.dtype) or is_floating(its.dtype)):
            return self._integers.judge(record, mine, its)
        return self._numbers.judge(record, mine, its)

    def _start(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict:
        """A tensor that both start from: the same numbers, each rounded to its own run's dtype."""
        errors = Errors(mine, its)
        if self._judging.signed_zeros and (zeros := errors.signed_zeros()):
            return other_signs(record, errors, zeros)
        other = ~same_start(mine, its)
        count = int(other.count_nonzero())
        if not count:
            measured = errors.measure() if self._judging.measures else errors.brief()
            return verdict_on(record, Outcome.OK, "inputs", allowed=SAME_NUMBERS, measure=measured)
        if self._runs.is_stated and is_floating(mine.dtype):
            return self._numbers.by_other_rules(record, errors, its, mine.dtype)
        found = errors.measure(int((errors.errors * other).argmax()))
        cause = elements_of("inputs differ", found).model_copy(update={"count": count})
        return mismatch(record, "inputs", cause, found)

    def structure(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> Differing | None:
        """Why shape or dtype are not the expected ones. The dtype is that of the eager CPU run in the same dtype."""
        if mine.is_nested or its.is_nested:
            if mine.is_nested != its.is_nested:
                return Differing(code="layout differs", found=str(mine.layout), wanted=str(its.layout))
        elif mine.shape != its.shape:
            if record.name in self._judging.shaped:
                return None
            return Differing(code="shape differs", found=list(mine.shape), wanted=list(its.shape))
        wanted = self._wanted_dtype(record.name)
        found = word_of(mine.dtype)
        if wanted is not None:
            same = mine.dtype == wanted
            return None if same else Differing(code="dtype is not eager's", found=found, wanted=word_of(wanted))
        if family_of(mine.dtype) != family_of(its.dtype):
            return Differing(code="dtype differs", found=found, wanted=word_of(its.dtype))
        return None

    def _shape_is_of_dtype(self, name: str, mine: torch.Tensor) -> bool:
        """Whether a shape that float64 does not give is that of the cell's dtype, as of `x.view(torch.int32)`."""
        if self._runs.baseline is None or self._runs.baseline is self._runs.expected:
            return self._judging.reads_bits
        alike = of_name(self._runs.baseline.records, name)
        return alike is not None and isinstance(alike.value, torch.Tensor) and alike.value.shape == mine.shape

    def _wanted_dtype(self, name: str) -> torch.dtype | None:
        """The dtype that eager CPU gives in a cell of this dtype, where that is known."""
        if self._judging.dtypes is not None:
            return of_name(self._judging.dtypes, name)
        alike = self._runs.of_baseline(name)
        return alike.value.dtype if alike is not None and isinstance(alike.value, torch.Tensor) else None


_WORTH_ITS_VALUE: Final = (bool, int, float, complex, str, list, tuple, dict, torch.dtype, torch.device)
"""Types whose values are compared; of any other object, such as a `grad_fn`, its type is."""
