"""The cells of a sweep, each made on demand: a recipe and its overrides. Does not import torch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any, Final

from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.sweep.matrix import CASE, Matrix

CAPABILITY_KEY: Final = "settings.cpu_capability"
"""The key that asks for a process of its own: ATen reads it from the environment when it starts."""

RECIPE: Final = "recipe"
"""The key of the axis of recipes."""


def refuse_outside(folder: str) -> str:
    """The name of a cell's folder, which is read back from files: what lies there is written, and cleared away.

    Raises:
        ValueError: it leads out of the sweep's folder.
    """
    if folder.isdecimal():
        return folder
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in folder:
        message = f"'{folder}' is not a folder inside the sweep's"
        raise ValueError(message)
    return folder


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of a sweep.

    Attributes:
        number: its place in the sweep, from 0.
        recipe: the recipe file, as it was typed.
        overrides: all overrides of this cell, the sweep's shared ones and that of its case too.
        axes: of what varies in the sweep: the key, and this cell's value as text; `("recipe", path)` too where there
            are several recipes.
        folder: the name of its folder inside the sweep's folder.
        capability: the `settings.cpu_capability` that it asks for, or None.
        packed: overrides that are merged into the recipe file already, where it comes from a pack.
    """

    number: int
    recipe: str
    overrides: tuple[Override, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    capability: str | None = None
    packed: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """The cell as JSON holds it, for a process that runs it."""
        trusted = [override.trusted for override in self.overrides]
        return {**asdict(replace(self, overrides=())), "overrides": texts_of(self.overrides), "trusted": trusted}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Cell:
        """The cell that `to_plain` gave, in the process that began this one: what it trusts is trusted here, too."""
        axes = tuple((key, value) for key, value in plain["axes"])
        read = {key: value for key, value in plain.items() if key != "trusted"}
        given = map(as_override, plain["overrides"])
        overrides = tuple(replace(one, trusted=known) for one, known in zip(given, plain["trusted"], strict=True))
        return cls(**{**read, "overrides": overrides, "axes": axes, "packed": tuple(plain["packed"])})


class Cells:
    """Every cell of a matrix, by its number: recipes first, then cases, then the axes as typed, the last fastest.

    None is kept, so that a hundred thousand cost no more memory than their axes do.
    """

    def __init__(self, matrix: Matrix, folders: Sequence[str] = ()) -> None:
        self.matrix = matrix
        self._folders = folders
        self._ends = list(accumulate(len(matrix.per_case) * max(1, len(recipe.cases)) for recipe in matrix.recipes))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Cell]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> Cell:
        if not 0 <= number < len(self):
            raise IndexError(number)
        at = bisect_right(self._ends, number)
        recipe = self.matrix.recipes[at]
        case, rest = divmod(number - (self._ends[at - 1] if at else 0), len(self.matrix.per_case))
        cases, chosen = recipe.cases[case : case + 1], self.matrix.per_case[rest]
        varying = [(CASE, one) for one in cases]
        varying += [(axis.key, one) for axis, one in zip(self.matrix.axes, chosen, strict=True) if axis.key is not None]
        axes = [(RECIPE, recipe.path)] if len(self.matrix.recipes) > 1 else []
        return Cell(
            number,
            recipe.path,
            (*cases, *chosen),
            (*axes, *((key, one.value_text) for key, one in varying)),
            self._folders[number] if self._folders else str(number),
            capability_of(chosen) or recipe.capabilities[case],
        )


def capability_of(overrides: Sequence[Override]) -> str | None:
    """The `settings.cpu_capability` that these overrides ask for, or None."""
    found = None
    for override in overrides:
        value = override.value
        if override.key == "settings":
            value = value.get("cpu_capability", found) if isinstance(value, dict) else found
        elif override.key != CAPABILITY_KEY:
            continue
        found = value if isinstance(value, str) else None
    return found
