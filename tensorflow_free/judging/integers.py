"""Integers and booleans, judged: exactly, or by where rounding makes them differ."""

from __future__ import annotations

import torch

from tensorflow_free.judging.as_tensors import readable
from tensorflow_free.judging.doubts import Doubt, PlacesInDoubt
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.op_traits import chooses
from tensorflow_free.judging.two_runs import TwoRuns
from tensorflow_free.judging.value_verdicts import elements_of, mismatch, unjudged, verdict_on
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.result.run_value import Record, of_name
from tensorflow_free.tensors.dtypes import TORCH_DTYPES


class Integers:
    """Judges the integers and booleans of two runs."""

    def __init__(self, runs: TwoRuns) -> None:
        self._runs = runs
        self._judging = runs.judging

    def judge(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict | Doubt:
        """Integers and booleans: those of the reference, but where rounding makes them differ."""
        errors = Errors(mine, its)
        if not errors.unequal():
            measured = errors.measure() if self._judging.measures else errors.brief()
            return verdict_on(record, Outcome.OK, "exact", measure=measured)
        kept = of_name(self._judging.leeway, record.name)
        if (self._judging.movement is None and kept is None) or mine.shape != its.shape:
            return self._of_eager(record, mine, its)
        k = self._runs.k(TORCH_DTYPES[self._runs.recipe.dtype])
        places = PlacesInDoubt(
            record.name, mine, its, k, lambda doubt: self._places(record, doubt), is_choice=chooses(record.op)
        )
        if kept is None:
            return places
        places.take(kept)
        # what was told when it was recorded is no news
        return verdict_on(record, Outcome.OK, "rounding") if places.is_settled else places.verdict()

    def _places(self, record: Record, doubt: PlacesInDoubt) -> ValueVerdict:
        """What became of integers that differ from the reference."""
        found = Errors(doubt.mine, doubt.its).measure()
        if not doubt.runs:
            return unjudged(record, Bare(code="no nudged runs"))
        if doubt.is_settled:
            cause = elements_of("dtype-dependent", found)
            return verdict_on(record, Outcome.DTYPE_DEPENDENT, "rounding", cause=cause, measure=found)
        at = int(doubt.unexplained.to(torch.uint8).argmax())
        found = Errors(doubt.mine, doubt.its).measure(at)
        return mismatch(record, "rounding", elements_of("integers differ", found), found)

    def _of_eager(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict:
        """Integers that differ, held against those of the eager CPU run in the same dtype, where nothing is nudged."""
        found = Errors(mine, its).measure()
        alike = self._runs.of_baseline(record.name)
        if alike is not None:
            base = alike.value if isinstance(alike.value, torch.Tensor) else torch.tensor(alike.value)
            against = Errors(mine, readable(base)).measure()
            if against.unequal:
                return mismatch(record, "exact", elements_of("integers differ from eager", against), against)
        elif self._runs.same_dtype or self._judging.dtypes is not None:
            return mismatch(record, "exact", elements_of("integers differ", found), found)
        cause = elements_of("dtype-dependent", found)
        return verdict_on(record, Outcome.DTYPE_DEPENDENT, "exact", cause=cause, measure=found)
