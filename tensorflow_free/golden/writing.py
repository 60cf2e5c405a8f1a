"""Writing goldens: one case at a time, one process at a time; the old golden stays until the new one is whole.

The two files cannot be replaced in one step. Arrays are named by their content, so that a safetensors file can hold
those of the old json and of the new one at once. So: first the arrays of both (marked as unfinished), then the json,
then the arrays of the new one alone. Wherever this is interrupted, the json has all its arrays, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError

from tensorflow_free.codec.arrays import bytes_of
from tensorflow_free.errors import StorageError, UnwritableError, reason_of
from tensorflow_free.files.opening import read_file
from tensorflow_free.files.whole_files import sweep_up, write_whole
from tensorflow_free.golden.cases import UNFINISHED, StoredCase, arrays_of, encoded, is_as_named
from tensorflow_free.golden.json_text import text_of
from tensorflow_free.golden.lock import locked
from tensorflow_free.golden.model import FORMAT_VERSION, GoldenCase, GoldenFile
from tensorflow_free.golden.places import (
    GoldenPaths,
    NewerGoldenError,
    arrays_beside,
    golden_paths,
    read_golden_file,
    recipe_taken_for,
)


def write_golden(recipe_path: str | Path, name: str, case: StoredCase, device: str | None = None) -> Path | None:
    """Put a case into a recipe's golden; its other cases stay.

    What cannot be read of the old golden is left out of the new one, and is missing then.

    Args:
        recipe_path: the recipe file.
        name: the case's name; '' for the bare file.
        case: what the case gave.
        device: the type of device that the golden is for; None for the default golden.

    Returns:
        The golden's json; None where it says just this already, and no byte was written.

    Raises:
        StorageError: the golden cannot be written, or the one there is of a newer format.
    """
    paths = golden_paths(recipe_path, device)
    other = recipe_taken_for(recipe_path, device)
    if other is not None:
        message = f"this would be the golden of '{other.name}' too; rename one of the two recipes"
        raise StorageError(f"{paths.json}: {message}")
    entry, arrays = encoded(case)
    with locked(paths.json):
        writing = _Writing(paths, recipe_path, device)
        return writing.put({**writing.cases(arrays), name: entry}, arrays)


def remove_case(recipe_path: str | Path, name: str, device: str | None = None) -> Path | None:
    """Take a case out of a recipe's golden; without its last case the golden goes too.

    Returns:
        The golden's json; None where it has no such case.

    Raises:
        StorageError: the golden cannot be read or written.
    """
    paths = golden_paths(recipe_path, device)
    with locked(paths.json):
        if not paths.json.exists():
            return None
        cases = read_golden_file(paths.json, recipe_path).cases
        if name not in cases:
            return None
        return _Writing(paths, recipe_path, device).put({key: cases[key] for key in cases if key != name}, {})


def finish_golden(golden: Path, recipe_path: str | Path) -> None:
    """Take away what a recording that was killed has left beside a golden: arrays that it does not name, and parts.

    Raises:
        StorageError: the golden's arrays cannot be read or written.
    """
    paths = GoldenPaths(golden, arrays_beside(golden))
    sweep_up(golden.parent)
    with arrays_of(paths.arrays) as arrays:
        if arrays.metadata != UNFINISHED:
            return
    with locked(golden):
        _Writing(paths, recipe_path, None).finish()


class _Writing:
    """A golden that is being written; the lock is held."""

    def __init__(self, paths: GoldenPaths, recipe_path: str | Path, device: str | None) -> None:
        self._paths = paths
        self._recipe_path = Path(recipe_path)
        self._device = device
        self._old = self._old_golden()
        self._stored, self._tidy = self._old_arrays()

    def _old_golden(self) -> GoldenFile | None:
        if not self._paths.json.exists():
            return None
        try:
            return read_golden_file(self._paths.json, self._recipe_path)
        except NewerGoldenError:
            raise
        except StorageError as error:
            # what is broken is written over; what merely cannot be read may be whole
            if isinstance(error.__cause__, OSError):
                raise
            return None

    def _old_arrays(self) -> tuple[dict[str, torch.Tensor], bool]:
        """The arrays that are as they were recorded, and whether the file holds these and nothing else."""
        wanted = self._old.stored_names() if self._old is not None else set()
        try:
            with arrays_of(self._paths.arrays) as arrays:
                read = {name: arrays.read(name) for name in sorted(wanted & arrays.names)}
                good = {name: array for name, array in read.items() if is_as_named(name, array)}
                return good, arrays.names == good.keys() and arrays.metadata != UNFINISHED
        except StorageError:
            return {}, False

    def cases(self, arrays: Mapping[str, torch.Tensor]) -> dict[str, GoldenCase]:
        """The cases of the old golden whose arrays are all there."""
        there = self._stored.keys() | arrays.keys()
        cases = self._old.cases if self._old is not None else {}
        return {name: case for name, case in cases.items() if there >= set(case.stored_names())}

    def put(self, cases: Mapping[str, GoldenCase], arrays: Mapping[str, torch.Tensor]) -> Path | None:
        """Write a golden of these cases, sorted: workers that each write one give the same bytes in any order."""
        sweep_up(self._paths.json.parent)
        golden = GoldenFile(
            format_version=1 if all(case.nudged_runs is None for case in cases.values()) else FORMAT_VERSION,
            recipe=self._recipe_path.stem,
            device=None if self._device is None else self._device.partition(":")[0],
            cases={name: cases[name] for name in sorted(cases)},
        )
        both = {**self._stored, **arrays}
        wanted = {name: both[name] for name in sorted(golden.stored_names())}
        text = text_of(golden).encode() if cases else None
        same_arrays = self._tidy and wanted.keys() == self._stored.keys()
        if same_arrays and text == self._old_text():
            return None
        try:
            self._replace(text, None if same_arrays else wanted, both)
        except OSError as error:
            if self._old is None:
                # no json names them
                with suppress(OSError):
                    self._paths.arrays.unlink(missing_ok=True)
            raise _unwritable(self._paths.json, error) from error
        except (SafetensorError, RuntimeError) as error:
            raise StorageError(f"{self._paths.arrays}: the golden cannot be written: {error}") from error
        return self._paths.json

    def finish(self) -> None:
        """Leave the arrays of the golden as it is, and no others."""
        wanted = sorted(self._old.stored_names()) if self._old is not None else []
        if self._stored.keys() >= set(wanted):
            try:
                self._save_arrays({name: self._stored[name] for name in wanted})
            except OSError as error:
                raise _unwritable(self._paths.arrays, error) from error

    def _old_text(self) -> bytes | None:
        return read_file(self._paths.json) if self._old is not None else None

    def _replace(
        self, text: bytes | None, wanted: Mapping[str, torch.Tensor] | None, both: Mapping[str, torch.Tensor]
    ) -> None:
        """Replace the files; `wanted` is None where the arrays stay as they are."""
        if wanted is not None and self._old is not None:
            self._save_arrays(both, unfinished=True)
        elif wanted is not None:
            self._save_arrays(wanted)
        if text is None:
            self._paths.json.unlink()
        else:
            write_whole(self._paths.json, text, lasting=True)
        if wanted is not None and self._old is not None:
            self._save_arrays(wanted)

    def _save_arrays(self, arrays: Mapping[str, torch.Tensor], *, unfinished: bool = False) -> None:
        if arrays:
            write_whole(self._paths.arrays, bytes_of(arrays, UNFINISHED if unfinished else None), lasting=True)
        else:
            self._paths.arrays.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> UnwritableError:
    return UnwritableError(f"{path}: the golden cannot be written: {reason_of(error)}")
