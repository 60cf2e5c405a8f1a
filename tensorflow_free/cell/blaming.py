"""`blamed`: a comparison with the culprits found: each step of the cell judged alone, in a second run of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from tensorflow_free.cell.borderline import settled
from tensorflow_free.cell.compiled_blame import CompiledCell, compiled_blame
from tensorflow_free.cell.findings import shared_ops
from tensorflow_free.cell.naming import amplified, noise_of, of_rounds, worst_of_rounds
from tensorflow_free.cell.reference import Source, yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference, Yardstick, reads_bits
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import words_of
from tensorflow_free.isolation.alone import Judge, OfCall
from tensorflow_free.isolation.captured import Captured, CapturedCall, operand_name, result_name
from tensorflow_free.isolation.capturing import captured_run, changes
from tensorflow_free.isolation.copies import tensors_in
from tensorflow_free.judging.blame import with_blame
from tensorflow_free.judging.culprits import Blame, Culprit, Direction, StepVerdict, not_found
from tensorflow_free.judging.movement import GRADIENT
from tensorflow_free.judging.repeats import difference_of
from tensorflow_free.judging.settled import rounds_of
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Because
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.plan.calls import kind_of
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.registry import find
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.nudged_runs import NudgedRuns
from tensorflow_free.runner import GivenTensors

EXPLAINED: Final = 0.5
"""The share of what a value is out of bounds by that it must be wrong by alone, so that its own step explains it."""


def blamed(  # noqa: PLR0913 - all that makes a cell
    source: Source,
    overrides: Sequence[Override],
    recipe: Recipe,
    result: Result,
    comparison: Comparison,
    kept: KeptRuns,
    *,
    given: GivenTensors | None = None,
) -> Comparison:
    """A comparison of a cell with its reference, and which steps are wrong for their own inputs.

    Args:
        source: the recipe's file or mapping.
        overrides: the overrides that make the cell.
        recipe: the cell's recipe.
        result: the cell's run.
        comparison: its comparison with its reference.
        kept: runs that may serve again.
        given: the numbers that the cell's run started from, where they are not those that it makes.
    """
    try:
        yardstick = yardstick_of(source, overrides, recipe, kept)
    except NoReference as why:
        if why.partial is None:
            return comparison
        yardstick = why.partial
    if yardstick.turned is not None:
        yardstick = yardstick.turned(result)
    if recipe.backend.name != "eager":

        def judge(captured: Captured, again: Result, *, unrounded: bool = False) -> Blame:
            return _Blaming(yardstick, captured, again, comparison).blame(unrounded=unrounded)

        cell = CompiledCell(source, overrides, plan_of(recipe), result, yardstick, comparison, judge, given)
        return with_blame(comparison, compiled_blame(cell))
    plan = plan_of(recipe)
    captured, again = captured_run(plan, given)
    hooked = (again.error is None) == (result.error is None)
    if not hooked:
        captured, again = captured_run(plan, given, hooked=hooked)
    told = list(_of_other_numbers(*(_compared(one, captured) for one in (again, result))))
    blame = _Blaming(yardstick, captured, again, comparison).blame()
    for _ in range(MOST_RUNS):
        if not captured.is_cut or not captured.calls or blame.culprits:
            break
        first = captured.calls[-1].number + 1
        captured, again = captured_run(plan, given, hooked=hooked, first=first)
        blame = _both(blame, _Blaming(yardstick, captured, again, comparison).blame())
    if captured.is_cut and captured.calls:
        judged, made = f"{captured.calls[-1].number + 1:,}", f"{captured.made:,}"
        cut = OfNames(code="judged alone in part", name=judged, other=made)
        told.append(cut)
    return with_blame(comparison, replace(blame, notes=(*blame.notes, *told)))


def _compared(result: Result, captured: Captured) -> Result:
    """What of a run the captured one has, too."""
    starts = result.recipe.tensors
    if not captured.is_aliased:
        return result
    made = {
        name: one
        for name, one in result.records.items()
        if one.kind != "gradient" or name.removesuffix(GRADIENT) in starts
    }
    return replace(result, records=made)


def _of_other_numbers(again: Result, result: Result) -> Iterator[AnyReason]:
    """That the run in which the steps are judged is not bit for bit that which is judged."""
    if again.error is not None and result.error is None:
        yield not_found(f"a second run stopped at '{again.error.step}': {again.error.message}")
        return
    difference = difference_of(again, result)
    if difference is not None:
        yield OfNames(code="second run differs", name=difference.where.value)


MOST_RUNS: Final = 4
"""More runs of a cell of so many calls that not all of them can be kept at once, each for those that follow."""


def _both(one: Blame, other: Blame) -> Blame:
    """What was found of the first calls of a run, in which no culprit is, and of those that follow."""
    return replace(
        other,
        judged=one.judged + other.judged,
        unjudged=tuple(dict.fromkeys((*one.unjudged, *other.unjudged))),
        steps=worst_of_rounds([*one.steps, *other.steps]),
        overflows=worst_of_rounds([*one.overflows, *other.overflows]),
        drift=one.drift and other.drift,
    )


class _Blaming:
    """The calls of a cell being judged."""

    def __init__(self, yardstick: Yardstick, captured: Captured, result: Result, comparison: Comparison) -> None:
        self._yardstick = yardstick
        self._captured = captured
        self._result = result
        self._comparison = comparison

    def blame(self, *, unrounded: bool = False) -> Blame:
        """What is to blame; `unrounded` as of `Judge`."""
        yardstick, captured = self._yardstick, self._captured
        if yardstick.plan is None or not isinstance(yardstick.movement, NudgedRuns):
            return Blame(drift=True)
        skipped = frozenset(one.number for one in captured.calls if self._is_skipped(one))
        judge = Judge(
            captured,
            self._result,
            yardstick.plan,
            yardstick.given,
            yardstick.movement,
            baseline=yardstick.beside,
            skipped=skipped,
            unrounded=unrounded,
            reads_bits=reads_bits(self._result.recipe),
        )
        verdicts = settled(judge.verdicts(), is_bad=bool(self._comparison.bad))
        found = list(self._wrong(verdicts))
        if self._comparison.bad and not found:
            found = list(judge.unseen())
            verdicts = [*verdicts, *found]
        found = self._shown_first(found)
        culprits = of_rounds([self._culprit(one) for one in found])
        bad = self._comparison.bad
        own = tuple(shared_ops(self._result, yardstick.reference))
        overflows = worst_of_rounds(_step_verdict(one) for one in verdicts if one.overflows)
        unseen = self._unseen(verdicts)
        most = amplified(self._comparison, found[0].verdict) if found else None
        return Blame(
            culprits=tuple(culprits),
            shows_at=None if self._comparison.where is None else self._comparison.where.value,
            amplified=None if most is None else most[0],
            amplified_at=None if most is None else most[1],
            right=tuple(name for name in self._right(culprits) if name not in unseen),
            drift=bool(bad) and not (culprits or own or overflows),
            judged=len({(one.call.number, one.number) for one in verdicts}),
            unjudged=tuple(
                dict.fromkeys(self._unjudged(verdicts, skipped | judge.failed.keys() | set(unseen.values())))
            ),
            steps=worst_of_rounds([*map(_step_verdict, verdicts), *self._not_judged(judge, skipped, unseen.values())]),
            notes=() if culprits else own,
            overflows=overflows,
        )

    def _shown_first(self, found: list[OfCall]) -> list[OfCall]:
        """What is wrong alone, and before it what is the first value out of bounds itself, if that explains how far."""
        where = self._comparison.where
        if where is None:
            return found
        used = next((one.used for one in self._comparison.bad if one.name == where.value), math.inf)

        def is_later(one: OfCall) -> bool:
            return self._culprit(one).value != where.value or one.verdict.used < used * EXPLAINED

        return sorted(found, key=is_later)

    def _unseen(self, verdicts: Sequence[OfCall]) -> dict[str, int]:
        """The steps that give integers and no tensor, and whose values are out of bounds, with their last calls."""
        seen = {one.call.site.name for one in verdicts}
        bad = {one.name.partition(".")[0] for one in self._comparison.bad if one.kind == "step"} - seen
        made = {one.site.name: one for one in self._captured.calls if one.site.name in bad}
        return {name: one.number for name, one in made.items() if not tensors_in(one.result)}

    def _unjudged(self, verdicts: Sequence[OfCall], left_out: Collection[int]) -> Iterator[str]:
        """The steps that could not be judged alone, in order; memory that nothing wrote is none of them."""
        open_ones = {one.call.number for one in verdicts if one.verdict.is_open}
        for call in self._captured.calls:
            if call.number in open_ones or (call.number in left_out and not _is_unwritten(call)):
                yield call.site.name

    def _is_skipped(self, call: CapturedCall) -> bool:
        if _is_unwritten(call):
            return True
        if call.site.name in self._yardstick.apart:
            return True
        if call.stood is None:
            return False
        return bool(self._yardstick.incomparable) or call.site.name in self._yardstick.unreplayed

    def _not_judged(self, judge: Judge, skipped: Collection[int], unseen: Collection[int]) -> Iterator[StepVerdict]:
        """The calls that could not be run alone, each with the reason."""
        for call in self._captured.calls:
            if call.number in judge.failed:
                told = words_of(judge.failed[call.number])
            elif call.number in skipped and not _is_unwritten(call):
                told = "what it draws cannot be drawn again"
            elif call.number in unseen:
                told = "what it gives is no tensor"
            else:
                continue
            why = Because(code="not judged", why=told)
            yield StepVerdict(
                call.site.name,
                call.site.op,
                "forward",
                call.site.name,
                Outcome.NOT_COMPARABLE,
                rounds=call.rounds,
                cause=why,
            )

    def _wrong(self, verdicts: Sequence[OfCall]) -> Iterator[OfCall]:
        """What is wrong, in the order in which it ran, one of each call forward or of each pass backward."""
        bad = [one for one in verdicts if one.verdict.outcome == Outcome.MISMATCH]
        forward = {one.call.number for one in bad if one.number is None}
        # what a call keeps for its backward is what it made: a wrong result explains a wrong gradient
        bad = [one for one in bad if one.number is None or one.call.number not in forward]
        bad = [one for one in bad if not one.overflows]
        told: set[tuple[int, int | None]] = set()
        for one in sorted(bad, key=lambda one: (_turn(one), one.number is not None)):
            key = (one.call.number, one.number)
            if key not in told:
                told.add(key)
                yield one

    def _culprit(self, one: OfCall) -> Culprit:
        call, verdict = one.call, one.verdict
        direction, value = _part(one)
        noise = noise_of(verdict, self._result.recipe)
        return Culprit(
            call.site.name,
            call.site.op,
            direction,
            value,
            noise,
            call.rounds,
            verdict.cause,
            operands=_operands(call),
            lengths=tuple(rounds_of(self._result.recipe, call.site.name)),
            unchanged=verdict.kind == "after" and one.position not in call.after,
        )

    def _right(self, culprits: Sequence[Culprit]) -> tuple[str, ...]:
        """The steps whose values are out of bounds, and that are no culprits."""
        names = [one.name.partition(".")[0] for one in self._comparison.bad if one.kind == "step"]
        wrong = {one.step for one in culprits if one.direction != "backward"}
        wrong |= {one.value for one in culprits if one.direction == "operand"}
        steps = {name for name, _ in steps_of(self._result.recipe.steps)}
        return tuple(dict.fromkeys(name for name in names if name in steps and name not in wrong))


def _is_unwritten(call: CapturedCall) -> bool:
    """Whether a call makes a tensor without writing it."""
    op = find(call.site.op)
    return op is not None and op.name.rpartition(".")[2] in _EMPTY


def _turn(one: OfCall) -> int:
    return one.call.turn if one.number is None else one.call.passes[one.number].turn


def _step_verdict(one: OfCall) -> StepVerdict:
    call, verdict = one.call, one.verdict
    direction, value = _part(one)
    outcome = Outcome.DTYPE_DEPENDENT if one.overflows else verdict.outcome
    return StepVerdict(
        call.site.name,
        call.site.op,
        direction,
        value,
        outcome,
        verdict.used,
        verdict.rule,
        call.rounds,
        cause=verdict.cause,
    )


def _part(one: OfCall) -> tuple[Direction, str]:
    """Whether a verdict is on what a call made, on a gradient or on an operand; and what that is called."""
    call = one.call
    if one.number is not None:
        # a pass that differentiates an earlier one hands on to what came in to that
        named = operand_name(call, one.position) if one.position >= 0 else call.site.name
        return "backward", f"{named}.grad"
    if one.verdict.kind == "after":
        return "forward" if changes(find(call.site.op)) else "operand", operand_name(call, one.position)
    return "forward", result_name(call, one.position)


def _operands(call: CapturedCall) -> tuple[str, ...]:
    """What a call read, in words."""
    names = [operand_name(call, at) for at in range(len(call.wants))]
    return tuple(f"{name}: {kind_of(one)}" for name, one in zip(names, tensors_in(call.operands), strict=True))


_EMPTY: Final = frozenset({"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"})
"""Ops that make a tensor without writing it."""
