"""How a sweep stands: its summary, and the exit code that its rows ask for. Knows no torch."""

from __future__ import annotations

from collections import Counter

from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.outcome.outcomes import ABSENT, CELL_OUTCOMES, CellOutcome, code_of_all
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.summary import Heading, Summary


class Standing:
    """What the rows so far come to, in memory that does not grow with them."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.summary = Summary(Heading(cells))
        self._codes: Counter[int] = Counter()

    def add(self, row: Row) -> None:
        """Take a row in; each cell's once."""
        self.summary.add(row)
        self._codes[row.code()] += 1

    def head(self, reference: str, torch: str) -> None:
        """Set what stands above the table."""
        self.summary.heading = Heading(self.cells, reference, torch)

    @property
    def finished(self) -> bool:
        """Whether every cell has a row."""
        return self.summary.cells >= self.cells

    @property
    def ran(self) -> int:
        """How many cells could be had."""
        return self.summary.cells - sum(self.summary.count(outcome) for outcome in ABSENT)

    def outcomes(self) -> dict[CellOutcome, int]:
        """How many cells came out how."""
        return {outcome: count for outcome in CELL_OUTCOMES if (count := self.summary.count(outcome))}

    def exit_code(self) -> ExitCode:
        """0 all well, 1 a mismatch, 2 a recipe is wrong or its device not here, 3 a step failed or cells are left."""
        if not self.finished and not worst_of(self._codes):
            return ExitCode.STEP_FAILED
        return code_of_all(self._codes, self.outcomes())
