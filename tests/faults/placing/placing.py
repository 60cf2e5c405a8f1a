"""One cell run and judged, and what was named as its culprit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from tensorflow_free import load_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.composition.override_texts import parse_overrides
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import run
from tests.faults.placing.plant import Cell, Plant, Rounds, told
from tests.faults.placing.wrongs import is_in_place, planted

ROOT = Path(__file__).parents[3]

Verdict = Literal["right", "wrong", "unused"]
"""Of a fault: whether the culprit is named rightly; unused where it is not caught, or what should be hidden is not.
Of a right cell: whether no culprit is named."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """A step that is named as wrong.

    Attributes:
        step: the step, or several of which one is it.
        direction: what of it is said to be wrong; empty where that is not said.
        rounds: the round that is named; None where none is.
    """

    step: str
    direction: str
    rounds: Rounds | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.step, self.direction, self.rounds and f"[{told(self.rounds)}]")))


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a cell.

    Attributes:
        cell: it.
        verdict: whether the culprit was named rightly.
        by_round: whether its round was, too; None where there is none.
        both: of two culprits, whether both were named; None where there is one.
        culprits: what was named, the first first.
        why: why it could not be judged.
    """

    cell: Cell
    verdict: Verdict
    by_round: bool | None = None
    both: bool | None = None
    culprits: tuple[Culprit, ...] = ()
    why: str = ""


class NotRunError(Exception):
    """A cell that cannot be run: there is no kernel for its dtype."""


class Bench:
    """Tries cells, one after another, and keeps the true runs of the last host."""

    def __init__(self) -> None:
        self._last: object = None
        self._kept = KeptRuns()

    def tried(self, cell: Cell) -> Placed:
        """Run a cell, have it judged, and hold what is named against what is known."""
        torch.set_num_threads(1)
        if cell.host.backend != "eager":
            torch.compiler.reset()
        if cell.host != self._last:
            self._last, self._kept = cell.host, KeptRuns(most=64)
        with planted(cell) as overrides:
            try:
                caught, culprits = judged(cell, overrides, self._kept)
            except (NoReference, NotRunError) as why:
                return Placed(cell, "unused", why=str(why).replace(f"{ROOT}/", ""))
        return _placed(cell, culprits, caught=caught)


def judged(cell: Cell, overrides: Sequence[str], kept: KeptRuns) -> tuple[bool, list[Culprit]]:
    """Whether a cell's values are out of bounds, and what is named as the culprit."""
    source = cell.host.source
    given = parse_overrides([*cell.host.overrides, *overrides])
    recipe = load_recipe(source, given)
    result, _ = run(plan_of(recipe))
    if result.error is not None:
        raise NotRunError(result.error.message)
    comparison = yardstick_of(source, given, recipe, kept).compare(result)
    return bool(comparison.bad), named(blamed(source, given, recipe, result, comparison, kept))


def named(comparison: Comparison) -> list[Culprit]:
    """The steps that a comparison names as culprits, the first first; where it is not known which, all candidates as one."""
    blame, where = comparison.blame, comparison.where
    if blame is None:
        # no step was judged alone: the first value that is out of bounds
        return [] if where is None else [Culprit(" or ".join(where.through) or where.step, where.direction)]
    if not blame.culprits and blame.candidates:
        steps = dict.fromkeys(one.step for one in blame.candidates)
        return [Culprit(" or ".join(steps), blame.candidates[0].direction)]
    return [Culprit(one.step, one.direction, one.rounds) for one in blame.culprits]


def _placed(cell: Cell, culprits: Sequence[Culprit], *, caught: bool) -> Placed:
    if cell.is_right:
        return Placed(cell, "wrong" if culprits else "right", culprits=tuple(culprits))
    if caught is (cell.part == "hidden"):
        return Placed(cell, "unused", culprits=tuple(culprits))
    first, *others = cell.plants
    is_right = bool(culprits) and _is(culprits[0], first)
    by_round = is_right and culprits[0].rounds == round_of(first, cell) if first.spot.repeats else None
    both = all(any(_is(one, plant) for one in culprits) for plant in cell.plants) if others else None
    return Placed(cell, "right" if is_right else "wrong", by_round, both, tuple(culprits))


def _is(culprit: Culprit, plant: Plant) -> bool:
    directions = {plant.direction}
    if is_in_place(plant) and plant.direction != "backward":
        # what it gives is the operand that it changes
        directions = {"forward", "operand"}
    return culprit.step == plant.spot.name and culprit.direction in directions


def round_of(plant: Plant, cell: Cell) -> Rounds:
    """The first round in which a step is wrong: going back, the last one, where rounds do not differentiate themselves."""
    if plant.rounds or plant.direction != "backward" or "backward" in repr(cell.host.recipe["steps"]):
        return plant.rounds or (1,) * len(plant.spot.repeats)
    return plant.spot.repeats
