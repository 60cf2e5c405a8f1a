"""The verdict on each relation that a recipe states: whether it holds, and whether plain eager PyTorch holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import torch

from tensorflow_free.errors import words_of
from tensorflow_free.judging.blame import where_of
from tensorflow_free.judging.expectations import verdict_of
from tensorflow_free.outcome.outcomes import ExpectationOutcome, Outcome
from tensorflow_free.outcome.reasons import Related
from tensorflow_free.plan.conditions import holds
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.relations.changed_runs import REFUSED, Asked, Ground, UnrelatedError
from tensorflow_free.relations.how_far import NOT_RECORDED, RANDOM, Held, Level, Levels, levels_of
from tensorflow_free.relations.plain_recipe import is_plain, plain
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import GivenTensors, run
from tensorflow_free.text.phrases import shown, some

_WORDS: Final[dict[Level, Literal["bit for bit", "within noise", "broken"]]] = {
    Level.BITS: "bit for bit",
    Level.NOISE: "within noise",
    Level.BROKEN: "broken",
}


def relations_of(recipe: Recipe) -> Iterator[Asked]:
    """The relations that a recipe states for the cell that it is."""
    for name, specs in recipe.relations.items():
        for position, spec in enumerate(specs):
            if holds(spec.when, recipe):
                path = f"relations.{name}" + (f".{position}" if len(specs) > 1 else "")
                yield Asked(RELATION_KINDS[name], spec, path)


def judged_relations(
    plan: Plan, result: Result, given: GivenTensors | None = None, watch: Watch | None = None
) -> Iterator[Verdict]:
    """A verdict on each relation that the recipe of a run states.

    Args:
        plan: what ran.
        result: what it gave.
        given: the numbers that its starting tensors were given, as of `run`.
        watch: told at which step a run is.
    """
    ground = Ground(plan, result, given, watch)
    for asked in relations_of(plan.recipe):
        yield _Relation(ground, asked).verdict()


def unjudged_relations(plan: Plan, result: Result, why: str) -> Iterator[Verdict]:
    """That none of the relations can be judged."""
    ground = Ground(plan, result, None)
    for asked in relations_of(plan.recipe):
        yield _Relation(ground, asked).not_judged(why)


@dataclass(frozen=True)
class _Relation:
    """A relation being judged."""

    ground: Ground
    asked: Asked

    def verdict(self) -> Verdict:
        """The verdict on it; nothing is raised for what the recipe does."""
        if self.ground.result.has_failed:
            return self.not_judged("the run stopped")
        if any(torch.device(one.device).type == "meta" for one in self.ground.plan.starts):
            return self.not_judged("a meta tensor has no numbers")
        try:
            levels = levels_of(self.ground, self.asked)
        except UnrelatedError as why:
            return self.not_judged(str(why))
        except REFUSED as error:
            # torch has not every op for every kind of tensor
            return self.not_judged(words_of(error))
        if not levels.held:
            return self._nothing(levels)
        bad = [one for one in levels.held.values() if self._is_bad(one)]
        return self._broken(levels, bad) if bad else self._holds(levels)

    def _is_bad(self, one: Held) -> bool:
        return one.level == Level.BROKEN or (self.asked.bits and one.level == Level.NOISE and not one.loose)

    def _broken(self, levels: Levels, bad: list[Held]) -> Verdict:
        """The verdict where it does not hold: a failure where plain PyTorch is any better."""
        eager = levels if is_plain(self.ground.plan) else self._of_eager()
        worse = bad if eager is None else [one for one in bad if not self._excuses(eager, one)]
        where = where_of(worse or bad, self.ground.plan.recipe)
        first = next((one for one in worse or bad if where is not None and one.name == where.value), bad[0])
        related = self._related("relation broken" if worse else "relation broken in eager", levels, first)
        in_eager = None if eager is None else self._excuses(eager, first)
        related = related.model_copy(update={"in_eager": in_eager, "broken": [one.name for one in worse or bad]})
        fails = bool(worse) or self.asked.spec.strict
        return self._verdict(first.name, Outcome.FAILS if fails else Outcome.BROKEN_IN_EAGER, related)

    def _of_eager(self) -> Levels | None:
        """How far plain eager PyTorch holds it; None where there is no such run of this recipe."""
        ground = self.ground
        plan = plain(ground.plan, ground.starts)
        if plan is None:
            return None
        result, _ = run(plan, given=ground.starts)
        try:
            return levels_of(Ground(plan, result, ground.starts), self.asked)
        except UnrelatedError:
            return None

    @staticmethod
    def _excuses(eager: Levels, one: Held) -> bool:
        its = eager.held.get(one.name)
        return its is not None and its.level >= one.level

    def _holds(self, levels: Levels) -> Verdict:
        worst = max(levels.held.values(), key=lambda one: (one.level, one.used))
        return self._verdict("all values", Outcome.HOLDS, self._related("relation holds", levels, worst))

    def _nothing(self, levels: Levels) -> Verdict:
        """The verdict where it says nothing of any value: a failure, unless that is due to this cell."""
        reasons = set(levels.left.values())
        why = "; ".join(sorted(reasons)) or "no value was made of what it changes"
        recipe = self.ground.plan.recipe
        records_all = (recipe.record or ("all" if recipe.backend.name == "eager" else "outputs")) == "all"
        if reasons & {RANDOM, NOT_RECORDED} or not records_all:
            return self.not_judged(why)
        related = Related(code="relation of nothing", relation=self.asked.kind.name, why=why, left=list(levels.left))
        return self._verdict("all values", Outcome.FAILS, related)

    def not_judged(self, why: str) -> Verdict:
        """The verdict where it cannot be judged."""
        outcome: ExpectationOutcome = Outcome.FAILS if self.asked.spec.strict else Outcome.NOT_JUDGED
        related = Related(code="relation not judged", relation=self.asked.kind.name, why=why)
        return self._verdict("all values", outcome, related)

    def _related(
        self, code: Literal["relation holds", "relation broken", "relation broken in eager"], levels: Levels, one: Held
    ) -> Related:
        held = list(levels.held.values())
        return Related(
            code=code,
            relation=self.asked.kind.name,
            value=one.name,
            how=one.how,
            level=_WORDS[one.level],
            cause=one.cause,
            used=one.used or None,
            values=sum(each.kind != "gradient" for each in held),
            gradients=sum(each.kind == "gradient" for each in held),
            exact=sum(each.level == Level.BITS for each in held),
            left=list(levels.left),
            why="; ".join(dict.fromkeys(levels.left.values())),
        )

    def _verdict(self, name: str, outcome: ExpectationOutcome, related: Related) -> Verdict:
        return verdict_of(name, self.asked.path, asks(self.asked), outcome, related)


def asks(asked: Asked) -> str:
    """What must hold, in words: `batch: x 0, y 0, of h and y, bit for bit`."""
    of = asked.spec.of
    values = f", of {some(asked.spec.values, 3)}" if asked.spec.values else ""
    told = ", ".join(f"{name} {shown(one)}" for name, one in of.items()) if isinstance(of, dict) else shown(of)
    return f"{asked.kind.name}: {told}{values}{', bit for bit' if asked.bits else ''}"
