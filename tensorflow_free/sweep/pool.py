"""The workers of a sweep: a thread for each, which takes the next cell when its worker is free."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from tensorflow_free.composition.compose import compose
from tensorflow_free.errors import RecipeError, TensorflowFreeError
from tensorflow_free.outcome.outcomes import CellOutcome, Outcome
from tensorflow_free.outcome.reasons import AnyReason, Problems, WorkerLost
from tensorflow_free.outcome.sentences import words
from tensorflow_free.recipe.names import AUTO
from tensorflow_free.sweep.capabilities import CAPABILITY_VARIABLE, missing_capability
from tensorflow_free.sweep.cell_worker import CellWorker, judged_row
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.launch import Launch
from tensorflow_free.sweep.rows import Row, row_of_cell
from tensorflow_free.workers.worker import Lost

MOST_WAITING: Final = 1_000
"""Rows that wait for whoever iterates over a sweep, before its workers wait too."""

PATIENCE_S: Final = 0.2
"""Seconds between two looks at whether a crew that waits has been stopped."""

ACCELERATED: Final = frozenset({"cuda", AUTO})
"""Devices of which a machine may have several, so that workers share them out."""


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
        self._cells: Iterator[Cell] = iter(())
        self._gpus: Sequence[str] = ()

    def rows(self, cells: Iterable[Cell], count: int) -> Generator[Row]:
        """Run `count` cells, and give each row when it is kept.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            StorageError: a row or a result cannot be kept.
            TensorflowFreeError: workers cannot be started.
        """
        self._cells = iter(cells)
        threads = [self._thread(0)] if count else []
        try:
            for thread in threads:
                thread.start()
            if self._shares_out():
                # how many workers there are to be depends on what the first one sees
                self._wait_for_greeting(threads)
            more = [self._thread(slot) for slot in range(1, self._size(count))]
            threads += more
            for thread in more:
                thread.start()
            yield from self._received(len(threads))
        finally:
            self.stop()
            for thread in threads:
                thread.join()

    def stop(self) -> None:
        """End every worker at once; what they were doing is lost."""
        self._stopped.set()
        with self._lock:
            for worker in self._workers:
                worker.kill()

    def _thread(self, slot: int) -> threading.Thread:
        return threading.Thread(target=self._work, args=(slot,), daemon=True)

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

    # how many

    def _shares_out(self) -> bool:
        """Whether the number of workers hangs on the GPUs of this machine."""
        kinds = {device.partition(":")[0] for device in self._launch.devices}
        return bool(kinds & ACCELERATED)

    def _wait_for_greeting(self, threads: Sequence[threading.Thread]) -> None:
        while not self._greeted.wait(PATIENCE_S):
            if not any(thread.is_alive() for thread in threads):
                return

    def _size(self, count: int) -> int:
        launch = self._launch
        everywhere = {device for device in launch.devices if device.partition(":")[0] in ACCELERATED}
        if launch.n_jobs is not None:
            wanted = launch.n_jobs
        elif self._gpus and everywhere == launch.devices:
            wanted = len(self._gpus)
        else:
            wanted = cores()
        return max(1, min(wanted, count))

    # at work, each in its thread

    def _work(self, slot: int) -> None:
        """Run cells in the workers of one slot: one for each CPU capability that cells ask for."""
        mine: dict[str | None, CellWorker] = {}
        try:
            while not self._stopped.is_set():
                cell = self._next()
                if cell is None:
                    break
                # a cell alone needs all files of ops: it is not known which of them a backend came from
                row = self._row(cell, slot, mine)
                is_at_limit = row.outcome in (Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY)
                limits = self._launch.limits.words() if is_at_limit else []
                row = row.model_copy(update={"ops": self._launch.named_ops, "limits": limits})
                row = row.strictly() if self._launch.strict else row
                with self._lock:
                    self._record(row)
                    if row.is_bad and self._launch.fail_fast:
                        self._cells = iter(())
                self._tell(row)
        except Exception as error:  # noqa: BLE001 - raised again by whoever iterates
            if not self._stopped.is_set():
                self._tell(error)
        finally:
            for worker in mine.values():
                self._dismiss(worker)
            self._tell(None)

    def _next(self) -> Cell | None:
        with self._lock:
            return next(self._cells, None)

    def _tell(self, news: Row | Exception | None) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._news.put(news, timeout=PATIENCE_S)
                return

    def _row(self, cell: Cell, slot: int, mine: dict[str | None, CellWorker]) -> Row:
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
            worker = mine.get(cell.capability)
            if worker is None:
                worker = mine[cell.capability] = self._hired(cell.capability, slot)
            return worker.run(cell, self._launch.cell_timeout_s)
        except Lost as lost:
            if self._stopped.is_set():
                raise
            gone = mine.pop(cell.capability, None)
            if gone is not None:
                self._dismiss(gone)
            return judged_row(lost) or lost_row(cell, lost.outcome, lost.cause)

    def _hired(self, capability: str | None, slot: int) -> CellWorker:
        """A worker that is ready."""
        launch = self._launch
        with self._lock:
            if self._stopped.is_set():
                raise Lost(WorkerLost(code="worker crashed", ended="the sweep was stopped"))
            worker = CellWorker(
                launch.ops, launch.folder, launch.cwd, self._environment(capability, slot), launch.limits
            )
            self._workers.add(worker)
        try:
            environment = worker.ready()
        except Lost as lost:
            self._dismiss(worker)
            if self._greeted.is_set():
                raise
            message = f"a worker process could not start: {lost}"
            raise TensorflowFreeError(message) from lost
        except RecipeError:
            self._dismiss(worker)
            raise
        with self._lock:
            if not self._greeted.is_set():
                self._gpus = _gpus(environment)
                self._greet(environment)
                self._greeted.set()
        return worker

    def _dismiss(self, worker: CellWorker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.end()

    def _environment(self, capability: str | None, slot: int) -> dict[str, str]:
        """The environment of a worker: numbers must not hang on how many workers share the cores."""
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        if capability is not None:
            environment[CAPABILITY_VARIABLE] = capability
        indexed = any(":" in device for device in self._launch.devices)
        if slot and len(self._gpus) > 1 and not indexed:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)]
        return environment


def _gpus(environment: Mapping[str, Any]) -> Sequence[str]:
    """The GPUs that a worker sees, as `CUDA_VISIBLE_DEVICES` names them."""
    count = len(environment["devices"])
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return named[:count] if len(named) >= count else [str(index) for index in range(count)]


def lost_row(cell: Cell, outcome: CellOutcome, cause: AnyReason) -> Row:
    """The row of a cell that no worker gave one for."""
    try:
        mapping = compose(cell.recipe, cell.overrides).mapping
    except RecipeError:
        mapping = None
    return row_of_cell(cell, mapping, outcome).model_copy(update={"reason": words(cause), "causes": [cause]})
