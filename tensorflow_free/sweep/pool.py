"""The workers of a sweep: a thread for each, which takes the next cell when its worker is free."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final

from tensorflow_free.composition.compose import compose
from tensorflow_free.errors import RecipeError, TensorflowFreeError
from tensorflow_free.outcome.outcomes import CellOutcome, Outcome
from tensorflow_free.outcome.plain_reasons import Bare, Because
from tensorflow_free.outcome.reasons import AnyReason, Problems, StepFailed, WorkerLost
from tensorflow_free.outcome.sentences import words
from tensorflow_free.run.error_patterns import inherited
from tensorflow_free.sweep.capabilities import CAPABILITY_VARIABLE, missing_capability
from tensorflow_free.sweep.cell_worker import CellWorker, judged_row
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.dealing import Dealing
from tensorflow_free.sweep.earlier import held_to
from tensorflow_free.sweep.lanes import CellPlaces, Devices, Lane, may_use_devices
from tensorflow_free.sweep.launch import Launch
from tensorflow_free.sweep.rows import Row, row_of_cell
from tensorflow_free.workers.worker import Lost

MOST_WAITING: Final = 1_000
"""Rows that wait for whoever iterates over a sweep, before its workers wait too."""

PATIENCE_S: Final = 0.2
"""Seconds between two looks at whether a crew that waits has been stopped."""

KeepRow = Callable[[Row], None]
"""Keeps a row; called by one thread at a time."""

Greet = Callable[[dict[str, Any]], None]
"""Told the environment of the first worker that is ready."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Workers that run cells until there are no more, one is bad and that is enough, or somebody stops them."""

    def __init__(self, launch: Launch, record: KeepRow, greet: Greet) -> None:
        self._launch = launch
        self._record = record
        self._greet = greet
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._news: queue.Queue[Row | Exception | None] = queue.Queue(MOST_WAITING)
        self._greeted = threading.Event()
        self._workers: set[CellWorker] = set()
        self._dealing = Dealing(iter(()))
        self.fewer: str | None = None
        """Why there are fewer workers than were asked for."""
        self._scout: tuple[str | None, CellWorker] | None = None
        """A worker that told of the devices of this machine, and its capability, until a lane takes it."""

    def rows(self, cells: Iterable[Cell], count: int) -> Generator[Row]:
        """Run `count` cells, and give each row when it is kept.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            StorageError: a row or a result cannot be kept.
            TensorflowFreeError: workers cannot be started.
        """
        waiting = iter(cells)
        threads: list[threading.Thread] = []
        try:
            threads += map(self._thread, self._lanes(waiting, count))
            for thread in threads:
                thread.start()
            yield from self._received(len(threads))
        finally:
            self.stop()
            for thread in threads:
                thread.join()
            if self._scout is not None:
                self._dismiss(self._scout[1])

    def stop(self) -> None:
        """End every worker at once; what they were doing is lost."""
        self._stopped.set()
        self._dealing.end()
        with self._lock:
            for worker in self._workers:
                worker.kill()

    def _thread(self, lane: Lane) -> threading.Thread:
        return threading.Thread(target=self._work, args=(lane,), daemon=True)

    def _received(self, working: int) -> Iterator[Row]:
        """The rows as they come, until the last thread has said that it is done."""
        while working:
            news = self._news.get()
            if isinstance(news, Exception):
                raise news
            if news is None:
                working -= 1
                continue
            yield news
            if news.is_bad and self._launch.fail_fast:
                return

    def _lanes(self, cells: Iterator[Cell], count: int) -> list[Lane]:
        """The lanes of `count` cells, which are dealt to them."""
        self._dealing = Dealing(cells)
        has_devices = count > 0 and may_use_devices(self._launch)
        if self._launch.n_jobs == 1 or not has_devices:
            return [Lane(has_device=has_devices)] * min(self._launch.n_jobs or cores(), count)
        # how many workers there are to be depends on the devices that the first one sees
        first = next(cells)
        places = CellPlaces(self._launch, self._seen_by_scout(first.capability))
        self._dealing = Dealing(chain([first], cells), places.of)
        lanes = places.lanes(cores(), count)
        if len(lanes) < min(self._launch.n_jobs or 0, count):
            self.fewer = (
                f"hydra.launcher.n_jobs: {self._launch.n_jobs} workers are asked for, and {len(lanes)} can use "
                f"{' and '.join(places.kinds)} at a time; register_device(…, processes=N) lets a device take more"
            )
        return lanes

    def _seen_by_scout(self, capability: str | None) -> Devices:
        """The devices that a worker sees, which runs cells afterwards.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            TensorflowFreeError: it cannot be started.
        """
        capability = capability if missing_capability(capability) is None else None
        worker = self._begun(capability, Lane())
        self._scout = capability, worker
        return Devices.of(worker.devices)

    # at work, each in its thread

    def _work(self, lane: Lane) -> None:
        """Run the cells of one lane, and say how that ended and that it has, or the sweep would wait for ever."""
        try:
            self._run_lane(lane)
        except Exception as error:  # noqa: BLE001 - raised again by whoever iterates
            if not self._stopped.is_set():
                self._tell(error)
        finally:
            self._tell(None)

    def _run_lane(self, lane: Lane) -> None:
        """Run cells in the workers of one lane: one for each CPU capability that cells ask for."""
        mine: dict[str | None, CellWorker] = {}
        try:
            while not self._stopped.is_set():
                cell = self._dealing.next(lane.places)
                if cell is None:
                    break
                # a cell alone needs all files of ops: it is not known which of them a backend came from
                row = self._row(cell, lane, mine)
                is_at_limit = row.outcome in (Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY)
                limits = self._launch.limits.words() if is_at_limit else []
                alone = {"ops": self._launch.named_ops, "limits": limits, "unsupported": inherited()}
                row = row.model_copy(update=alone)
                row = held_to(row, self._launch.earlier)
                row = row.strictly() if self._launch.strict else row
                with self._lock:
                    self._record(row)
                if row.is_bad and self._launch.fail_fast:
                    self._dealing.end()
                self._tell(row)
        finally:
            for worker in mine.values():
                self._let_go(worker)

    def _tell(self, news: Row | Exception | None) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._news.put(news, timeout=PATIENCE_S)
                return

    def _row(self, cell: Cell, lane: Lane, mine: dict[str | None, CellWorker]) -> Row:
        """The row of a cell, whatever becomes of its worker.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            StorageError: the cell's folder cannot be written.
            TensorflowFreeError: no worker has ever started.
        """
        missing = missing_capability(cell.capability)
        if missing is not None:
            return lost_row(cell, Outcome.UNAVAILABLE, Problems(code="unavailable", problems=[missing]))
        try:
            row = self._worker(cell, lane, mine).run(cell, self._launch.cell_timeout_s)
            return self._run_again(cell, lane, mine, row) if is_late(row) else row
        except Lost as lost:
            if self._stopped.is_set():
                raise
            self._replace(cell.capability, mine)
            return judged_row(lost) or lost_row(cell, lost.outcome, lost.cause)

    def _worker(self, cell: Cell, lane: Lane, mine: dict[str | None, CellWorker]) -> CellWorker:
        """The worker for a cell: the one that is there, as long as it can use its devices."""
        worker = mine.get(cell.capability)
        if worker is not None and worker.broken:
            self._replace(cell.capability, mine)
            worker = None
        if worker is None:
            worker = mine[cell.capability] = self._hired(cell.capability, lane, mine)
        return worker

    def _run_again(self, cell: Cell, lane: Lane, mine: dict[str | None, CellWorker], row: Row) -> Row:
        """The row of a cell in which an error of a device showed late: run in a new process, its step is known."""
        self._replace(cell.capability, mine)
        try:
            again = self._worker(cell, lane, mine).run_again(cell, self._launch.cell_timeout_s)
        except Lost as lost:
            if self._stopped.is_set():
                raise
            self._replace(cell.capability, mine)
            return row.noting(Because(code="cannot be run again", why=str(lost)))
        return again or row.noting(Bare(code="not lost again"))

    def _replace(self, capability: str | None, mine: dict[str | None, CellWorker]) -> None:
        """End a worker, in whose place another is hired when a cell comes."""
        gone = mine.pop(capability, None)
        if gone is not None:
            self._dismiss(gone)

    def _hired(self, capability: str | None, lane: Lane, mine: dict[str | None, CellWorker]) -> CellWorker:
        """A worker that is ready for a lane; on a device, the lane's other workers end before it begins."""
        while mine and lane.has_device:
            self._dismiss(mine.popitem()[1])
        with self._lock:
            if self._scout is not None and self._scout[0] == capability and lane.is_first:
                worker = self._scout[1]
                self._scout = None
                return worker
        return self._begun(capability, lane)

    def _begun(self, capability: str | None, lane: Lane) -> CellWorker:
        """A new worker that is ready.

        Raises:
            Lost: it could not start, and others could.
            RecipeError: the user's ops cannot be loaded.
            TensorflowFreeError: no worker has ever started.
        """
        with self._lock:
            if self._stopped.is_set():
                raise Lost(WorkerLost(code="worker crashed", ended="the sweep was stopped"))
            worker = self._new(environment_of_worker(capability, lane))
            self._workers.add(worker)
        try:
            environment = worker.ready()
        except Lost as lost:
            self._dismiss(worker)
            if self._greeted.is_set():
                raise
            message = f"a worker process could not start: {lost}"
            raise TensorflowFreeError(message) from lost
        except BaseException:
            self._dismiss(worker)
            raise
        with self._lock:
            if not self._greeted.is_set():
                self._greet(environment)
                self._greeted.set()
        return worker

    def _new(self, environment: dict[str, str]) -> CellWorker:
        """A worker with these variables."""
        return CellWorker(self._launch, environment)

    def _let_go(self, worker: CellWorker) -> None:
        """Let a worker go for which no cell is left."""
        self._dismiss(worker)

    def _dismiss(self, worker: CellWorker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.end()


def environment_of_worker(capability: str | None, lane: Lane) -> dict[str, str]:
    """The environment of a worker: numbers must not hang on how many workers share the cores."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ, **lane.variables}
    if capability is not None:
        environment[CAPABILITY_VARIABLE] = capability
    return environment


def is_late(row: Row) -> bool:
    """Whether an error of a device showed in a cell behind the step that raised it."""
    return any(isinstance(one, StepFailed) and one.is_late for one in row.causes)


def lost_row(cell: Cell, outcome: CellOutcome, cause: AnyReason) -> Row:
    """The row of a cell that no worker gave one for."""
    try:
        mapping = compose(cell.recipe, cell.overrides).mapping
    except RecipeError:
        mapping = None
    return row_of_cell(cell, mapping, outcome).model_copy(update={"reason": words(cause), "causes": [cause]})
