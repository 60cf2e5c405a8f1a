"""Each captured call judged alone: what the cell made of its operands against what float64 makes of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch

from tensorflow_free.isolation.astray import gone_astray
from tensorflow_free.isolation.captured import Captured, CapturedCall, tensor_names
from tensorflow_free.isolation.copies import Convert, numbers_in, tensors_in
from tensorflow_free.isolation.cut_off import cut_off
from tensorflow_free.isolation.forcing import Forced
from tensorflow_free.isolation.sharing import SharedMemory
from tensorflow_free.isolation.vjps import Alone, Gradients, is_differentiable, place_of, run_alone, widened
from tensorflow_free.judging.as_tensors import readable
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.movement import GRADIENT, needs_backward
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import AFTER, Record
from tensorflow_free.rounding.nudged_runs import NudgedRuns
from tensorflow_free.rounding.uniform import Uniform
from tensorflow_free.runner import GivenTensors
from tensorflow_free.tensors.streams import kept_streams


@dataclass(frozen=True, slots=True)
class OfCall:
    """A verdict on a part of a call.

    Attributes:
        call: the call.
        kind: its result, an operand as it left it, or a gradient that it handed on.
        position: which of its results, or of its operands' tensors.
        number: of a gradient, the pass.
        verdict: what was found.
        overflows: whether it is infinite just where the exact number is larger than its dtype holds.
    """

    call: CapturedCall
    kind: str
    position: int
    number: int | None
    verdict: ValueVerdict
    overflows: bool = False


@dataclass
class Judge:
    """Judges the calls of a cell, each alone.

    Attributes:
        captured: the calls.
        result: a result of the cell, whose recipe says how to judge.
        plan: the reference's.
        given: what that starts from.
        nudged: its nudged runs.
        baseline: the plan of the baseline, where the cell is another.
        skipped: the numbers of the calls that are not judged.
        failed: the calls that could not be run alone, and why.
        reads_bits: whether steps look at how a dtype lies in memory, which float64 does otherwise.
        unrounded: whether what a call read may have had more digits than what was captured of it, as in code in which
            a compiler rounds no value between two steps.
        expected: which operands' memory each call's results should lie in, where a baseline tells.
    """

    captured: Captured
    result: Result
    plan: Plan
    given: GivenTensors | None
    nudged: NudgedRuns
    baseline: Plan | None = None
    skipped: frozenset[int] = frozenset()
    failed: dict[int, Exception] = field(default_factory=dict)
    unrounded: bool = False
    expected: dict[int, SharedMemory] = field(default_factory=dict)
    reads_bits: bool = False

    def verdicts(self) -> list[OfCall]:
        """A verdict on each part of each call, in order."""
        wanted = frozenset(one.number for one in self.captured.calls) - self.skipped
        forced = Forced(self.captured, self.plan, self.given, wanted=wanted, failed=self.failed)
        exact = forced.run()
        parts = _Parts(self.captured, exact)
        mine = parts.of_cell()
        expected = parts.of(exact)
        baseline = None
        if self.baseline is not None:
            beside = Forced(self.captured, self.baseline, self.given, _as_it_is, wanted=wanted)
            found_beside = beside.run()
            self.expected = {number: one.shares for number, one in found_beside.items()}
            baseline = self._result(parts.of(found_beside))
        judging = Judging(
            k=self.result.recipe.judge.k,
            movement=_Movement(forced, self.nudged, parts, unrounded=self.unrounded),
            starts=False,
            measures=False,
            reads_bits=self.reads_bits,
        )
        found = compare_results(self._result(mine), self._result(expected), baseline, judging=judging)
        calls = {one.number: one for one in self.captured.calls}
        return [_of_call(one, calls, overflows=_overflows(one, mine, expected)) for one in found.values]

    def unseen(self) -> Iterator[OfCall]:
        """What is wrong though all numbers are right, for where no step's are wrong; after `verdicts`.

        Results that lie in other memory than they should, which a later call changes; gradients that are cut off.
        """
        for call, at, place in gone_astray(self.captured.calls, self.expected):
            is_missing = (at, place) in self.expected[call.number]
            names = tensor_names(call.site)
            name = names[place] if len(names) == len(call.wants) else f"operand {place}"
            cause = OfNames(code="memory not shared" if is_missing else "memory shared", name=name)
            yield OfCall(call, "step", at, None, _of_structure(call, "step", cause))
        if self.baseline is not None:
            wanted = frozenset(one.number for one in self.captured.calls) - self.skipped - self.failed.keys()
            for call, at in cut_off(Forced(self.captured, self.plan, self.given, wanted=wanted)):
                yield OfCall(call, "gradient", at, 0, _of_structure(call, "gradient", Bare(code="missing in the run")))

    def _result(self, records: dict[str, Record]) -> Result:
        return Result(self.result.recipe, records)


class _Movement:
    """Nudged runs of the reference, each call on the cell's own operands."""

    apart = True

    def __init__(self, forced: Forced, nudged: NudgedRuns, parts: _Parts, *, unrounded: bool) -> None:
        self._forced, self._nudged, self._parts = forced, nudged, parts
        self._unrounded = unrounded
        self.jumps = False

    def values(self, number: int, times: float = 1.0, *, names: Collection[str] | None = None) -> Mapping[str, Record]:
        """As of `Movement`: only the calls run of which something is asked."""
        found: dict[int, Alone] = {}
        forced = self._forced
        if self._unrounded:
            forced = replace(forced, convert=_unrounded(Uniform(number), times))
        if names is not None:
            calls = frozenset(int(one.partition("/")[0]) for one in names)
            forced = replace(forced, wanted=calls)
        backward = needs_backward(names)
        nudged = self._nudged.of(forced.plan_into(found, backward=backward))
        with kept_streams(forced.captured.devices):
            nudged.run(number, times)
        self.jumps = self.jumps or nudged.jumps
        return self._parts.of(found)


@dataclass
class _Parts:
    """The parts of the calls that are compared, and their names.

    Attributes:
        captured: the calls.
        exact: what float64 makes of their operands.
    """

    captured: Captured
    exact: Mapping[int, Alone]

    def of(self, found: Mapping[int, Alone]) -> dict[str, Record]:
        """What calls came to in some run."""
        records: dict[str, Record] = {}
        for call in self.captured.calls:
            alone = found.get(call.number)
            exact = self.exact.get(call.number)
            if alone is not None and exact is not None:
                records |= {one.name: one for one in _records(call, alone, self._changed(call))}
        return records

    def of_cell(self) -> dict[str, Record]:
        """What the cell's own calls came to; what it need not have handed on is left out on both sides."""
        records: dict[str, Record] = {}
        for call in self.captured.calls:
            exact = self.exact.get(call.number)
            if exact is not None:
                alone = self._of_cell(call, exact)
                records |= {one.name: one for one in _records(call, alone, self._changed(call))}
        return records

    def _changed(self, call: CapturedCall) -> list[int]:
        return sorted({*call.after, *self.exact[call.number].changed})

    def _of_cell(self, call: CapturedCall, exact: Alone) -> Alone:
        before = tensors_in(call.operands)
        alone = Alone(
            [*tensors_in(call.result), *numbers_in(call.result)],
            [call.after.get(at, one) for at, one in enumerate(before)],
        )
        if not exact.gradients:
            return alone
        if call.is_hooked:
            alone.gradients = {number: _handed_on(call, number, before) for number in exact.gradients}
        else:
            alone.gradients = self._again(call).gradients
        self._left_out(alone, exact)
        return alone

    def _again(self, call: CapturedCall) -> Alone:
        """The call once more on the cell's device and in its dtype."""
        device = self.captured.device
        with kept_streams(self.captured.devices):
            return run_alone(
                call, call.function, lambda flat: flat.to(device, copy=True), tuple(call.passes), in_place=call.in_place
            )

    def _left_out(self, alone: Alone, exact: Alone) -> None:
        """Leave out the gradients that one side does not have and need not: zeros, and those not asked for."""
        for number, theirs in exact.gradients.items():
            mine = alone.gradients.setdefault(number, {})
            if not theirs:
                # nothing came in that the reference knows of
                mine.clear()
            for at in {*theirs, *mine}:
                its, own = theirs.get(at), mine.get(at)
                unasked = own is None and self.captured.is_partial
                if unasked or (None in (its, own) and _is_zero(its) and _is_zero(own)):
                    mine.pop(at, None)
                    theirs.pop(at, None)
                else:
                    mine.setdefault(at, None)


def _handed_on(call: CapturedCall, number: int, operands: Sequence[torch.Tensor]) -> Gradients:
    """All that a pass handed on, in the dtypes of the operands: under autocast it was seen before it was cast back."""
    one = call.passes[number]
    outgoing = {at: gradient.to(operands[at].dtype) for at, gradient in one.outgoing.items()}
    # a pass that ended at a result handed nothing on: what comes to its gradient is from those that read that
    through = {of: gradient for of, gradient in one.returned.items() if call.passes[of[0]].outgoing}
    return {**outgoing, **{place_of(of): gradient for of, gradient in through.items()}}


def _is_zero(one: torch.Tensor | None) -> bool:
    return one is None or not bool((readable(one) != 0).any())


def _records(call: CapturedCall, alone: Alone, changed: list[int]) -> Iterator[Record]:
    """The parts of a call as records, under names that tell the call, the part, and the pass."""
    op = call.site.op
    for at, one in enumerate(alone.results):
        yield Record(f"{call.number}/{at}", "step", one, op)
    for at in changed:
        if at < len(alone.operands):
            yield Record(f"{call.number}/{at}{AFTER}", "after", alone.operands[at], op)
    for number, gradients in alone.gradients.items():
        for at, gradient in gradients.items():
            yield Record(f"{call.number}/{at}/{number}{GRADIENT}", "gradient", gradient, op)


def _of_call(verdict: ValueVerdict, calls: Mapping[int, CapturedCall], *, overflows: bool) -> OfCall:
    number, position, *rest = verdict.name.removesuffix(AFTER).removesuffix(GRADIENT).split("/")
    pass_number = int(rest[0]) if rest else None
    return OfCall(calls[int(number)], verdict.kind, int(position), pass_number, verdict, overflows)


def _overflows(verdict: ValueVerdict, mine: Mapping[str, Record], expected: Mapping[str, Record]) -> bool:
    """Whether what is not finite, and is not so in float64, is so as its dtype cannot hold the exact number."""
    if verdict.cause is None or verdict.cause.code != "non-finite":
        return False
    value, exact = mine[verdict.name].value, expected[verdict.name].value
    if not isinstance(value, torch.Tensor) or not is_differentiable(value) or value.layout != torch.strided:
        return False
    lost = torch.isinf(value) & torch.isfinite(exact)
    if not value.is_complex():
        lost &= value.signbit() == exact.signbit()
    too_large = lost & (exact.abs() >= NEARLY * torch.finfo(value.dtype).max)
    alike = (value == exact) | (value.isnan() & exact.isnan())
    differs = ~(torch.isfinite(value) & torch.isfinite(exact)) & ~alike
    return bool(differs.any()) and bool(too_large[differs].all())


NEARLY: Final = 0.99
"""Of the largest number of a dtype: what rounding takes beyond it."""


def _unrounded(uniform: Uniform, times: float) -> Convert:
    """Makes numbers anew as they may have been before they were rounded to what was captured."""

    def convert(flat: torch.Tensor) -> torch.Tensor:
        wide = widened(flat)
        if not is_differentiable(flat) or flat.layout != torch.strided:
            return wide
        half = torch.finfo(flat.dtype).eps / 2 * times
        return wide * (1 + uniform.of(wide.shape) * half)

    return convert


def _of_structure(call: CapturedCall, kind: str, cause: AnyReason) -> ValueVerdict:
    site = call.site
    return ValueVerdict(site.name, kind, site.op, Outcome.MISMATCH, "structure", math.inf, words(cause), cause=cause)


def _as_it_is(flat: torch.Tensor) -> torch.Tensor:
    return flat.clone()
