"""What a run of a recipe is judged by: what it expects, its golden, and the comparison that a sweep makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import torch

from tensorflow_free.cell.fate import Fate, fate_of
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference, Yardstick
from tensorflow_free.composition.overrides import Override
from tensorflow_free.golden.golden_judge import GoldenJudge
from tensorflow_free.golden.verifying import golden_judge
from tensorflow_free.judging.movement import Movement
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.runner import GivenTensors, starts_of

CriterionName = Literal["expectations", "golden", "sweep"]

CRITERIA: Final[tuple[CriterionName, ...]] = ("expectations", "golden", "sweep")
"""What may tell of a mutant."""


@dataclass(frozen=True)
class Criterion:
    """One thing that a run is judged by.

    Attributes:
        name: which.
        fate: what becomes of a run.
        given: the numbers that a run starts from; None for those that the recipe draws.
    """

    name: CriterionName
    fate: Callable[[Result], Fate]
    given: GivenTensors | None = None


@dataclass
class Criteria:
    """All that runs of a case in a cell are judged by.

    Attributes:
        known: those that there are.
        missing: why the others are not there, in words; '' where the recipe has no golden.
        yardstick: what a sweep compares the cell with; None where there is nothing.
    """

    known: list[Criterion] = field(default_factory=list)
    missing: dict[CriterionName, str] = field(default_factory=dict)
    yardstick: Yardstick | None = None


def criteria_of(
    path: str, case: str, cell: Sequence[Override], in_case: Sequence[Override], recipe: Recipe
) -> Criteria:
    """What runs of a case are judged by.

    Args:
        path: the recipe file.
        case: the case; '' for the bare file.
        cell: the overrides of the cell, without the case.
        in_case: the same, with the case.
        recipe: the recipe in this cell and case.
    """
    found = Criteria([Criterion("expectations", fate_of)])
    golden = golden_judge(path, case, cell)
    if isinstance(golden, GoldenJudge):
        found.known.append(Criterion("golden", lambda one: golden.judged(one)[0], _given(recipe, golden.starts)))
    else:
        found.missing["golden"] = "" if golden.outcome == Outcome.MISSING else golden.reason
    try:
        found.yardstick = _remembering(yardstick_of(path, in_case, recipe, KeptRuns()))
    except NoReference as why:
        found.missing["sweep"] = str(why)
        return found
    yardstick = found.yardstick
    found.known.append(Criterion("sweep", lambda one: _swept(one, yardstick)))
    return found


def _given(recipe: Recipe, kept: GivenTensors) -> GivenTensors | None:
    """The numbers that a golden gives; None where they are those that the recipe draws, so that one run serves both."""
    plan = plan_of(recipe)
    drawn, given = starts_of(plan), starts_of(plan, kept)
    alike = all(torch.equal(_bits(one), _bits(given[name])) for name, one in drawn.items())
    return None if alike else kept


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor's numbers where NaN equals NaN; as bytes where it has plain memory."""
    if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized or tensor.is_meta:
        return torch.tensor(float("nan"))
    return tensor.resolve_conj().resolve_neg().contiguous().flatten().view(torch.uint8)


def _remembering(yardstick: Yardstick) -> Yardstick:
    """The yardstick, each of whose nudged runs is made once."""
    if yardstick.movement is None or yardstick.turned is not None:
        # one with vectors of free signs makes them anew for each run that it judges
        return yardstick
    return replace(yardstick, movement=Remembered(yardstick.movement))


def _swept(result: Result, yardstick: Yardstick) -> Fate:
    """What becomes of a run as a cell of a sweep; one that stopped is wrong whatever it had made."""
    return fate_of(result) if result.has_failed else fate_of(result, yardstick.compare(result))


@dataclass
class Remembered:
    """Nudged runs that are kept, however large, as hundreds of runs are judged by them."""

    movement: Movement
    _kept: dict[tuple[int, float], Mapping[str, Record]] = field(default_factory=dict)

    @property
    def jumps(self) -> bool:
        """As of `Movement`."""
        return self.movement.jumps

    @property
    def apart(self) -> bool:
        """As of `Movement`."""
        return self.movement.apart

    def values(self, number: int, times: float = 1.0, *, names: Collection[str] | None = None) -> Mapping[str, Record]:
        """As of `Movement`; all values, whichever are needed first."""
        del names
        key = (number, times)
        if key not in self._kept:
            self._kept[key] = self.movement.values(number, times)
        return self._kept[key]
