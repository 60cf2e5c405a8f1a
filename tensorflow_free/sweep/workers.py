"""A worker as its parent sees it: a process that gets a cell and answers with a row, or is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tensorflow_free.errors import Place, Problem, RecipeError, StorageError
from tensorflow_free.judging.culprits import not_found
from tensorflow_free.outcome.outcomes import CellOutcome, Outcome
from tensorflow_free.outcome.reasons import LostCode, WorkerLost
from tensorflow_free.outcome.sentences import words
from tensorflow_free.process.child import READY, STAGE, START_LIMIT_S, Child, Exceeded
from tensorflow_free.process.limits import Limits
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.sweep.worker_process import FAULT, JUDGED, REFUSED, ROW, UNWRITABLE

MAIN = "tensorflow_free.sweep.worker_process:main"


class Lost(Exception):
    """A worker that gave no row: it crashed, or went over a limit. `outcome` is that of its cell, `cause` says why.

    `judged` is the row of a cell that was judged by then; only its culprit was not found.
    """

    def __init__(self, cause: WorkerLost, judged: Row | None = None) -> None:
        super().__init__(words(cause))
        self.cause = cause
        self.judged = None if judged is None else judged.noting(not_found(words(cause)))

    @property
    def outcome(self) -> CellOutcome:
        """What became of its cell."""
        return OUTCOMES[self.cause.code]


OUTCOMES: Final[dict[str, CellOutcome]] = {
    "worker crashed": Outcome.CRASHED,
    "our error": Outcome.CRASHED,
    "worker timed out": Outcome.TIMED_OUT,
    "worker out of memory": Outcome.OUT_OF_MEMORY,
}


class Worker:
    """One worker process.

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
        limits = limits or Limits()
        asked = {
            "ops": list(ops),
            "folder": None if folder is None else str(folder),
            "memory_gib": limits.memory_gib,
        }
        self._child = Child(MAIN, asked, cwd=cwd, environment=environment, limits=limits)
        self._stage = "starting"
        self._judged: Row | None = None

    def ready(self) -> dict[str, Any]:
        """Its environment, once torch is imported.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            Lost: it did not start.
        """
        letter, text = self._answer(monotonic() + START_LIMIT_S, f"{START_LIMIT_S:g} s")
        if letter == REFUSED:
            raise RecipeError([Problem(Place(), line) for line in json.loads(text).splitlines()])
        self._child.watch_memory()
        environment: dict[str, Any] = json.loads(text)
        return environment

    def run(self, cell: Cell, limit_s: float) -> Row:
        """The row of a cell.

        Raises:
            Lost: it crashed, or went over a limit; this worker is of no more use.
            StorageError: the cell's folder cannot be written.
        """
        self._stage, self._judged = "taking the cell", None
        try:
            self._child.send(json.dumps(cell.to_plain()).encode() + b"\n")
        except BrokenPipeError as error:
            raise self._ended() from error
        letter, text = self._answer(monotonic() + limit_s, f"{limit_s:g} s (--timeout)")
        if letter == UNWRITABLE:
            raise StorageError(json.loads(text))
        if letter == FAULT:
            raise Lost(WorkerLost(code="our error", ended=json.loads(text), said=self._child.lines()))
        return row_of(text)

    def _answer(self, until: float, limit: str) -> tuple[str, bytes]:
        """The next line that is no stage: its letter, and its text."""
        while True:
            try:
                line = self._child.line(until)
            except Exceeded as error:
                raise self._lost("worker out of memory", str(error)) from error
            if line is None:
                raise self._lost("worker timed out", f"took longer than {limit}")
            if not line:
                raise self._ended()
            letter, text = chr(line[0]), line[1:-1]
            if letter in (READY, ROW, REFUSED, UNWRITABLE, FAULT):
                return letter, text
            if letter == JUDGED:
                self._judged = row_of(text)
            if letter == STAGE:
                self._stage = text.decode("utf-8", "replace")

    def _ended(self) -> Lost:
        outcome, why = self._child.ending()
        return self._lost("worker out of memory" if outcome == Outcome.OUT_OF_MEMORY else "worker crashed", why)

    def _lost(self, code: LostCode, why: str) -> Lost:
        """What is told of a worker that is of no more use; it is ended."""
        at = (None if self._child.board is None else self._child.board.said()) or {"step": "", "op": ""}
        self.end()
        said = self._child.lines()
        cause = WorkerLost(code=code, ended=why, stage=self._stage, step=at["step"], op=at["op"], said=said)
        return Lost(cause, self._judged)

    def kill(self) -> None:
        """End the process, from any thread; whoever waits for its row finds it lost."""
        self._child.kill()

    def end(self) -> None:
        """End the process and all that it started, and let go of the pipes."""
        self._child.end()
