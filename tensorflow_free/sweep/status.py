"""How a sweep stands: its summary, and the exit code that its rows ask for. Knows no torch."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tensorflow_free.sweep.rows import ABSENT, OUTCOMES, Row
from tensorflow_free.sweep.summary import Heading, Summary

WRONG, FAILED, UNMET = 2, 3, 1
"""Exit codes, the one that counts most first; `cli.py` has all of them."""

UNAVAILABLE: Final = 2
UNSUPPORTED: Final = 3
UNFINISHED: Final = 3
"""Exit codes where no cell could be had, and where some have no row."""


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

    def outcomes(self) -> dict[str, int]:
        """How many cells came out how."""
        return {outcome: count for outcome in OUTCOMES if (count := self.summary.count(outcome))}

    def exit_code(self) -> int:
        """0 all well, 1 a mismatch, 2 a recipe is wrong or its device not here, 3 a step failed or cells are left."""
        found = next((code for code in (WRONG, FAILED, UNMET) if self._codes[code]), 0)
        if found:
            return found
        if not self.finished:
            return UNFINISHED
        if self.cells and not self.ran:
            return UNAVAILABLE if self.summary.count("unavailable") else UNSUPPORTED
        return 0
