"""Floating and complex numbers, judged: by rounding, by a tolerance, or by noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import torch

from tensorflow_free.judging.as_tensors import as_tensor, tensor_of
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.doubts import Doubt, NumbersInDoubt
from tensorflow_free.judging.measured import Measure, Rule
from tensorflow_free.judging.measures import Errors, noise_of
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.op_traits import jumps
from tensorflow_free.judging.rounding_rule import RoundingBound
from tensorflow_free.judging.rules import Judged, by_noise, by_tolerance, epsilon, stated_tolerance
from tensorflow_free.judging.two_runs import TwoRuns
from tensorflow_free.judging.value_verdicts import elements_of, mismatch, other_signs, unjudged, verdict_on
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome, ValueOutcome
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.result.run_value import Record, of_name
from tensorflow_free.tensors.dtypes import PARTS, TORCH_DTYPES, tolerance_of


class Floating:
    """Judges the floating and complex numbers of two runs."""

    def __init__(self, runs: TwoRuns) -> None:
        self._runs = runs
        self._judging = runs.judging
        self._most_used = 0.0
        self._to_measure: dict[str, Callable[[], tuple[Measure, str]]] = {}

    def judge(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict | Doubt:
        """Floating and complex numbers: by what rounding explains where the reference can be nudged."""
        errors = self._errors(record, mine, its)
        kept = of_name(self._judging.leeway, record.name)
        if kept is not None and not self._runs.is_stated:
            # what would pass zeros, or flushes, is held against the noise of one run, as far as there is any
            bound = RoundingBound(errors, _coarser(mine.dtype, its.dtype), 1.0, kept.noise)
            bound.k = self._runs.k(bound.dtype)
            is_of_many = errors is self._runs.together.get(record.name)
            bound.take(kept, self._runs.reached.get(record.name) if is_of_many else None)
            if self._noise(record, its) is None or not (bound.is_vacuous or bound.is_off_below_normal):
                return self._by_leeway(record, bound)
        if self._runs.is_stated or self._judging.movement is None:
            return self.by_other_rules(record, errors, its)
        base = self._baseline_of(record.name, its)
        lost = 0
        if errors.nonfinite:
            lost = errors.nonfinite
            if base is None or not errors.shares_lost_with(base):
                found = errors.measure()
                return mismatch(record, "rounding", elements_of("non-finite", found), found)
        noise = self._noise_beside(base, its)
        if self._judging.signed_zeros and (zeros := errors.signed_zeros()) > (noise.signed_zeros if noise else 0):
            return other_signs(record, errors, zeros)
        bound = RoundingBound(errors, _coarser(mine.dtype, its.dtype), 1.0, noise, is_jump=self._jumps(record))
        bound.k = self._runs.k(bound.dtype)
        if not bound.is_exceeded:
            return self._within(record, bound, lost)
        if base is not None and noise is not None and not bound.is_jump:
            bound.look_for_lost(base)
        if bound.is_cleared_by_baseline:
            return self._within(record, bound, lost)
        return NumbersInDoubt(record.name, bound, lambda one: self._within(record, one, lost))

    def _errors(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> Errors:
        """How far a value is from the reference's, measured with others or alone."""
        known = self._runs.together.get(record.name)
        return known if known is not None and known.actual is mine else Errors(mine, its)

    def _coarsest(self, record: Record, mine: torch.Tensor) -> torch.dtype:
        """The coarsest dtype that a value went through; of a number that is no tensor that of the recipe."""
        if not isinstance(as_tensor(record.value), torch.Tensor):
            return TORCH_DTYPES[self._runs.recipe.dtype]
        return self._runs.paths.coarsest(record.name, mine.dtype)

    def _jumps(self, record: Record) -> bool:
        """Whether a value jumps: by its op, or by the one that the reference has in the place of a user's own."""
        other = of_name(self._runs.expected.records, record.name)
        return jumps(record.op) or (other is not None and jumps(other.op))

    def _baseline_of(self, name: str, its: torch.Tensor) -> torch.Tensor | None:
        alike = self._runs.of_baseline(name)
        base = None if alike is None else tensor_of(alike.value)
        return base if base is not None and base.shape == its.shape else None

    def _noise_beside(self, base: torch.Tensor | None, its: torch.Tensor) -> Noise | None:
        """How far the baseline is from the reference; None where it tells nothing."""
        noise = None if base is None else noise_of(base, its)
        # where it is the same run it does not tell how far another may be
        is_same = noise is not None and self._runs.baseline_is_reference and not noise.max_abs
        return None if is_same else noise

    def _within(self, record: Record, bound: RoundingBound, lost: int) -> ValueVerdict:
        """The verdict on numbers, once what they may be away is known."""
        cleared = not bound.runs and bound.is_cleared_by_baseline and bound.is_exceeded
        used = bound.share_of_baseline if cleared else bound.used
        if used > 1 and bound.is_untold:
            return unjudged(record, Bare(code="no nudged runs"))
        outcome: ValueOutcome = Outcome.OK if used <= 1 else Outcome.MISMATCH
        errors, measured, allowed, cause = bound.errors, None, "", None
        in_full = self._judging.measures or outcome != Outcome.OK
        at = None if cleared else bound.worst() if in_full else 0
        rule: Rule = "rounding" if at is not None else "baseline"
        if in_full:
            measured, allowed = _of_bound(bound, cleared=cleared)
        else:
            measured = self._brief(record, used, errors, lambda: _of_bound(bound, cleared=cleared))
        if outcome != Outcome.OK and measured is not None:
            cause = elements_of("out of bounds", measured)
        elif lost:
            outcome, cause = Outcome.DTYPE_DEPENDENT, elements_of("overflows", errors.measure())
        is_widened = bound.runs > 0 or self._judging.k is not None
        vacuous = outcome == Outcome.OK and is_widened and bound.is_vacuous
        return verdict_on(record, outcome, rule, used, cause=cause, allowed=allowed, measure=measured, vacuous=vacuous)

    def _by_leeway(self, record: Record, bound: RoundingBound) -> ValueVerdict:
        """Numbers by what was kept of nudged runs, and of the eager run beside them."""
        bad = self._lost(record, bound.errors, bound.baseline, "rounding")
        return self._within(record, bound, 0) if bad is None else bad

    def _lost(self, record: Record, errors: Errors, noise: Noise | None, rule: Rule) -> ValueVerdict | None:
        """That NaN, infinities or the signs of zeros are others than they were in the eager run that was kept."""
        if errors.nonfinite and not self._overflowed(errors, noise):
            found = errors.measure()
            return mismatch(record, rule, elements_of("non-finite", found), found)
        if self._judging.signed_zeros and (lost := errors.signed_zeros()) > (noise.signed_zeros if noise else 0):
            return other_signs(record, errors, lost)
        return None

    def by_other_rules(
        self, record: Record, errors: Errors, its: torch.Tensor, dtype: torch.dtype | None = None
    ) -> ValueVerdict:
        """Numbers by a stated tolerance, by noise that is kept, or by the tolerance of the coarsest dtype behind them.

        Args:
            record: of the value.
            errors: how far it is from the reference's.
            its: the reference's.
            dtype: whose tolerance it is; None for that of the coarsest dtype that the value went through.
        """
        dtype = self._coarsest(record, errors.actual) if dtype is None else dtype
        noise = self._noise(record, its)
        if bad := self._lost(record, errors, noise, "tolerance" if noise is None else "noise"):
            return bad
        rule, judged = self._judged(record.name, errors, noise, dtype)
        outcome: ValueOutcome = Outcome.OK if judged.used <= 1 else Outcome.MISMATCH
        if self._judging.measures or outcome != Outcome.OK:
            measured, allowed = errors.measure(judged.at), judged.allowed
        else:
            allowed = ""
            measured = self._brief(record, judged.used, errors, lambda: (errors.measure(judged.at), judged.allowed))
        cause = elements_of("out of bounds", measured) if outcome != Outcome.OK else None
        return verdict_on(record, outcome, rule, judged.used, cause=cause, allowed=allowed, measure=measured)

    def _brief(
        self, record: Record, used: float, errors: Errors, in_full: Callable[[], tuple[Measure, str]]
    ) -> Measure:
        """What is known of a value that passes; all of it is measured in the end of the one that used most."""
        if used > self._most_used:
            self._most_used, self._to_measure = used, {}
        if used == self._most_used and used > 0:
            self._to_measure[record.name] = in_full
        return errors.brief()

    def worst_in_full(self, values: Sequence[ValueVerdict]) -> Iterator[ValueVerdict]:
        """The verdicts; where nothing fails, that on the value that used most with all that there is to measure."""
        worst = Comparison(tuple(values)).worst
        for one in values:
            if one is worst and one.name in self._to_measure:
                measured, allowed = self._to_measure[one.name]()
                yield replace(one, measure=measured, allowed=allowed)
            else:
                yield one

    def _overflowed(self, errors: Errors, noise: Noise | None) -> bool:
        """Whether so many NaN and infinities are what the dtype itself gives, and are let pass."""
        if self._judging.dtypes is None or noise is None:
            return False
        return (errors.nonfinite, errors.nan) == (noise.nonfinite, noise.nan)

    def _noise(self, record: Record, its: torch.Tensor) -> Noise | None:
        if self._judging.noise is not None:
            return of_name(self._judging.noise, record.name)
        alike = self._runs.of_baseline(record.name)
        base = None if alike is None else tensor_of(alike.value)
        return noise_of(base, its) if base is not None and base.shape == its.shape else None

    def _judged(self, name: str, errors: Errors, noise: Noise | None, dtype: torch.dtype) -> tuple[Rule, Judged]:
        judging = self._judging
        if self._runs.is_stated:
            return "tolerance", by_tolerance(errors, (judging.rtol or 0.0, judging.atol or 0.0))
        stated = stated_tolerance(dtype, self._runs.recipe)
        if noise is None:
            if stated is not None:
                return "tolerance", by_tolerance(errors, stated)
            return "tolerance", by_tolerance(errors, tolerance_of(dtype), steps=self._runs.paths.steps_to(name))
        judged = by_noise(errors, noise, dtype, judging.k)
        is_older = judging.dtypes is not None and of_name(judging.leeway, name) is None
        if judged.used > 1 and stated is not None and is_older:
            loose = by_tolerance(errors, stated)
            return ("tolerance", loose) if loose.used <= 1 else ("noise", judged)
        return "noise", judged


@cache
def _coarser(*dtypes: torch.dtype) -> torch.dtype:
    """The coarser dtype of a value and of its reference's; of a number that is no tensor that of the recipe."""
    found = [one for one in dtypes if is_floating(one)]
    return max(found, key=lambda dtype: epsilon(PARTS.get(dtype, dtype)))


def _of_bound(bound: RoundingBound, *, cleared: bool) -> tuple[Measure, str]:
    """The measure of a value, and what was allowed, in words."""
    at = None if cleared else bound.worst()
    return bound.errors.measure(at), bound.words(at)
