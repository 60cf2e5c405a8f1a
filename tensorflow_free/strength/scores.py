"""The strength of a recipe in a cell: which share of its mutants each criterion tells, over all of its cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from tensorflow_free.composition.overrides import Override
from tensorflow_free.loading import cases_of
from tensorflow_free.recipe.names import cell_name
from tensorflow_free.runner import Progress
from tensorflow_free.strength.criteria import CRITERIA, CriterionName
from tensorflow_free.strength.mutation import CaseStrength, MutantKey, TriedMutant, tried_case

ANY: Final = "any"
"""What tells a mutant that at least one criterion does."""

ScoreName = CriterionName | Literal["any"]

SCORES: Final[tuple[ScoreName, ...]] = (*CRITERIA, ANY)
"""All scores, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Score:
    """How many mutants were told, of how many."""

    killed: int
    counted: int

    @property
    def percent(self) -> float:
        """The share in percent; 100 where there is no mutant."""
        return 100 * self.killed / self.counted if self.counted else 100.0


@dataclass(frozen=True)
class Strength:
    """What came of trying all mutants of a recipe in a cell.

    A mutant that is in several cases counts once, and is told where it is told in one of them.

    Attributes:
        path: the recipe file.
        cell: the cell in short: `float32-cpu`.
        cases: what came of each case, or of the bare file.
    """

    path: str
    cell: str
    cases: Sequence[CaseStrength]

    @cached_property
    def tried(self) -> list[TriedMutant]:
        """Each mutant that changes something in at least one case, with all that told of it."""
        found: dict[MutantKey, TriedMutant] = {}
        for one in (tried for case in self.cases for tried in case.tried):
            before = found.get(one.key, one)
            killed = {name: before.killed.get(name, False) or told for name, told in one.killed.items()}
            found[one.key] = replace(before, killed={**before.killed, **killed})
        return list(found.values())

    @cached_property
    def equivalent(self) -> list[TriedMutant]:
        """The mutants that give the same bits in each case."""
        told = {one.key for one in self.tried}
        found = {one.key: one for case in self.cases for one in case.equivalent if one.key not in told}
        return list(found.values())

    def score(self, name: ScoreName) -> Score | None:
        """How many mutants a criterion tells; None where it is not there."""
        judged = [one for one in self.tried if name == ANY or name in one.killed]
        if name != ANY and not any(name not in case.missing for case in self.cases):
            return None
        return Score(sum(_is_told(one, name) for one in judged), len(judged))

    @property
    def decisive(self) -> CriterionName:
        """What the recipe is a test by: its golden, where it has one; else what it expects."""
        return "expectations" if self.score("golden") is None else "golden"

    @property
    def living(self) -> list[TriedMutant]:
        """The mutants that what is decisive does not tell."""
        return [one for one in self.tried if not one.killed.get(self.decisive, True)]

    @property
    def decided(self) -> Score:
        """The score by what is decisive; nothing is counted where nothing judges."""
        return self.score(self.decisive) or Score(0, 0)


def _is_told(one: TriedMutant, name: ScoreName) -> bool:
    return any(one.killed.values()) if name == ANY else one.killed[name]


Told = Callable[[int, int, str], None]
"""Called with how many mutants of a case are tried, how many there are, and the case."""


def strength_of(path: str, cell: Sequence[Override], progress: Told | None = None) -> Strength:
    """Try all mutants of a recipe: of each case, or of the one that the overrides choose.

    Args:
        path: the recipe file.
        cell: the overrides of the cell. A compiler is left out: a mutant stands in a call of eager PyTorch.
        progress: told how many are tried.

    Raises:
        RecipeError: the recipe cannot be loaded.
    """
    chosen = [str(one.value) for one in cell if one.parts == ("case",)][-1:]
    rest = [one for one in cell if one.parts != ("case",)]
    cases = [tried_case(path, case, rest, _noting(progress, path, case)) for case in chosen or cases_of(path) or ("",)]
    recipe = cases[0].recipe
    return Strength(path, cell_name(recipe.device, recipe.dtype, recipe.backend.name), cases)


def _noting(progress: Told | None, path: str, case: str) -> Progress | None:
    return None if progress is None else lambda done, total: progress(done, total, f"{path} {case}".strip())
