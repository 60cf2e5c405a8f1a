"""The crew of a job: its worker stays warm for the next job of the same sweep in the same process.

joblib and Ray run many jobs one after another in one process, and a worker's start, which imports torch, takes as long
as hundreds of small cells. A worker ends with its process, however that ends.
"""

from __future__ import annotations

import atexit
import threading
from typing import Final

from tensorflow_free.sweep.cell_worker import CellWorker, WorkerTerms, terms_of
from tensorflow_free.sweep.lanes import may_use_devices
from tensorflow_free.sweep.pool import Crew

_waiting: Final[dict[WorkerTerms, CellWorker]] = {}
"""Workers without a cell, by what they were begun with."""

_lock: Final = threading.Lock()


class JobCrew(Crew):
    """A crew whose workers wait for the next job, but for those that may hold a device."""

    def _new(self, environment: dict[str, str]) -> CellWorker:
        wanted = terms_of(self._launch, environment)
        with _lock:
            found = _waiting.pop(wanted, None)
        if found is not None and found.is_there:
            return found
        # those of another sweep are of no more use
        end_waiting()
        return super()._new(environment)

    def _let_go(self, worker: CellWorker) -> None:
        if self._stopped.is_set() or not worker.is_there or worker.broken or may_use_devices(self._launch):
            self._dismiss(worker)
            return
        with self._lock:
            self._workers.discard(worker)
        with _lock:
            other = _waiting.get(worker.terms)
            _waiting[worker.terms] = worker
        if other is not None:
            other.end()


def end_waiting() -> None:
    """End the workers that wait for a job."""
    with _lock:
        workers = list(_waiting.values())
        _waiting.clear()
    for worker in workers:
        worker.end()


atexit.register(end_waiting)
