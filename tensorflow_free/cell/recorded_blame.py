"""`blame_by_records`: the culprits by what a run recorded alone, where its cell cannot be run again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

import torch

from tensorflow_free.cell.naming import noise_of, of_rounds, worst_of_rounds
from tensorflow_free.cell.yardstick import Yardstick, uninitialised
from tensorflow_free.isolation.recorded import FromRecords
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.culprits import Blame, Culprit, Direction, StepVerdict
from tensorflow_free.judging.movement import GRADIENT
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.settled import settled
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.graph import readers_of, reads_of, steps_of
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.nudged_runs import NudgedRuns
from tensorflow_free.text.phrases import some


def blame_by_records(yardstick: Yardstick, result: Result, comparison: Comparison) -> Blame:
    """What is to blame by what a run recorded alone, as its cell cannot be run again.

    Args:
        yardstick: what the cell is compared with.
        result: the cell's run.
        comparison: its comparison with its reference.

    Returns:
        The steps whose recorded value is wrong for the recorded values that they read. Where several readers of one
        value hand it a gradient, or steps before it are not recorded, they are candidates.
    """
    if yardstick.turned is not None:
        yardstick = yardstick.turned(result)
    if yardstick.plan is None or not isinstance(yardstick.movement, NudgedRuns):
        return Blame(drift=bool(comparison.bad))
    return _ByRecords(yardstick, yardstick.plan, yardstick.movement, result, comparison).blame()


class _ByRecords:
    """A run's records being judged."""

    def __init__(
        self, yardstick: Yardstick, plan: Plan, nudged: NudgedRuns, result: Result, comparison: Comparison
    ) -> None:
        self._yardstick = yardstick
        self._plan, self._nudged = plan, nudged
        self._result = result
        self._comparison = comparison
        self._reads = reads_of(result.recipe)
        self._steps = dict(steps_of(result.recipe.steps))
        self._changers = {one.name: [str(path[-1]) for path in one.changers] for one in plan.recordings}
        self._known: frozenset[str] = frozenset()
        """The values and gradients that are held against what float64 makes of what they hang on."""

    def blame(self) -> Blame:
        """What is to blame."""
        found = self._compared()
        self._known = frozenset(one.name for one in found.values)
        bad = [one for one in found.bad if not self._is_known(one)]
        forward = [one for one in bad if one.kind != "gradient"]
        order = {name: number for number, name in enumerate((*self._result.recipe.tensors, *self._reads))}
        backward = [one for one in bad if one.kind == "gradient"]
        backward.sort(key=lambda one: -order.get(one.name.partition(".")[0], -1))
        wrong = {one.name.partition(".")[0] for one in forward}
        sets = [self._suspects(one, wrong) for one in (*forward, *backward)]
        culprits = of_rounds([suspects[0] for suspects in sets if len(suspects) == 1])
        named = {(one.step, one.direction) for one in culprits}
        # where a culprit is among those that may have made a value wrong, it explains that
        unexplained = [ones for ones in sets if named.isdisjoint((one.step, one.direction) for one in ones)]
        candidates = of_rounds([one for suspects in unexplained for one in suspects])
        steps = [name for name in self._reads if name in self._steps and self._steps[name].op is not None]
        seen = {one.name.partition(".")[0] for one in found.values}
        names = dict.fromkeys(one.name.partition(".")[0] for one in self._comparison.bad if one.kind == "step")
        return Blame(
            culprits=tuple(culprits),
            shows_at=None if self._comparison.where is None else self._comparison.where.value,
            right=tuple(name for name in names if name in seen and name not in wrong),
            drift=bool(self._comparison.bad) and not bad,
            judged=len(found.values),
            unjudged=tuple(name for name in steps if name not in seen),
            candidates=tuple(candidates),
            steps=worst_of_rounds(made for one in found.values if (made := self._step_verdict(one)) is not None),
        )

    def _compared(self) -> Comparison:
        """Each recorded value against what float64 makes of the recorded values before it."""
        yardstick, result = self._yardstick, self._result
        follows = FromRecords(result.records, self._plan, yardstick.given, nudged=self._nudged)
        expected = follows.run()
        # a run that stopped has no gradients, and values that a later step would still have changed
        made = settled(result).records
        names = [name for name in expected if name in made]
        mine = {name: made[name] for name in names}
        baseline = None
        if yardstick.beside is not None:
            baseline = FromRecords(result.records, yardstick.beside, yardstick.given, torch.clone).run()
        judging = Judging(
            k=result.recipe.judge.k,
            movement=follows,
            starts=False,
            measures=False,
            incomparable=frozenset({*yardstick.incomparable, *yardstick.unreplayed}) & frozenset(names),
            structural=uninitialised(result.recipe),
        )
        sides = [Result(result.recipe, one) for one in (mine, {name: expected[name] for name in names})]
        beside = None if baseline is None else Result(result.recipe, baseline)
        return compare_results(sides[0], sides[1], beside, judging=judging)

    def _is_known(self, one: ValueVerdict) -> bool:
        """Whether a gradient is wrong as is the value at the end that it is of."""
        return one.measure is None and one.kind == "gradient" and one.cause is None

    def _suspects(self, one: ValueVerdict, wrong: Collection[str]) -> list[Culprit]:
        """The steps one of which made a value wrong."""
        root = one.name.partition(".")[0]
        if one.kind == "after":
            directions: list[tuple[str, Direction]] = [(name, "forward") for name in self._changers.get(root, [])]
        elif one.kind != "gradient":
            directions = [(name, "forward") for name in self._group(root)]
        else:
            readers = self._through_rounds(self._readers(root), root)
            # what a reader keeps for its backward is what it made
            directions = [(name, "backward") for name in readers if name not in wrong]
        noise = noise_of(one, self._result.recipe)
        return [Culprit(name, self._op(name), where, one.name, noise, (), one.cause) for name, where in directions]

    def _group(self, step: str) -> list[str]:
        """A step, and those before it whose values are not recorded, in order: one of them is wrong if it is."""
        found: set[str] = set()
        waiting = [step]
        while waiting:
            name = waiting.pop()
            if name in self._steps and name not in found and (name == step or name not in self._known):
                found.add(name)
                waiting += self._reads.get(name, ())
        return [name for name in self._steps if name in found and self._steps[name].op is not None]

    def _readers(self, name: str) -> list[str]:
        """The steps that hand a value its gradient, with those behind them, as far as no gradient is recorded there."""
        readers = readers_of(self._reads)
        found: dict[str, None] = {}
        waiting = list(readers.get(name, ()))
        while waiting:
            reader = waiting.pop(0)
            if reader not in found:
                found[reader] = None
                waiting += readers.get(reader, ()) if f"{reader}{GRADIENT}" not in self._result.records else ()
        return list(found)

    def _step_verdict(self, one: ValueVerdict) -> StepVerdict | None:
        """A value's verdict as that of the steps that made it: of a gradient, of all that read what it is of."""
        made = [each.step for each in self._suspects(one, ())]
        if not made:
            return None
        direction: Direction = "backward" if one.kind == "gradient" else "forward"
        op = self._op(made[0]) if len(made) == 1 else None
        outcome, used, rule = one.outcome, one.used, one.rule
        return StepVerdict(some(made), op, direction, one.name, outcome, used, rule, cause=one.cause)

    def _through_rounds(self, readers: Sequence[str], root: str) -> list[str]:
        """The readers; of those that are repeated all steps of the block, as only the last round's gradients are kept.

        Where the value is of the block itself, it is that of the last round, and so are its readers.
        """
        found: list[str] = []
        for reader in readers:
            block = next((names for names in self._blocks if reader in names and root not in names), (reader,))
            found += [name for name in block if name not in found]
        return found

    @cached_property
    def _blocks(self) -> list[tuple[str, ...]]:
        """The steps of each block that repeats them."""
        found = [one for _, one in steps_of(self._result.recipe.steps) if one.repeat is not None and one.steps]
        return [tuple(name for name, step in steps_of(one.steps or {}) if step.op is not None) for one in found]

    def _op(self, step: str) -> str | None:
        found = self._steps.get(step)
        return None if found is None else found.op
