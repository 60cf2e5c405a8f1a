"""The culprit of a compiled cell: its calls captured inside the graphs, each step compiled alone, and shorter cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

import torch

from tensorflow_free.cell.compiler_stages import CompilerStages, TimeLeft
from tensorflow_free.cell.naming import noise_of
from tensorflow_free.cell.reference import Source
from tensorflow_free.cell.yardstick import Yardstick
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.isolation.captured import Captured
from tensorflow_free.isolation.capturing import captured_run
from tensorflow_free.isolation.each_compiled import EachCompiled
from tensorflow_free.isolation.prefixes import Cut, cuts_of
from tensorflow_free.isolation.traced_calls import captured_inside
from tensorflow_free.isolation.vjps import widened
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.culprits import Blame, Culprit, Direction, not_found
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.nudged_runs import NudgedRuns
from tensorflow_free.runner import GivenTensors, run
from tensorflow_free.text.phrases import some

TIMES: Final = 20.0
"""How many times the cell's own time its blame may take."""

LEAST_S: Final = 30.0
"""Seconds that it may take in any case."""

OP_BY_OP: Final = frozenset(
    "eager_noexcept eager_debug pre_dispatch_eager aot_eager aot_eager_default_partitioner aot_eager_decomp_partition"
    " aot_eager_decomp_partition_crossref aot_eager_decomp_partition_with_mode".split()
)
"""Back ends that run a graph op by op, so that each value is rounded before the next op reads it."""


class JudgeCalls(Protocol):
    """Judges captured calls, each alone."""

    def __call__(self, captured: Captured, again: Result, *, unrounded: bool = False) -> Blame:
        """As of `isolation.alone.Judge`."""


Found = TypeVar("Found")


@dataclass(frozen=True)
class CompiledCell:
    """A compiled cell, and what it was compared with.

    Attributes:
        source: the recipe's file or mapping.
        overrides: the overrides that make the cell.
        plan: the cell's.
        result: its run.
        yardstick: what it is compared with.
        comparison: its comparison with it.
        judge: judges captured calls, each alone.
        given: the numbers that its run started from, where they are not those that it makes.
    """

    source: Source
    overrides: Sequence[Override]
    plan: Plan
    result: Result
    yardstick: Yardstick
    comparison: Comparison
    judge: JudgeCalls
    given: GivenTensors | None = None


def compiled_blame(cell: CompiledCell) -> Blame:
    """Which steps of a compiled cell are wrong for their own inputs, or how far that is known."""
    timings = cell.result.timings
    try:
        return _Placing(cell, TimeLeft(max(LEAST_S, TIMES * (timings.steps_s + timings.backward_s)))).blame()
    finally:
        torch.compiler.reset()


class _Placing:
    """A compiled cell whose culprit is looked for."""

    def __init__(self, cell: CompiledCell, budget: TimeLeft) -> None:
        self._cell = cell
        self._budget = budget
        self._stages = CompilerStages(cell.plan, cell.yardstick, budget, cell.given)
        self._notes: list[AnyReason] = []
        self._bad = cell.comparison.bad

    def blame(self) -> Blame:
        """What is to blame."""
        eager = _tried(self._eager)
        if eager is None:
            return Blame(notes=(not_found("the same cell does not run eagerly"),))
        plan, captured, of_eager = eager
        stage = None
        found = self._inside(captured)
        if self._bad and not of_eager.culprits:
            stage = self._stages.found()
        found = found or self._alone(plan, captured)
        if found is None and of_eager.culprits:
            found = of_eager
        if found is None and self._bad:
            candidates = tuple(self._prefixes(captured))
            found = replace(of_eager, candidates=candidates, drift=not candidates)
        found = found or of_eager
        if found.culprits and all(map(_among(of_eager.culprits), found.culprits)):
            self._notes.append(Bare(code="eager is wrong alike"))
        elif self._bad:
            stage = stage or self._stages.found()
            self._notes += [] if stage is None else [self._stages.bisected(stage)]
        return replace(found, notes=(*found.notes, *self._notes))

    def _eager(self) -> tuple[Plan, Captured, Blame]:
        """The same cell, run eagerly: its plan, its calls, and which of them are wrong."""
        cell = self._cell
        others = overrides_in({"backend": "eager", "record": "all"}, "reference")
        calls = cell.plan.recipe.backend.calls
        if not isinstance(calls, int):
            # a function that is compiled for several cases is called for the last of them at the end
            others.append(case_override(calls[-1]))
        plan = plan_of(load_recipe(cell.source, [*cell.overrides, *others]))
        captured, result = captured_run(plan, cell.given)
        return plan, captured, cell.judge(captured, result)

    # inside the graphs

    def _inside(self, eager: Captured) -> Blame | None:
        """The culprits by what the calls read and made inside the cell's own graphs, if it stays wrong there."""
        found = self._again(eager) or self._again(eager, probed=False)
        if found is None:
            return None
        captured, again = found
        if self._bad and not self._cell.yardstick.compare(again).bad:
            self._notes += self._needed(eager)
            return None
        unrounded = self._cell.plan.recipe.backend.name not in OP_BY_OP
        blame = _tried(lambda: self._cell.judge(captured, again, unrounded=unrounded))
        if blame is None:
            return None
        if self._bad and not blame.culprits:
            self._notes.append(Bare(code="wrong with everything kept"))
            return None
        return blame

    def _again(
        self, eager: Captured, kept: Callable[[str], bool] = lambda _: True, *, probed: bool = True
    ) -> tuple[Captured, Result] | None:
        """The cell once more, its calls captured; None where it does not come as far as it did."""
        cell = self._cell
        found = _tried(lambda: captured_inside(cell.plan, eager, cell.given, kept=kept, probed=probed))
        return found if found is not None and (found[1].error is None) == (cell.result.error is None) else None

    def _needed(self, eager: Captured) -> Iterator[AnyReason]:
        """What must not be kept for the cell to be wrong: one value, tried one after another, or all together."""
        names = list(dict.fromkeys(one.site.name for one in eager.calls))
        for at, name in enumerate(names):
            if not self._budget.is_left():
                yield OfNames(code="not tried", name=f"to keep {some(names[at:])}")
                break
            found = self._again(eager, name.__eq__)
            if found is not None and not self._cell.yardstick.compare(found[1]).bad:
                yield OfNames(code="needs not kept", name=f"'{name}'")
                return
        yield OfNames(code="needs not kept", name="its values")

    # each step alone

    def _alone(self, plan: Plan, eager: Captured) -> Blame | None:
        """The culprits among the steps, each compiled alone; None where none is wrong so."""
        forward = {call.site.path for call in eager.calls}
        each = EachCompiled(self._cell.plan.recipe.backend, forward, self._budget.is_left)
        blame = _tried(lambda: self._cell.judge(*captured_run(each.into(plan), self._cell.given)))
        if blame is None:
            return None
        if each.left:
            self._notes.append(OfNames(code="not tried", name=f"{some(each.left)} compiled alone"))
        if not blame.culprits:
            return None
        self._notes.append(Bare(code="each step compiled alone"))
        return blame

    # shorter cells

    def _prefixes(self, eager: Captured) -> Iterator[Culprit]:
        """The last step of the shortest prefix that is wrong, if there is one."""
        backward = all(one.kind == "gradient" for one in self._bad)
        cuts = cuts_of(self._cell.plan)
        if backward:
            cuts = list(_with_gradients(cuts, eager))
        low, high = -1, len(cuts) - 1
        if high < 0 or self._is_wrong(cuts[high]) is not True:
            return
        while high - low > 1:
            middle = (low + high) // 2
            wrong = self._is_wrong(cuts[middle])
            if wrong is None:
                self._notes.append(OfNames(code="not tried", name=f"prefixes before '{cuts[high].name}'"))
                break
            low, high = (low, middle) if wrong else (middle, high)
        cut = cuts[high]
        worst = _tried(lambda: self._compared(cut).worst)
        direction: Direction = "backward" if backward else "forward"
        self._notes.append(OfNames(code="at or before", name=cut.name, other=direction))
        if worst is not None:
            noise = noise_of(worst, self._cell.result.recipe)
            yield Culprit(cut.name, cut.op, direction, worst.name, noise, cause=worst.cause)

    def _is_wrong(self, cut: Cut) -> bool | None:
        """Whether the steps up to a cut, compiled, are wrong; None where there is no time, or they do not run."""
        if not self._budget.is_left():
            return None
        return _tried(lambda: bool(self._compared(cut).bad))

    def _compared(self, cut: Cut) -> Comparison:
        yardstick = self._cell.yardstick
        plan, movement = yardstick.plan, yardstick.movement
        if plan is None or not isinstance(movement, NudgedRuns):
            raise ValueError("there is nothing to hold it against")
        exact = replace(cut, gradient=None if cut.gradient is None else widened(cut.gradient))
        reference, _ = run(exact.of(plan), given=yardstick.given)
        beside = None if yardstick.beside is None else run(cut.of(yardstick.beside), given=yardstick.given)[0]
        result, _ = run(cut.of(self._cell.plan), given=self._cell.given)
        judging = Judging(k=result.recipe.judge.k, movement=movement.of(exact.of(plan)), starts=False, measures=False)
        return compare_results(result, reference, beside, judging=judging)


def _with_gradients(cuts: Sequence[Cut], eager: Captured) -> Iterator[Cut]:
    """The cuts at values that a gradient came to, with it."""
    last = {call.site.path: call for call in eager.calls}
    for cut in cuts:
        call = last.get(cut.path)
        if call is not None and isinstance(call.result, torch.Tensor):
            for one in list(call.passes.values())[:1]:
                if 0 in one.incoming:
                    yield replace(cut, gradient=one.incoming[0])


def _among(others: Sequence[Culprit]) -> Callable[[Culprit], bool]:
    """Tells whether a culprit is one of these."""
    known = {(one.step, one.direction) for one in others}
    return lambda one: (one.step, one.direction) in known


def _tried(act: Callable[[], Found]) -> Found | None:
    """What comes of it; None where it fails, as a compiler may in whatever way: blame ends no cell."""
    try:
        return act()
    except Exception:  # noqa: BLE001
        return None
