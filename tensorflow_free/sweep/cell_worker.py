"""A worker of a sweep, as the sweep sees it: it gets a cell and answers with a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tensorflow_free.judging.culprits import not_found
from tensorflow_free.outcome.sentences import words
from tensorflow_free.recipe.names import AUTO
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.launch import Launch
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.workers.worker import Lost, Worker

MAIN = "tensorflow_free.sweep.cell_process:main"


WorkerTerms = tuple[Any, ...]
"""All that a worker was begun with: another begun with the same does the same."""


def terms_of(launch: Launch, environment: Mapping[str, str]) -> WorkerTerms:
    """What a worker is begun with for these cells."""
    told = launch.main, launch.cwd, launch.folder, tuple(launch.ops), launch.devices, launch.limits
    return *told, tuple(sorted(environment.items()))


class CellWorker(Worker):
    """One worker process of a sweep.

    Args:
        launch: how the sweep's cells are run.
        environment: its variables.

    Raises:
        TensorflowFreeError: this machine starts no more processes.
    """

    def __init__(self, launch: Launch, environment: Mapping[str, str]) -> None:
        kinds = {device.partition(":")[0] for device in launch.devices} - {AUTO}
        folder = None if launch.folder is None else str(launch.folder)
        asked: dict[str, Any] = {"ops": list(launch.ops), "folder": folder, "kinds": sorted(kinds)}
        if AUTO in launch.devices or not kinds <= {"cpu", "meta"}:
            # the kernels of a device end a process more often
            asked["tells_steps"] = True
        super().__init__(launch.main or MAIN, asked, cwd=launch.cwd, environment=environment, limits=launch.limits)
        self.terms = terms_of(launch, environment)

    def run(self, cell: Cell, limit_s: float) -> Row:
        """The row of a cell.

        Raises:
            Lost: it crashed, or went over a limit; this worker is of no more use.
            StorageError: the cell's folder cannot be written.
        """
        return row_of(self._answer_to(cell, limit_s, exact=False))

    def run_again(self, cell: Cell, limit_s: float) -> Row | None:
        """The row of a cell whose error showed late, with a synchronisation after each step; None where it has none.

        Raises:
            Lost: as of `run`.
            StorageError: as of `run`.
        """
        answer = self._answer_to(cell, limit_s, exact=True)
        return None if answer == b"null" else row_of(answer)

    def _answer_to(self, cell: Cell, limit_s: float, *, exact: bool) -> bytes:
        return self.answer({"cell": cell.to_plain(), "exact": exact}, "taking the cell", limit_s)


def judged_row(lost: Lost) -> Row | None:
    """The row of a cell that was judged when its worker was lost; only its culprit was not found."""
    return None if lost.early is None else row_of(lost.early).noting(not_found(words(lost.cause)))
