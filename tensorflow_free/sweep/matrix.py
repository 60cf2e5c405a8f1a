"""What a sweep varies, as plain data: recipes, their cases, and overrides with their values; no product of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import Final

from tensorflow_free.composition.command_line import GROUP

CASE: Final = "case"


@dataclass(frozen=True, slots=True)
class Axis:
    """An override with its values: one text a value, as `compose` takes it. One that does not vary has no key.

    Attributes:
        key: the dotted key that varies, or None.
        texts: the override with each of its values.
        is_range: whether the values are numbers in order.
    """

    key: str | None
    texts: tuple[str, ...]
    is_range: bool = False


@dataclass(frozen=True, slots=True)
class SweptRecipe:
    """A recipe of a sweep.

    Attributes:
        path: its file, as typed.
        cases: the cases that it runs in, as overrides; none where it has none.
        capabilities: the `settings.cpu_capability` that the file asks for, in each case, or once where there is none.
    """

    path: str
    cases: tuple[str, ...] = ()
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
    def per_case(self) -> int:
        """How many cells each case of a recipe has."""
        return prod(len(axis.texts) for axis in self.axes)

    def __len__(self) -> int:
        return self.per_case * sum(max(1, len(recipe.cases)) for recipe in self.recipes)

    def shared(self) -> tuple[str, ...]:
        """The overrides that every cell has."""
        return tuple(axis.texts[0] for axis in self.axes if axis.key is None)

    def cells(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every combination: the recipe's file, and the overrides; recipes first, the last axis fastest."""
        for recipe in self.recipes:
            for case in recipe.cases or (None,):
                for texts in product(*(axis.texts for axis in self.axes)):
                    yield recipe.path, _with_case(case, texts)

    def corners(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Cells in which each recipe, each case and each value of each axis comes up: a sum of them, not a product.

        Of a range only both ends come up: what a recipe takes of numbers has no gaps.
        """
        first = [axis.texts[0] for axis in self.axes]
        for recipe in self.recipes:
            for case in recipe.cases or (None,):
                yield recipe.path, _with_case(case, first)
            case = recipe.cases[0] if recipe.cases else None
            for position, axis in enumerate(self.axes):
                others = (axis.texts[-1],) if axis.is_range and len(axis.texts) > 1 else axis.texts[1:]
                for text in others:
                    yield recipe.path, _with_case(case, [*first[:position], text, *first[position + 1 :]])


def _with_case(case: str | None, overrides: Sequence[str]) -> tuple[str, ...]:
    return (*overrides,) if case is None else (case, *overrides)
