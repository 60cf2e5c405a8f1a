"""One case of a recipe in one cell: each of its steps made wrong in each way, and what told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tensorflow_free.composition.override_texts import as_override, of_case
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import Place
from tensorflow_free.judging.repeats import difference_of
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.recipe.dotted import dotted
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors, Progress
from tensorflow_free.strength.criteria import CRITERIA, Criteria, Criterion, CriterionName, criteria_of
from tensorflow_free.strength.insertion import Insertion
from tensorflow_free.strength.mutants import MUTANTS, Given, Mutant
from tensorflow_free.strength.step_calls import noting_results, step_calls
from tensorflow_free.strength.step_noise import StepNoise

MutantKey = tuple[str, str, str, str]
"""The step's path, its op, the value and the mutant: what is the same fault in several cases."""


@dataclass(frozen=True)
class TriedMutant:
    """A mutant, and what told of it.

    Attributes:
        mutant: what was wrong.
        step: the step's name.
        op: its op.
        value: the part of its result that was wrong: `y`, `qr.Q`; for a mutant in the backward the step's name.
        path: the step's path in the recipe.
        place: where the step stands.
        case: the case in which it was tried.
        killed: for each criterion that there is, whether it told; none of them where the mutant gave the same bits.
    """

    mutant: Mutant
    step: str
    op: str
    value: str
    path: str
    place: Place
    case: str
    killed: dict[CriterionName, bool] = field(default_factory=dict)

    @property
    def key(self) -> MutantKey:
        """What tells it from others, in whatever case."""
        return self.path, self.op, self.value, self.mutant.name


@dataclass(frozen=True)
class CaseStrength:
    """What came of trying all mutants of a case in a cell.

    Attributes:
        case: its name; '' for the bare file.
        recipe: the recipe in this cell and case.
        tried: the mutants that changed something.
        equivalent: those that gave the same bits.
        missing: why a criterion did not judge, in words.
    """

    case: str
    recipe: Recipe
    tried: list[TriedMutant]
    equivalent: list[TriedMutant]
    missing: dict[CriterionName, str]


def tried_case(path: str, case: str, cell: Sequence[Override], progress: Progress | None = None) -> CaseStrength:
    """Try all mutants of a case.

    Args:
        path: the recipe file.
        case: the case; '' for the bare file.
        cell: the overrides of the cell, without the case.
        progress: told how many are tried.

    Raises:
        RecipeError: the recipe cannot be loaded.
    """
    cell = eager(path, cell, case)
    in_case = (*cell, *of_case(case))
    recipe = load_recipe(path, in_case)
    return _Trying(case, recipe, criteria_of(path, case, cell, in_case, recipe)).all(progress)


def eager(path: str, cell: Sequence[Override], case: str = "") -> tuple[Override, ...]:
    """The cell without a compiler: a mutant stands in a call of eager PyTorch.

    Raises:
        RecipeError: the recipe cannot be loaded.
    """
    if load_recipe(path, (*cell, *of_case(case))).backend.name == "eager":
        return tuple(cell)
    return (*(one for one in cell if one.parts[0] != "backend"), as_override("backend=eager"))


class _Trying:
    """The mutants of a case being tried."""

    def __init__(self, case: str, recipe: Recipe, criteria: Criteria) -> None:
        self._case = case
        self._recipe = recipe
        self._plan = plan_of(recipe)
        self._calls = step_calls(self._plan)
        # the right run of each of the starting numbers, and the criteria that judge runs from them
        self._right: list[tuple[GivenTensors | None, Result, list[Criterion]]] = []
        self._missing = criteria.missing
        self._noise = StepNoise(criteria.yardstick)
        self._run_right(criteria.known)

    def _run_right(self, known: Sequence[Criterion]) -> None:
        """Run what is not mutated, and leave out what finds fault with it."""
        plan = noting_results(self._plan, self._calls)
        numbers = (None, *(one.given for one in known))
        right = {id(given): (given, run_judged(plan, given=given)[0]) for given in numbers}
        kept: dict[int, list[Criterion]] = {key: [] for key in right}
        for one in known:
            fate = one.fate(right[id(one.given)][1])
            if fate.is_bad:
                self._missing[one.name] = f"it is {fate.outcome} without a mutant, too: {fate.reason}"
            else:
                kept[id(one.given)].append(one)
        # the first decides which mutants are equivalent, whether anything judges it or not
        self._right = [(*right[key], kept[key]) for key in right if kept[key] or right[key][0] is None]

    def all(self, progress: Progress | None) -> CaseStrength:
        """Try each mutant."""
        insertions = list(self._insertions())
        tried: list[TriedMutant] = []
        equivalent: list[TriedMutant] = []
        for done, one in enumerate(insertions, 1):
            killed = self._killed(one)
            if killed is not None:
                (tried if killed else equivalent).append(self._tried(one, killed))
            if progress is not None:
                progress(done, len(insertions))
        return CaseStrength(self._case, self._recipe, tried, equivalent, self._missing)

    def _insertions(self) -> Iterator[Insertion]:
        """Each mutant in each step, step by step; those of values in each part of what the step gives."""
        for call in self._calls:
            for part in call.parts:
                noise = self._noise.of(part)
                for mutant in MUTANTS:
                    if mutant.value is not None and mutant.value(Given(part.value, noise, part.before)) is not None:
                        yield Insertion(mutant, call, part, noise)
            for mutant in MUTANTS if call.is_differentiated else ():
                if mutant.is_backward:
                    yield Insertion(mutant, call)

    def _killed(self, insertion: Insertion) -> dict[CriterionName, bool] | None:
        """What told of a mutant; nothing where it gives the same bits, None where it could not be put in."""
        killed: dict[CriterionName, bool] = {}
        for given, right, criteria in self._right:
            result, _ = run_judged(insertion.into(self._plan), given=given)
            if given is None and not insertion.is_in:
                return None
            if given is None and difference_of(result, right) is None:
                return {}
            killed |= {one.name: one.fate(result).is_bad for one in criteria}
        return {name: killed[name] for name in CRITERIA if name in killed}

    def _tried(self, insertion: Insertion, killed: dict[CriterionName, bool]) -> TriedMutant:
        site = insertion.call.site
        return TriedMutant(
            mutant=insertion.mutant,
            step=site.name,
            op=site.op,
            value=site.name if insertion.part is None else insertion.part.name,
            path=dotted(site.path),
            place=self._plan.place(site.path),
            case=self._case,
            killed=killed,
        )
