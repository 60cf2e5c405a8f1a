"""Two results compared, value by value: which value with which, and by which rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, Literal

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.errors import words_of
from tensorflow_free.judging.as_tensors import (
    NUMBERS,
    as_tensor,
    family_of,
    kind_of,
    readable,
    same_bits,
    tensor_of,
    type_name,
)
from tensorflow_free.judging.blame import where_it_starts
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.doubts import Doubt, NumbersInDoubt, PlacesInDoubt, settle
from tensorflow_free.judging.measures import Errors, Measure, noise_of
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.options import AS_USUAL, Judging
from tensorflow_free.judging.paths import Paths
from tensorflow_free.judging.rounding_rule import RoundingBound, k_of
from tensorflow_free.judging.rules import MANY, Judged, Rule, by_noise, by_tolerance, epsilon, stated_tolerance
from tensorflow_free.judging.rules import k_of as k_of_noise
from tensorflow_free.judging.same_starts import SAME_NUMBERS, same_start
from tensorflow_free.judging.settled import settled_both
from tensorflow_free.judging.verdicts import NOTHING_ALLOWED, Comparison, ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome, ValueOutcome
from tensorflow_free.outcome.reasons import AnyReason, Bare, Because, Differing, Elements, OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import AFTER, Record, of_name
from tensorflow_free.tensors.dtypes import PARTS, TORCH_DTYPES, tolerance_of, word_of
from tensorflow_free.tensors.memory import check_room
from tensorflow_free.text.phrases import some


def compare_results(
    actual: Result,
    expected: Result,
    baseline: Result | None = None,
    *,
    judging: Judging = AS_USUAL,
    reference: str = "",
) -> Comparison:
    """Compare two results by what is given; the public function, in `cell.two_results`, finds out the noise, too.

    Args:
        actual: the run that is judged.
        expected: the run that it is compared with.
        baseline: an eager CPU run in the dtype of `actual`; without it and without nudged runs in `judging`, values are
            held to the tolerance of the recipe, or of their dtype.
        judging: how to judge, and what to leave out.
        reference: what `expected` is, in words.
    """
    if baseline is not None:
        baseline = settled_both(actual, baseline)[1]
    actual, expected = settled_both(actual, expected)
    comparing = Comparing(actual, expected, baseline, judging)
    values = comparing.settled()
    where = where_it_starts(values, actual.recipe) if any(one.outcome == Outcome.MISMATCH for one in values) else None
    return Comparison(values, where, reference, judging.k, comparing.usual_k)


class Comparing:
    """Two results being compared."""

    def __init__(self, actual: Result, expected: Result, baseline: Result | None, judging: Judging) -> None:
        self._actual = actual
        self._expected = expected
        self._baseline = baseline
        self._judging = judging
        self._recipe = actual.recipe
        self._paths = Paths(actual, expected)
        self._most_used = 0.0
        self._to_measure: dict[str, Callable[[], tuple[Measure, str]]] = {}

    def settled(self) -> tuple[ValueVerdict, ...]:
        """A verdict on each value of either run, those of the judged run first; doubts are settled together."""
        found = list(self.verdicts())
        doubts = [one for one in found if not isinstance(one, ValueVerdict)]
        if doubts and self._judging.movement is not None:
            settle(doubts, self._judging.movement, self._k(TORCH_DTYPES[self._recipe.dtype]))
        values = [self._owned(one if isinstance(one, ValueVerdict) else one.verdict()) for one in found]
        return tuple(self._worst_in_full(values))

    def _worst_in_full(self, values: Sequence[ValueVerdict]) -> Iterator[ValueVerdict]:
        """The verdicts; where nothing fails, that on the value that used most with all that there is to measure."""
        worst = Comparison(tuple(values)).worst
        for one in values:
            if one is worst and one.name in self._to_measure:
                measured, allowed = self._to_measure[one.name]()
                yield replace(one, measure=measured, allowed=allowed)
            else:
                yield one

    def _owned(self, verdict: ValueVerdict) -> ValueVerdict:
        """A verdict, but that a value and the reference's are of the very same kernel, and alike, tells nothing."""
        op = self._judging.same_kernel.get(verdict.name.partition(".")[0])
        if op is None or verdict.kind == "gradient" or verdict.outcome != Outcome.OK:
            return verdict
        cause = OfNames(code="same kernel", name=verdict.name, other=op)
        return replace(verdict, outcome=Outcome.NOT_COMPARABLE, rule="none", cause=cause, reason=words(cause))

    def verdicts(self) -> Iterator[ValueVerdict | Doubt]:
        """A verdict on each value of either run, or that it is in doubt."""
        expected = self._expected.records
        starts = self._judging.starts
        for name, record in self._actual.records.items():
            if record.kind == "check" or (not starts and record.kind == "tensor") or self._apart(name):
                # checks are there to be expected of, and part of nothing else
                continue
            other = of_name(expected, name)
            mine = record.value
            # most values of most cells are equal, and asking so costs least
            if other is not None and type(mine) is type(other.value) is torch.Tensor and self._alike(mine, other.value):
                dtype, shape = word_of(mine.dtype), tuple(mine.shape)
                yield ValueVerdict(name, record.kind, record.op, Outcome.OK, "equal", dtype=dtype, shape=shape)
            elif record.kind != "tensor" and self._is_random(name):
                yield self._other_stream(record, other)
            elif other is None:
                yield from self._alone(record)
            else:
                yield self._compared(record, other)
        yield from self._missing()

    def _apart(self, name: str) -> bool:
        apart = self._judging.apart
        return bool(apart) and (name in apart or name.partition(".")[0] in apart)

    def _alike(self, mine: torch.Tensor, its: torch.Tensor) -> bool:
        """Whether two plain tensors are equal number for number; what holds NaN is looked at more closely elsewhere."""
        # the shape of a nested tensor is not one list of lengths, and torch refuses to tell it
        if mine.is_nested or its.is_nested or mine.layout != torch.strided or mine.is_quantized:
            return False
        if mine.dtype != its.dtype or mine.shape != its.shape or mine.device != its.device or mine.is_meta:
            return False
        try:
            check_room(mine)
            equal = torch.equal(mine, its)
        except MemoryError:
            return False
        except RuntimeError:
            return same_bits(mine, its)
        return equal and (not self._judging.signed_zeros or same_bits(mine, its))

    def _is_random(self, name: str) -> bool:
        """Whether a value lies downstream of a random step with another stream."""
        return not self._judging.incomparable.isdisjoint((name, name.removesuffix(AFTER)))

    def _other_stream(self, record: Record, other: Record | None) -> ValueVerdict:
        """No numbers are judged; shape and dtype are, where they are known to be the same in any stream."""
        if other is None or record.name not in self._judging.structural:
            return self._unjudged(record, self._why_random())
        mine, its = as_tensor(record.value), as_tensor(other.value)
        both = isinstance(mine, torch.Tensor) and isinstance(its, torch.Tensor)
        if both and (differs := self._structure(record, mine, its)):
            return self._bad(record, "structure", differs)
        return self._verdict(record, Outcome.NOT_COMPARABLE, "structure", cause=self._why_random())

    def _why_random(self) -> AnyReason:
        steps = self._judging.unreplayed
        if not steps:
            return Bare(code="random")
        why = f"it is downstream of {some(steps)}, whose random numbers its reference cannot draw again"
        return Because(code="not comparable", why=why)

    # values that only one run has

    def _alone(self, record: Record) -> Iterator[ValueVerdict]:
        if record.kind == "gradient" and record.value is None:
            return
        if _records_less(self._expected, self._actual):
            yield self._unjudged(record, Bare(code="not recorded"))
        elif self._expected.error is not None:
            yield self._unjudged(record, Bare(code="reference stopped"))
        else:
            yield self._bad(record, "structure", Bare(code="missing in the reference"))

    def _missing(self) -> Iterator[ValueVerdict | Doubt]:
        """Values of the reference that the judged run does not have."""
        has_less = self._actual.error is not None or _records_less(self._actual, self._expected)
        if has_less and not self._judging.whole:
            return
        for name, record in self._expected.records.items():
            gone = (
                name not in self._actual.records
                and not self._apart(name)
                and not (record.kind == "gradient" and record.value is None)
            )
            mine = of_name(self._actual.records, name)
            if gone and mine is not None:
                # only the reference's plan has a step that may change it
                mine = replace(mine, name=name, kind=record.kind)
                random = self._is_random(name)
                yield self._other_stream(mine, record) if random else self._compared(mine, record)
            elif gone and record.kind != "check" and (self._judging.starts or record.kind != "tensor"):
                missing = Bare(code="only in the reference" if has_less else "missing in the run")
                yield self._unjudged(record, missing) if has_less else self._bad(record, "structure", missing)

    # values that both have

    def _compared(self, record: Record, other: Record) -> ValueVerdict | Doubt:
        if why := record.unstored or other.unstored:
            return self._unjudged(record, Because(code="not stored", why=why))
        try:
            return self._both(record, other)
        except UNTAKEN as error:
            return self._unjudged(record, Because(code="not comparable", why=words_of(error)))

    def _both(self, record: Record, other: Record) -> ValueVerdict | Doubt:
        mine, its = as_tensor(record.value), as_tensor(other.value)
        if isinstance(mine, torch.Tensor) and isinstance(its, torch.Tensor):
            return self._tensors(record, mine, its)
        if mine is None or its is None or isinstance(mine, torch.Tensor) or isinstance(its, torch.Tensor):
            if mine is None and its is None:
                return self._verdict(record, Outcome.OK, "exact")
            if self._is_zero_for_none(record, mine, its):
                allowed = "zeros: a compiled graph gives them to leaves that its target does not hang on"
                return self._verdict(record, Outcome.OK, "structure", allowed=allowed)
            differs = Differing(code="kind differs", found=kind_of(mine), wanted=kind_of(its))
            return self._bad(record, "structure", differs)
        return self._plain_values(record, mine, its)

    def _is_zero_for_none(self, record: Record, mine: Any, its: Any) -> bool:
        """Whether a compiled cell has a gradient of zeros where eager PyTorch has none."""
        compiled = record.kind == "gradient" and its is None and not _is_eager(self._actual)
        return compiled and isinstance(mine, torch.Tensor) and not bool(readable(mine).any())

    def _plain_values(self, record: Record, mine: Any, its: Any) -> ValueVerdict | Doubt:
        """Values that are no tensors: numbers, sizes, words."""
        if isinstance(mine, (float, complex)) and isinstance(its, (float, complex)):
            pair = (torch.tensor(one, dtype=NUMBERS[type(one)]) for one in (mine, its))
            return self._numbers(record, *pair, dtype=TORCH_DTYPES[self._recipe.dtype])
        if mine == its:
            return self._verdict(record, Outcome.OK, "exact")
        if isinstance(mine, (bool, int)) and isinstance(its, (bool, int)):
            pair = (torch.tensor(one) for one in (mine, its))
            return self._integers(record, *pair)
        if isinstance(mine, (torch.dtype, torch.device, str)) and type(mine) is type(its):
            # they name what makes the cell what it is
            return self._unjudged(record, Differing(code="value differs", found=str(mine), wanted=str(its)))
        if isinstance(mine, _WORTH_ITS_VALUE) or isinstance(its, _WORTH_ITS_VALUE):
            return self._bad(record, "exact", Differing(code="value differs", found=str(mine), wanted=str(its)))
        if type_name(mine) == type_name(its):
            return self._verdict(record, Outcome.OK, "structure", allowed="its type")
        return self._unjudged(record, Differing(code="type differs", found=type_name(mine), wanted=type_name(its)))

    def _tensors(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict | Doubt:
        if differs := self._structure(record, mine, its):
            if differs.code == "shape differs" and self._shape_is_of_dtype(record.name, mine):
                return self._unjudged(record, differs.model_copy(update={"code": "shape is of the dtype"}))
            return self._bad(record, "structure", differs)
        if mine.is_meta or its.is_meta:
            allowed = "shape and dtype: a meta tensor has no values"
            return self._verdict(record, Outcome.OK, "structure", allowed=allowed)
        if why := self._judging.structural.get(record.name):
            return self._verdict(record, Outcome.OK, "structure", allowed=f"shape and dtype: {why}")
        mine, its = readable(mine), readable(its)
        if record.kind == "tensor":
            return self._start(record, mine, its)
        if not (is_floating(mine.dtype) or is_floating(its.dtype)):
            return self._integers(record, mine, its)
        return self._numbers(record, mine, its, dtype=self._paths.coarsest(record.name, mine.dtype))

    def _start(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict:
        """A tensor that both start from: the same numbers, each rounded to its own run's dtype."""
        errors = Errors(mine, its)
        if self._judging.signed_zeros and (zeros := errors.signed_zeros()):
            return self._other_signs(record, errors, zeros)
        other = ~same_start(mine, its)
        count = int(other.count_nonzero())
        if not count:
            measured = errors.measure() if self._in_full else errors.brief()
            return self._verdict(record, Outcome.OK, "inputs", allowed=SAME_NUMBERS, measure=measured)
        if self._is_stated and is_floating(mine.dtype):
            return self._by_other_rules(record, errors, its, mine.dtype)
        found = errors.measure(int((errors.errors * other).argmax()))
        cause = _elements("inputs differ", found).model_copy(update={"count": count})
        return self._bad(record, "inputs", cause, found)

    def _structure(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> Differing | None:
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
        if self._baseline is None or self._baseline is self._expected:
            return self._judging.reads_bits
        alike = of_name(self._baseline.records, name)
        return alike is not None and isinstance(alike.value, torch.Tensor) and alike.value.shape == mine.shape

    def _wanted_dtype(self, name: str) -> torch.dtype | None:
        """The dtype that eager CPU gives in a cell of this dtype, where that is known."""
        if self._judging.dtypes is not None:
            return of_name(self._judging.dtypes, name)
        alike = None if self._baseline is None else of_name(self._baseline.records, name)
        return alike.value.dtype if alike is not None and isinstance(alike.value, torch.Tensor) else None

    def _integers(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict | Doubt:
        """Integers and booleans: those of the reference, but where rounding makes them differ."""
        errors = Errors(mine, its)
        if not errors.unequal():
            return self._verdict(
                record, Outcome.OK, "exact", measure=errors.measure() if self._in_full else errors.brief()
            )
        kept = of_name(self._judging.leeway, record.name)
        if (self._judging.movement is None and kept is None) or mine.shape != its.shape:
            return self._integers_of_eager(record, mine, its)
        k = self._k(TORCH_DTYPES[self._recipe.dtype])
        places = PlacesInDoubt(
            record.name, mine, its, k, lambda doubt: self._places(record, doubt), is_choice=chooses(record.op)
        )
        if kept is None:
            return places
        places.take(kept)
        # what was told when it was recorded is no news
        return self._verdict(record, Outcome.OK, "rounding") if places.is_settled else places.verdict()

    def _places(self, record: Record, doubt: PlacesInDoubt) -> ValueVerdict:
        """What became of integers that differ from the reference."""
        found = Errors(doubt.mine, doubt.its).measure()
        if not doubt.runs:
            return self._unjudged(record, Bare(code="no nudged runs"))
        if doubt.is_settled:
            cause = _elements("dtype-dependent", found)
            return self._verdict(record, Outcome.DTYPE_DEPENDENT, "rounding", cause=cause, measure=found)
        at = int(doubt.unexplained.to(torch.uint8).argmax())
        found = Errors(doubt.mine, doubt.its).measure(at)
        return self._bad(record, "rounding", _elements("integers differ", found), found)

    def _integers_of_eager(self, record: Record, mine: torch.Tensor, its: torch.Tensor) -> ValueVerdict:
        """Integers that differ, held against those of the eager CPU run in the same dtype, where nothing is nudged."""
        found = Errors(mine, its).measure()
        alike = None if self._baseline is None else of_name(self._baseline.records, record.name)
        if alike is not None:
            base = alike.value if isinstance(alike.value, torch.Tensor) else torch.tensor(alike.value)
            against = Errors(mine, readable(base)).measure()
            if against.unequal:
                return self._bad(record, "exact", _elements("integers differ from eager", against), against)
        elif self._same_dtype or self._judging.dtypes is not None:
            return self._bad(record, "exact", _elements("integers differ", found), found)
        cause = _elements("dtype-dependent", found)
        return self._verdict(record, Outcome.DTYPE_DEPENDENT, "exact", cause=cause, measure=found)

    @cached_property
    def _same_dtype(self) -> bool:
        return self._actual.recipe.dtype == self._expected.recipe.dtype

    @property
    def usual_k(self) -> float | None:
        """The k of the recipe's dtype, where another one judges."""
        if self._judging.k is None:
            return None
        dtype = TORCH_DTYPES[self._recipe.dtype]
        is_derived = self._judging.movement is not None or bool(self._judging.leeway)
        return k_of(dtype) if is_derived else k_of_noise(dtype, MANY)

    @cached_property
    def _baseline_is_reference(self) -> bool:
        return self._baseline is not None and self._baseline.recipe.dtype == self._expected.recipe.dtype

    def _k(self, dtype: torch.dtype) -> float:
        return k_of(dtype) if self._judging.k is None else self._judging.k

    @property
    def _is_stated(self) -> bool:
        """Whether a tolerance is given that judges all numbers."""
        return self._judging.rtol is not None or self._judging.atol is not None

    @property
    def _in_full(self) -> bool:
        return self._judging.measures

    def _numbers(
        self, record: Record, mine: torch.Tensor, its: torch.Tensor, *, dtype: torch.dtype
    ) -> ValueVerdict | Doubt:
        """Floating and complex numbers: by what rounding explains where the reference can be nudged."""
        errors = Errors(mine, its)
        kept = of_name(self._judging.leeway, record.name)
        if kept is not None and not self._is_stated:
            # what would pass zeros, or flushes, is held against the noise of one run, as far as there is any
            bound = RoundingBound(errors, self._rounded_to(mine, its), 1.0, kept.noise)
            bound.k = self._k(bound.dtype)
            bound.take(kept)
            if self._noise(record, its) is None or not (bound.is_vacuous or bound.is_off_below_normal):
                return self._by_leeway(record, bound)
        if self._is_stated or self._judging.movement is None:
            return self._by_other_rules(record, errors, its, dtype)
        base = self._baseline_of(record.name, its)
        lost = 0
        if errors.nonfinite:
            lost = errors.nonfinite
            if base is None or not errors.shares_lost_with(base):
                found = errors.measure()
                return self._bad(record, "rounding", _elements("non-finite", found), found)
        noise = None if base is None else noise_of(base, its)
        if noise is not None and self._baseline_is_reference and not noise.max_abs:
            # it is the same run, which tells nothing of how far another may be
            noise = None
        if self._judging.signed_zeros and (zeros := errors.signed_zeros()) > (noise.signed_zeros if noise else 0):
            return self._other_signs(record, errors, zeros)
        bound = RoundingBound(errors, self._rounded_to(mine, its), 1.0, noise, is_jump=self._jumps(record))
        bound.k = self._k(bound.dtype)
        if bound.used <= 1 or bound.is_cleared_by_baseline:
            return self._within(record, bound, lost)
        return NumbersInDoubt(record.name, bound, lambda one: self._within(record, one, lost))

    def _jumps(self, record: Record) -> bool:
        """Whether a value jumps: by its op, or by the one that the reference has in the place of a user's own."""
        other = of_name(self._expected.records, record.name)
        return jumps(record.op) or (other is not None and jumps(other.op))

    def _rounded_to(self, mine: torch.Tensor, its: torch.Tensor) -> torch.dtype:
        """The coarser dtype of a value and of its reference's; of a number that is no tensor that of the recipe."""
        found = [one.dtype for one in (mine, its) if is_floating(one.dtype)]
        return max(found, key=lambda dtype: epsilon(PARTS.get(dtype, dtype)))

    def _baseline_of(self, name: str, its: torch.Tensor) -> torch.Tensor | None:
        alike = None if self._baseline is None else of_name(self._baseline.records, name)
        base = None if alike is None else tensor_of(alike.value)
        return base if base is not None and base.shape == its.shape else None

    def _within(self, record: Record, bound: RoundingBound, lost: int) -> ValueVerdict:
        """The verdict on numbers, once what they may be away is known."""
        used = bound.used
        cleared = used > 1 and not bound.runs and bound.is_cleared_by_baseline
        if cleared:
            used = bound.share_of_baseline
        if used > 1 and bound.is_untold:
            return self._unjudged(record, Bare(code="no nudged runs"))
        outcome: ValueOutcome = Outcome.OK if used <= 1 else Outcome.MISMATCH
        errors, measured, allowed, cause = bound.errors, None, "", None
        in_full = self._in_full or outcome != Outcome.OK
        at = None if cleared else bound.worst() if in_full else 0
        rule: Rule = "rounding" if at is not None else "baseline"
        if in_full:
            measured, allowed = _of_bound(bound, cleared=cleared)
        else:
            measured = self._brief(record, used, errors, lambda: _of_bound(bound, cleared=cleared))
        if outcome != Outcome.OK and measured is not None:
            cause = _elements("out of bounds", measured)
        elif lost:
            outcome, cause = Outcome.DTYPE_DEPENDENT, _elements("overflows", errors.measure())
        is_widened = bound.runs > 0 or self._judging.k is not None
        vacuous = outcome == Outcome.OK and is_widened and bound.is_vacuous
        return self._verdict(
            record, outcome, rule, used, cause=cause, allowed=allowed, measure=measured, vacuous=vacuous
        )

    def _by_leeway(self, record: Record, bound: RoundingBound) -> ValueVerdict:
        """Numbers by what was kept of nudged runs, and of the eager run beside them."""
        bad = self._lost(record, bound.errors, bound.baseline, "rounding")
        return self._within(record, bound, 0) if bad is None else bad

    def _lost(self, record: Record, errors: Errors, noise: Noise | None, rule: Rule) -> ValueVerdict | None:
        """That NaN, infinities or the signs of zeros are others than they were in the eager run that was kept."""
        if errors.nonfinite and not self._overflowed(errors, noise):
            found = errors.measure()
            return self._bad(record, rule, _elements("non-finite", found), found)
        if self._judging.signed_zeros and (lost := errors.signed_zeros()) > (noise.signed_zeros if noise else 0):
            return self._other_signs(record, errors, lost)
        return None

    def _by_other_rules(self, record: Record, errors: Errors, its: torch.Tensor, dtype: torch.dtype) -> ValueVerdict:
        """Numbers by a stated tolerance, by noise that is kept, or by the tolerance of their dtype."""
        noise = self._noise(record, its)
        if bad := self._lost(record, errors, noise, "tolerance" if noise is None else "noise"):
            return bad
        rule, judged = self._judged(record.name, errors, noise, dtype)
        outcome: ValueOutcome = Outcome.OK if judged.used <= 1 else Outcome.MISMATCH
        if self._in_full or outcome != Outcome.OK:
            measured, allowed = errors.measure(judged.at), judged.allowed
        else:
            measured, allowed = (
                self._brief(record, judged.used, errors, lambda: (errors.measure(judged.at), judged.allowed)),
                "",
            )
        cause = _elements("out of bounds", measured) if outcome != Outcome.OK else None
        return self._verdict(record, outcome, rule, judged.used, cause=cause, allowed=allowed, measure=measured)

    def _brief(
        self, record: Record, used: float, errors: Errors, in_full: Callable[[], tuple[Measure, str]]
    ) -> Measure:
        """What is known of a value that passes; all of it is measured in the end of the one that used most."""
        if used > self._most_used:
            self._most_used, self._to_measure = used, {}
        if used == self._most_used and used > 0:
            self._to_measure[record.name] = in_full
        return errors.brief()

    def _overflowed(self, errors: Errors, noise: Noise | None) -> bool:
        """Whether so many NaN and infinities are what the dtype itself gives, and are let pass."""
        if self._judging.dtypes is None or noise is None:
            return False
        return (errors.nonfinite, errors.nan) == (noise.nonfinite, noise.nan)

    def _noise(self, record: Record, its: torch.Tensor) -> Noise | None:
        if self._judging.noise is not None:
            return of_name(self._judging.noise, record.name)
        alike = None if self._baseline is None else of_name(self._baseline.records, record.name)
        base = None if alike is None else tensor_of(alike.value)
        return noise_of(base, its) if base is not None and base.shape == its.shape else None

    def _judged(self, name: str, errors: Errors, noise: Noise | None, dtype: torch.dtype) -> tuple[Rule, Judged]:
        judging = self._judging
        if self._is_stated:
            return "tolerance", by_tolerance(errors, (judging.rtol or 0.0, judging.atol or 0.0))
        stated = stated_tolerance(dtype, self._recipe)
        if noise is None:
            if stated is not None:
                return "tolerance", by_tolerance(errors, stated)
            return "tolerance", by_tolerance(errors, tolerance_of(dtype), steps=self._paths.steps_to(name))
        judged = by_noise(errors, noise, dtype, judging.k)
        is_older = judging.dtypes is not None and of_name(judging.leeway, name) is None
        if judged.used > 1 and stated is not None and is_older:
            loose = by_tolerance(errors, stated)
            return ("tolerance", loose) if loose.used <= 1 else ("noise", judged)
        return "noise", judged

    # verdicts

    def _verdict(  # noqa: PLR0913 - what is not given is as usual
        self,
        record: Record,
        outcome: ValueOutcome,
        rule: Rule,
        used: float = 0.0,
        *,
        cause: AnyReason | None = None,
        allowed: str = "",
        measure: Measure | None = None,
        vacuous: bool = False,
    ) -> ValueVerdict:
        value = record.value
        is_tensor = isinstance(value, torch.Tensor)
        shape = tuple(value.shape) if is_tensor and not value.is_nested else None
        dtype = word_of(value.dtype) if is_tensor else kind_of(value)
        reason = "" if cause is None else words(cause)
        return ValueVerdict(
            record.name, record.kind, record.op, outcome, rule, used, reason, dtype, shape, allowed, measure, cause,
            vacuous,
        )  # fmt: skip

    def _unjudged(self, record: Record, cause: AnyReason) -> ValueVerdict:
        return self._verdict(record, Outcome.NOT_COMPARABLE, "none", cause=cause)

    def _other_signs(self, record: Record, errors: Errors, count: int) -> ValueVerdict:
        signs = Elements(code="signed zeros", count=count, elements=errors.elements)
        return self._bad(record, "exact", signs, errors.measure())

    def _bad(self, record: Record, rule: Rule, cause: AnyReason, found: Measure | None = None) -> ValueVerdict:
        return self._verdict(record, Outcome.MISMATCH, rule, NOTHING_ALLOWED, cause=cause, measure=found)


def _of_bound(bound: RoundingBound, *, cleared: bool) -> tuple[Measure, str]:
    """The measure of a value, and what was allowed, in words."""
    at = None if cleared else bound.worst()
    return bound.errors.measure(at), bound.words(at)


def chooses(op: str | None) -> bool:
    """Whether an op tells the place of a number that it chooses."""
    return op is not None and op.rpartition(".")[2] in _CHOICES


_CHOICES: Final = frozenset({"argmax", "argmin", "kthvalue", "max", "median", "min", "mode", "nanmedian"})


def jumps(op: str | None) -> bool:
    """Whether an op's result jumps where an operand moves a little."""
    return op is not None and op.rpartition(".")[2].rstrip("_") in _JUMPS


_JUMPS: Final = frozenset(
    {
        *("ceil", "fix", "floor", "floor_divide", "fmod", "frac", "heaviside", "remainder", "round", "sgn", "sign"),
        *("trunc", "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine", "quantize_per_tensor"),
        *("bernoulli", "__floordiv__", "__mod__"),
    }
)
"""Ops whose result jumps where an operand moves a little."""

_WORTH_ITS_VALUE: Final = (bool, int, float, complex, str, list, tuple, dict, torch.dtype, torch.device)
"""Types whose values are compared; of any other object, such as a `grad_fn`, its type is."""


def _records_less(one: Result, other: Result) -> bool:
    """Whether a run keeps fewer values than another by what it was asked to record."""
    mine, its = ((each.recipe.record or ("all" if _is_eager(each) else "outputs")) for each in (one, other))
    return mine != its or (_is_eager(other) and not _is_eager(one))


def _is_eager(result: Result) -> bool:
    return result.recipe.backend.name == "eager"


NumberCode = Literal[
    "overflows",
    "out of bounds",
    "non-finite",
    "inputs differ",
    "integers differ",
    "integers differ from eager",
    "dtype-dependent",
]


def _elements(code: NumberCode, found: Measure) -> Elements:
    """What is wrong with numbers: the worst of them, and how many there are."""
    return Elements(
        code=code,
        found=found.found,
        wanted=found.wanted,
        at=found.at or (),
        count=found.nonfinite if code in ("non-finite", "overflows") else found.unequal or 0,
        elements=found.elements,
        apart=found.max_abs,
    )
