"""Two results compared, value by value: which value with which, and what only one of them has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from tensorflow_free.judging.as_tensors import as_tensor, same_bits
from tensorflow_free.judging.blame import where_it_starts
from tensorflow_free.judging.doubts import Doubt, settle
from tensorflow_free.judging.floating import Floating
from tensorflow_free.judging.options import AS_USUAL, Judging
from tensorflow_free.judging.settled import settled_both
from tensorflow_free.judging.two_runs import TwoRuns, is_eager
from tensorflow_free.judging.value_pairs import ValuePairs
from tensorflow_free.judging.value_verdicts import mismatch, unjudged, verdict_on
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Bare, Because
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import AFTER, Record, of_name
from tensorflow_free.tensors.dtypes import TORCH_DTYPES, word_of
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
    runs = TwoRuns(actual, expected, baseline, judging)
    values = Comparing(runs).settled()
    where = where_it_starts(values, actual.recipe) if any(one.outcome == Outcome.MISMATCH for one in values) else None
    return Comparison(values, where, reference, judging.k, runs.usual_k)


class Comparing:
    """Two results being compared."""

    def __init__(self, runs: TwoRuns) -> None:
        self._runs = runs
        self._judging = runs.judging
        self._numbers = Floating(runs)
        self._pairs = ValuePairs(runs, self._numbers)
        self._left_out = [one.left_out for one in (runs.actual, runs.expected) if one.left_out is not None]

    def settled(self) -> tuple[ValueVerdict, ...]:
        """A verdict on each value of either run, those of the judged run first; doubts are settled together."""
        found = list(self.verdicts())
        doubts = [one for one in found if not isinstance(one, ValueVerdict)]
        if doubts and self._judging.movement is not None:
            settle(doubts, self._judging.movement, self._runs.k(TORCH_DTYPES[self._runs.recipe.dtype]))
        values = [self._owned(one if isinstance(one, ValueVerdict) else one.verdict()) for one in found]
        return tuple(self._numbers.worst_in_full(values))

    def _owned(self, verdict: ValueVerdict) -> ValueVerdict:
        """A verdict, but that a value and the reference's are of the very same kernel, and alike, tells nothing."""
        op = self._judging.same_kernel.get(verdict.name.partition(".")[0])
        if op is None or verdict.kind == "gradient" or verdict.outcome != Outcome.OK:
            return verdict
        cause = OfNames(code="same kernel", name=verdict.name, other=op)
        return replace(verdict, outcome=Outcome.NOT_COMPARABLE, rule="none", cause=cause, reason=words(cause))

    def verdicts(self) -> Iterator[ValueVerdict | Doubt]:
        """A verdict on each value of either run, or that it is in doubt."""
        expected = self._runs.expected.records
        starts = self._judging.starts
        for name, record in self._runs.actual.records.items():
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
                yield self._pairs.judge(record, other)
        yield from self._missing()

    def _apart(self, name: str) -> bool:
        apart = self._judging.apart
        if apart and (name in apart or name.partition(".")[0] in apart):
            return True
        return any(left.has(name) for left in self._left_out)

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
            return unjudged(record, self._why_random())
        mine, its = as_tensor(record.value), as_tensor(other.value)
        both = isinstance(mine, torch.Tensor) and isinstance(its, torch.Tensor)
        if both and (differs := self._pairs.structure(record, mine, its)):
            return mismatch(record, "structure", differs)
        return verdict_on(record, Outcome.NOT_COMPARABLE, "structure", cause=self._why_random())

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
        if _records_less(self._runs.expected, self._runs.actual):
            yield unjudged(record, Bare(code="not recorded"))
        elif self._runs.expected.error is not None:
            yield unjudged(record, Bare(code="reference stopped"))
        else:
            yield mismatch(record, "structure", Bare(code="missing in the reference"))

    def _missing(self) -> Iterator[ValueVerdict | Doubt]:
        """Values of the reference that the judged run does not have."""
        has_less = self._runs.actual.error is not None or _records_less(self._runs.actual, self._runs.expected)
        if has_less and not self._judging.whole:
            return
        for name, record in self._runs.expected.records.items():
            gone = (
                name not in self._runs.actual.records
                and not self._apart(name)
                and not (record.kind == "gradient" and record.value is None)
            )
            mine = of_name(self._runs.actual.records, name)
            if gone and mine is not None:
                # only the reference's plan has a step that may change it
                mine = replace(mine, name=name, kind=record.kind)
                random = self._is_random(name)
                yield self._other_stream(mine, record) if random else self._pairs.judge(mine, record)
            elif gone and record.kind != "check" and (self._judging.starts or record.kind != "tensor"):
                missing = Bare(code="only in the reference" if has_less else "missing in the run")
                yield unjudged(record, missing) if has_less else mismatch(record, "structure", missing)


def _records_less(one: Result, other: Result) -> bool:
    """Whether a run keeps fewer values than another by what it was asked to record."""
    mine, its = ((each.recipe.record or ("all" if is_eager(each) else "outputs")) for each in (one, other))
    return mine != its or (is_eager(other) and not is_eager(one))
