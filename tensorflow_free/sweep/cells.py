"""The cells of a sweep, each made when it is asked for: a recipe, and the overrides that make it. Knows no torch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Final

from tensorflow_free.composition.overrides import OverrideError, parse_override
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.sweep.matrix import CASE, Axis, Matrix

CAPABILITY_KEY: Final = "settings.cpu_capability"
"""The override that asks for a process of its own: ATen reads it from the environment when it starts."""

RECIPE: Final = "recipe"
"""The key of the axis of recipes."""


def refuse_outside(folder: str) -> str:
    """The name of a cell's folder, which is read back from files: what lies there is written, and cleared away.

    Raises:
        ValueError: it leads out of the sweep's folder.
    """
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in folder:
        message = f"'{folder}' is no folder inside of the sweep's"
        raise ValueError(message)
    return folder


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of a sweep.

    Attributes:
        number: its place in the sweep, from 0.
        recipe: the recipe file, as it was typed.
        overrides: all overrides of this cell, the sweep's shared ones and `case=NAME` too, as `compose` takes them.
        axes: of what varies in the sweep: the key, and this cell's value as text; `("recipe", path)` too where there
            are several recipes.
        folder: the name of its folder inside the sweep's folder.
        capability: the `settings.cpu_capability` that it asks for, or None.
    """

    number: int
    recipe: str
    overrides: tuple[str, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    capability: str | None = None


class Cells:
    """Every cell of a matrix, by its number: recipes first, then cases, then the axes as typed, the last fastest.

    None is kept, so that a hundred thousand cost no more memory than their axes do.
    """

    def __init__(self, matrix: Matrix, folders: Sequence[str] = ()) -> None:
        self.matrix = matrix
        self._folders = folders
        sizes = [matrix.per_case * max(1, len(recipe.cases)) for recipe in matrix.recipes]
        self._ends = list(accumulate(sizes))
        self._capable = any(_names_capability(axis.texts[0]) for axis in matrix.axes)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Cell]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> Cell:
        if not 0 <= number < len(self):
            raise IndexError(number)
        at = bisect_right(self._ends, number)
        recipe = self.matrix.recipes[at]
        case, rest = divmod(number - (self._ends[at - 1] if at else 0), self.matrix.per_case)
        overrides: list[str] = []
        axes: list[tuple[str, str]] = [(RECIPE, recipe.path)] if len(self.matrix.recipes) > 1 else []
        if recipe.cases:
            overrides.append(recipe.cases[case])
            axes.append((CASE, _value(recipe.cases[case])))
        texts = _chosen(self.matrix.axes, rest)
        varying = [
            (axis.key, _value(text)) for axis, text in zip(self.matrix.axes, texts, strict=True) if axis.key is not None
        ]
        return Cell(
            number,
            recipe.path,
            (*overrides, *texts),
            (*axes, *varying),
            self._folders[number] if self._folders else str(number),
            (capability_of(texts) if self._capable else None) or recipe.capabilities[case],
        )


def _chosen(axes: Sequence[Axis], rest: int) -> list[str]:
    """The text of each axis in the cell that is `rest` cells behind the first of its case."""
    texts: list[str] = []
    for axis in reversed(axes):
        rest, position = divmod(rest, len(axis.texts))
        texts.append(axis.texts[position])
    return texts[::-1]


def _value(text: str) -> str:
    return text.partition("=")[2]


def _names_capability(text: str) -> bool:
    return text.lstrip("+").partition("=")[0] in (CAPABILITY_KEY, "settings")


def capability_of(overrides: Sequence[str]) -> str | None:
    """The `settings.cpu_capability` that these overrides ask for, or None."""
    found = None
    for text in overrides:
        if not _names_capability(text):
            continue
        try:
            override = parse_override(text)
        except (OverrideError, ScalarError):
            continue
        value = override.value
        if override.parts == ("settings",):
            value = value.get("cpu_capability", found) if isinstance(value, dict) else found
        found = value if isinstance(value, str) else None
    return found
