"""A worker of a sweep, as the sweep sees it: it gets a cell and answers with a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tensorflow_free.judging.culprits import not_found
from tensorflow_free.outcome.sentences import words
from tensorflow_free.process.limits import Limits
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.workers.worker import Lost, Worker

MAIN = "tensorflow_free.sweep.cell_process:main"


class CellWorker(Worker):
    """One worker process of a sweep.

    Args:
        ops: files of the user's own ops.
        folder: the sweep's folder; None to keep no results.
        cwd: the folder from which recipes are named.
        environment: its variables.
        limits: how much memory it may take; where a limit is asked for, the step at which it is met is told.

    Raises:
        TensorflowFreeError: this machine starts no more processes.
    """

    def __init__(
        self,
        ops: Sequence[str],
        folder: Path | None,
        cwd: str,
        environment: Mapping[str, str],
        limits: Limits | None = None,
    ) -> None:
        asked = {"folder": None if folder is None else str(folder)}
        super().__init__(MAIN, ops, asked, cwd=cwd, environment=environment, limits=limits)

    def run(self, cell: Cell, limit_s: float) -> Row:
        """The row of a cell.

        Raises:
            Lost: it crashed, or went over a limit; this worker is of no more use.
            StorageError: the cell's folder cannot be written.
        """
        return row_of(self.answer(cell.to_plain(), "taking the cell", limit_s))


def judged_row(lost: Lost) -> Row | None:
    """The row of a cell that was judged when its worker was lost; only its culprit was not found."""
    return None if lost.early is None else row_of(lost.early).noting(not_found(words(lost.cause)))
