"""The starting tensors of a saved run, read as data, for another run to begin from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from tensorflow_free.codec.arrays import open_arrays
from tensorflow_free.codec.documents import read_document
from tensorflow_free.files.opening import FileState, open_file, real, state_of
from tensorflow_free.result.entries import record_of
from tensorflow_free.result.model import RESULT, SCHEMA_VERSION, TENSORS, Entry, RunFile
from tensorflow_free.tensors.saved_starts import SavedStarts, digest_of_numbers

NO_NUMBERS = "the run holds no numbers of it"
"""Why a starting tensor is not there whose entry names no array."""


def saved_starts(run: str | Path) -> SavedStarts:
    """The starting tensors of a saved run.

    Args:
        run: its folder, or the `result.json` in it.

    Raises:
        StorageError: it is not the folder of a run, or what is in it is broken or newer than this version reads.
    """
    folder = Path(run)
    folder = folder.parent if folder.name == RESULT else folder
    return _read(folder, real(folder), tuple(_state(folder / name) for name in (RESULT, TENSORS)))


@lru_cache(maxsize=2)
def _read(folder: Path, at: Path, state: tuple[object, ...]) -> SavedStarts:
    """As `saved_starts`, once for all recipes of a cell: as long as the folder is `at` one place, in one state."""
    del at, state
    document = read_document(folder / RESULT, RunFile, SCHEMA_VERSION, "run")
    entries = [one for one in document.values if one.kind == "tensor"]
    with open_arrays(folder / TENSORS) as arrays:
        parts = {name: arrays.read(name) for name in _stored(entries) if name in arrays.names}
    unstored = {one.name: one.unstored or NO_NUMBERS for one in entries if not one.stored}
    numbers = {one.name: record_of(one, parts, folder).value for one in entries if one.name not in unstored}
    return SavedStarts(document.recipe, digest_of_numbers(parts), numbers, unstored)


def _stored(entries: Iterable[Entry]) -> list[str]:
    return [name for one in entries for name in (one.stored or {}).values()]


def _state(path: Path) -> FileState:
    """What tells whether a file is another than it was; nothing of one that is not there."""
    try:
        with open_file(path, within=path.parent) as file:
            return state_of(file)
    except OSError:
        return ()
