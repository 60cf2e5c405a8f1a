"""One cell more of a large sweep against one more of a small one, in time and in memory."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, Final
from unittest import mock

from benchmarks.figures import Effort, Figure, figure
from benchmarks.memory import now_and_reset, printed, status
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.preparation import sweep_recipe
from tensorflow_free.sweep.rows import Row, row_of

MANY: Final = 100_000
FEW: Final = 100

BEHIND: Final = 1000
"""What a cell costs behind the first `FEW` is that of so many of them."""

REPEATS: Final = 10
"""Times that so short a sweep is run in a pair."""

PAIRS: Final = 3
MEMORY_PAIRS: Final = 1

RECIPE: Final = "recipe.yaml"

ROW: Final = "row.json"
"""The file that holds what a worker said of one cell."""


def in_time(effort: Effort) -> Figure:
    """What a cell more costs between half of a hundred thousand and all of them, against one behind the first hundred.

    The worker is replaced by one that answers at once: all else is timed, from the sweep's values to its files.
    """
    many, few, behind = effort.size_of(MANY, 100), effort.size_of(FEW, 10), effort.size_of(BEHIND, 10)
    values = []
    with _prepared() as folder, _idle_workers(folder):
        _seconds(folder, few)
        for _ in range(effort.pairs_of(PAIRS)):
            small = median(_slope(folder, few, few + behind) for _ in range(effort.size_of(REPEATS)))
            values.append(_slope(folder, many // 2, many) / small)
    return figure(values, "ratio")


def in_memory(effort: Effort) -> Figure:
    """The peak memory that a cell more adds in the second half of such a sweep, against one of the first half.

    Each peak is that of a process of its own.
    """
    # fewer would not be seen among the pages that a process takes anyway
    many = effort.size_of(MANY, 10_000)
    values = []
    with _prepared() as folder:
        for _ in range(effort.pairs_of(MEMORY_PAIRS)):
            few, half, whole = (
                int(printed("benchmarks.growth", str(folder), str(cells))) for cells in (FEW, many // 2, many)
            )
            values.append((whole - half) / (many - many // 2) / ((half - few) / (many // 2 - FEW)))
    return figure(values, "ratio")


# a worker that answers at once


class _Idle:
    """Stands for a worker process, and says of every cell what a worker said of one."""

    line = ""
    broken = False

    def __init__(self, *_: object) -> None:
        pass

    def ready(self) -> dict[str, Any]:
        return {"torch": "", "devices": []}

    def run(self, cell: Cell, _: float) -> Row:
        own = {
            "number": cell.number,
            "overrides": list(texts_of(cell.overrides)),
            "axes": dict(cell.axes),
            "folder": cell.folder,
        }
        return row_of(self.line).model_copy(update=own)

    def kill(self) -> None:
        pass

    def end(self) -> None:
        pass


@contextmanager
def _prepared() -> Iterator[Path]:
    """A folder with a recipe, and what a worker says of one of its cells."""
    # the processes whose memory is measured are without torch
    from benchmarks.sweeps import chain_recipe, folder_with  # noqa: PLC0415
    from tensorflow_free.sweep.trial import Trial  # noqa: PLC0415

    with folder_with(chain_recipe()) as folder:
        row = Trial(None).row(Cell(0, str(folder / RECIPE), (parse_override("seed=1"),)))
        (folder / ROW).write_text(row.line(), encoding="utf-8")
        yield folder


@contextmanager
def _idle_workers(folder: Path) -> Iterator[None]:
    """Workers that are no processes, all on one processor: to wake up another takes as long as it happens to take."""
    line = (folder / ROW).read_text(encoding="utf-8")
    processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    # each row is taken in before the next one comes, as with workers that have something to do
    waiting = mock.patch.object(pool, "MOST_WAITING", 1)
    with mock.patch.object(pool, "CellWorker", _Idle), mock.patch.object(_Idle, "line", line), waiting:
        if processors:
            os.sched_setaffinity(0, {max(processors)})
        try:
            yield
        finally:
            if processors:
                os.sched_setaffinity(0, processors)


# sweeps


def _slope(folder: Path, fewer: int, more: int) -> float:
    """Seconds that each cell above the fewer takes."""
    return (_seconds(folder, more) - _seconds(folder, fewer)) / (more - fewer)


def _seconds(folder: Path, cells: int) -> float:
    """Seconds that a whole sweep takes, from its values to its files."""
    shutil.rmtree(folder / "swept", ignore_errors=True)
    start = process_time()
    _sweep(folder, cells)
    return process_time() - start


def _sweep(folder: Path, cells: int) -> None:
    sweep = sweep_recipe(folder / RECIPE, [f"seed=range(0,{cells})"], folder=folder / "swept", n_jobs=1, keep=False)
    for _ in sweep:
        pass
    if not sweep.is_well:
        message = f"the sweep is not well: {sweep.table()}"
        raise AssertionError(message)


def _peak(folder: Path, cells: int) -> int:
    """Bytes that a whole sweep takes at most, above what the process had when it began."""
    with _idle_workers(folder):
        # what the first sweep loads is not counted
        _seconds(folder, FEW)
        shutil.rmtree(folder / "swept")
        before = now_and_reset()
        _sweep(folder, cells)
    return status("VmHWM") - before


if __name__ == "__main__":
    print(_peak(Path(sys.argv[1]), int(sys.argv[2])))
