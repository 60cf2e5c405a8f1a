"""The outcome of a sweep, gathered row by row in any order, in memory that does not grow with its cells.

The same rows give the same summary, whatever their order: everything kept is a count, or the first in a fixed order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tensorflow_free.judging.shortfalls import Shortfalls
from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.outcome.outcomes import CELL_OUTCOMES, CellOutcome, Outcome, code_of_all
from tensorflow_free.outcome.reasons import ForwardOnly, OtherK
from tensorflow_free.sweep.groups import Groups, key_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.shares import Shares

FEW: Final = 60
"""Cells up to which each has a row in the table."""

MOST_RECIPES: Final = 4
"""Recipes that are named."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a sweep's table.

    Attributes:
        cells: how many cells the sweep has, those to come included; None where nobody knows.
        reference: what its cells are compared with, in words.
        torch: the version of torch.
    """

    cells: int | None = None
    reference: str = ""
    torch: str = ""


class Summary:
    """A sweep's outcome: counts, what is alike, where the pattern lies, and the worst cells."""

    def __init__(self, heading: Heading | None = None, rows: Iterable[Row] = ()) -> None:
        self.heading = heading or Heading()
        self.shares = Shares()
        self.groups = Groups()
        """Rows that are not ok."""
        self.told = Groups()
        """What is worth saying of rows, and is no failure."""
        self.recipes: list[str] = []
        """The first of the recipes by name; one more than are named, where there are more."""
        self.shortfalls = Shortfalls()
        """Values of which the verdicts say nothing."""
        self._codes: set[ExitCode] = set()
        self.few: list[Row] | None = []
        """All rows while they are few; else None."""
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take a row in; each cell's once."""
        self.shares.add(row)
        self._codes.add(row.code())
        if row.recipe not in self.recipes:
            self.recipes = sorted({*self.recipes, row.recipe})[: MOST_RECIPES + 1]
        if self.few is not None:
            self.few = [*self.few, row] if len(self.few) < FEW else None
        if row.outcome != Outcome.OK:
            self.groups.add(row, key_of(row), row.reason)
        told = (*row.causes, *row.notes)
        self.shortfalls.add(told, row.dtype, compared=row.compared, unjudged=row.unjudged)
        for note, text in zip(row.notes, row.told, strict=True):
            if isinstance(note, OtherK | ForwardOnly):
                # it is told with how many cells it is of
                continue
            self.told.add(row, (0, "", note.kind, ""), text)

    @property
    def cells(self) -> int:
        """How many cells there are so far."""
        return self.shares.all.cells

    @property
    def bad(self) -> int:
        """How many of them fail the sweep."""
        return self.shares.all.bad

    @property
    def finished(self) -> bool:
        """Whether every cell that the sweep has has a row."""
        return self.heading.cells is not None and self.cells >= self.heading.cells

    def count(self, outcome: Outcome) -> int:
        """How many cells have this outcome."""
        return self.shares.all.outcomes[outcome]

    def outcomes(self) -> dict[CellOutcome, int]:
        """How many cells came out how."""
        return {outcome: count for outcome in CELL_OUTCOMES if (count := self.count(outcome))}

    def exit_code(self) -> ExitCode:
        """0 all well, 1 a mismatch, 2 a recipe is wrong or its device not here, 3 a step failed or cells are left."""
        if not self.finished and not worst_of(self._codes):
            return ExitCode.STEP_FAILED
        return code_of_all(self._codes, self.outcomes())
