"""The worker process of a sweep, in which cells run, one after another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorflow_free.sweep.cells import Cell
from tensorflow_free.workers.serving import Answering, Serving, serve

if TYPE_CHECKING:
    from tensorflow_free.sweep.trial import Trial


def main(words: list[str]) -> None:
    """Run cells until there are no more; asked is, besides, the folder that keeps results."""
    serve(words, _rows)


def _rows(serving: Serving) -> Answering:
    """From a cell to its row; early is the row of one whose culprit is still looked for."""
    from tensorflow_free.sweep.trial import Trial  # noqa: PLC0415 - the lifeline must hold before torch is imported

    return rows_of(serving, Trial)


def rows_of(serving: Serving, kind: type[Trial]) -> Answering:
    """From a cell to its row, by one kind of trials."""
    folder = serving.asked["folder"]
    trial = kind(
        None if folder is None else Path(folder),
        serving.stage,
        watch=serving.watch,
        judged=lambda row: serving.early(row.model_dump_json()),
    )

    def answer(asked: dict[str, Any]) -> str:
        cell = Cell.from_plain(asked["cell"])
        row = trial.exact_row(cell) if asked["exact"] else trial.row(cell)
        return "null" if row is None else row.model_dump_json()

    return answer
