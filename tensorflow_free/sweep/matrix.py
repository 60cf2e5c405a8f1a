"""What a sweep varies, as plain data: recipes, their cases, overrides with their values; and all combinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Final

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.overrides import Axis, Override

CASE: Final = "case"


class Combinations:
    """Every combination of the values of some axes, the last changing fastest; each is made when it is asked for."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = axes
        self._size = prod(len(axis.overrides) for axis in axes)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[tuple[Override, ...]]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> tuple[Override, ...]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        chosen = []
        for axis in reversed(self.axes):
            number, position = divmod(number, len(axis.overrides))
            chosen.append(axis.overrides[position])
        return tuple(reversed(chosen))


@dataclass(frozen=True, slots=True)
class SweptRecipe:
    """A recipe of a sweep.

    Attributes:
        path: its file, as typed.
        cases: what chooses each case that it runs in; none where it has none.
        capabilities: the `settings.cpu_capability` that the file asks for, in each case, or once where there is none.
    """

    path: str
    cases: tuple[Override, ...] = ()
    capabilities: tuple[str | None, ...] = (None,)


@dataclass(frozen=True)
class Matrix:
    """All that a sweep runs, as its factors.

    Attributes:
        recipes: the recipes, each with its cases.
        axes: the overrides in the order in which they were typed, those too that do not vary.
        by_case: whether `case` is a thing that varies.
    """

    recipes: tuple[SweptRecipe, ...]
    axes: tuple[Axis, ...] = ()
    by_case: bool = field(default=False)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What varies, in the order of the cells: the last changes fastest."""
        recipe = (GROUP,) if len(self.recipes) > 1 else ()
        case = (CASE,) if self.by_case else ()
        return (*recipe, *case, *(axis.key for axis in self.axes if axis.key is not None))

    @cached_property
    def per_case(self) -> Combinations:
        """The cells that each case of a recipe has, by their overrides."""
        return Combinations(self.axes)

    def __len__(self) -> int:
        return len(self.per_case) * sum(max(1, len(recipe.cases)) for recipe in self.recipes)

    def shared(self) -> tuple[Override, ...]:
        """The overrides that every cell has."""
        return tuple(axis.overrides[0] for axis in self.axes if axis.key is None)

    def corners(self) -> Iterator[tuple[str, tuple[Override, ...]]]:
        """Cells in which each recipe, each case and each value of each axis comes up: a sum of them, not a product.

        Of a range only both ends come up: what a recipe takes of numbers has no gaps.
        """
        first = tuple(axis.overrides[0] for axis in self.axes)
        for recipe in self.recipes:
            for number in range(max(1, len(recipe.cases))):
                yield recipe.path, (*recipe.cases[number : number + 1], *first)
            for position, axis in enumerate(self.axes):
                others = axis.overrides[-1:] if axis.is_range and len(axis.overrides) > 1 else axis.overrides[1:]
                for one in others:
                    yield recipe.path, (*recipe.cases[:1], *first[:position], one, *first[position + 1 :])
