"""The worker process of a check-in, in which cells of a pack run, one after another."""

from __future__ import annotations

from tensorflow_free.sweep.cell_process import rows_of
from tensorflow_free.workers.serving import Answering, Serving, serve


def main(words: list[str]) -> None:
    """Run cells until there are no more; asked is, besides, the folder that keeps results."""
    serve(words, _rows)


def _rows(serving: Serving) -> Answering:
    """From a cell to its row."""
    from tensorflow_free.packs.check_trial import CheckTrial  # noqa: PLC0415 - before torch, the lifeline must hold

    return rows_of(serving, CheckTrial)
