"""The folder of a run as a page, which is that of its result. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tensorflow_free.report.run_page import run_page
from tensorflow_free.report.stored_summary import array_words, type_and_words
from tensorflow_free.report.told_run import ToldValue
from tensorflow_free.result.model import Entry
from tensorflow_free.result.stored_run import StoredRun
from tensorflow_free.text.page import Grid, Line
from tensorflow_free.text.phrases import shown


def stored_page(run: StoredRun, file: str | None = None) -> Iterator[Line | Grid]:
    """The whole report, and the file that holds the result.

    Raises:
        NotPlainError: torch is needed for it.
    """
    return run_page(run, stored_values(run), file)


def stored_values(run: StoredRun) -> dict[str, ToldValue]:
    """What is told of each value of a run's folder, by name; the words of each are found when they are asked for.

    Raises:
        NotPlainError: torch is needed for one.
    """
    return {name: _told(entry, run) for name, entry in run.entries.items()}


def _told(entry: Entry, run: StoredRun) -> ToldValue:
    about = entry.name, entry.kind, entry.op
    if entry.type != "tensor":
        kind, words = type_and_words(entry)
        return ToldValue(*about, kind, "", entry.grad_fn, entry.type == "none", lambda: words)
    # torch leaves negative lengths in an `out` that could not take them
    shape = str([max(length, 0) for length in entry.shape or ()])
    dtype = entry.dtype or ""
    words_of = partial(array_words, run.arrays.get(entry.name), dtype)
    if entry.unstored:
        words_of = partial(shown, f"not stored: {entry.unstored}")
    return ToldValue(*about, dtype, shape, entry.grad_fn, is_none=False, words=words_of)
