"""Cells of sweeps written as folders: out of the archives in which they lie, or copied. Does not import torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tensorflow_free.errors import StorageError, reason_of
from tensorflow_free.files.archived_cells import broken_in, cell_at, cells_in, files_of
from tensorflow_free.files.opening import open_file, real
from tensorflow_free.files.whole_files import filling, is_part
from tensorflow_free.result.model import RESULT
from tensorflow_free.sweep.folder import SWEEP


class ExportedCell(NamedTuple):
    """A cell that is to be written.

    Attributes:
        cell: the path of its folder, where it may lie in an archive.
        to: the folder to write.
    """

    cell: Path
    to: Path

    def write(self) -> None:
        """Write its folder, whole or not at all.

        Raises:
            StorageError: it cannot be read or written.
        """
        try:
            found = cell_at(real(self.cell))
            with filling(self.to, RESULT, tidy=False) as part:
                if found is None:
                    _copy(self.cell, part)
                for name, content in {} if found is None else files_of(found[0]).items():
                    (part / name).parent.mkdir(parents=True, exist_ok=True)
                    (part / name).write_bytes(content)
        except OSError as error:
            raise StorageError(f"{self.cell}: cannot be exported to {self.to}: {reason_of(error)}") from error


def _copy(folder: Path, to: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            place = to / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            with open_file(path, within=folder) as source, place.open("wb") as copy:
                shutil.copyfileobj(source, copy)


def exported_cells(path: Path, into: Path | None) -> list[ExportedCell]:
    """The cells that a path names: one, or all of a sweep.

    Args:
        path: a cell's folder, or a sweep's.
        into: the folder in which they are to lie by their names; None for their places in the sweep.

    Raises:
        StorageError: it names none, cannot be read, or has its folder already.
    """
    try:
        return _of_sweep(path, into) if (path / SWEEP).is_file() else [_alone(path, into)]
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error


def _of_sweep(path: Path, into: Path | None) -> list[ExportedCell]:
    names = dict.fromkeys(cells_in(path))
    if into is None:
        # what has a folder in its place needs none
        return [ExportedCell(path / name, path / name) for name in names if not (path / name).exists()]
    own = (one.parent.relative_to(path) for one in sorted(path.rglob(RESULT)))
    names |= dict.fromkeys(one.as_posix() for one in own if not any(map(is_part, one.parts)))
    return [ExportedCell(path / name, into / name) for name in names]


def _alone(path: Path, into: Path | None) -> ExportedCell:
    found = cell_at(real(path))
    if found is not None and found[1] == ".":
        return ExportedCell(path, path if into is None else into / found[0].header.cell)
    if not (path / RESULT).is_file():
        raise StorageError(f"{path}: is not a cell; give a cell's folder, such as multirun/…/3, or that of a sweep")
    if into is None:
        raise StorageError(f"{path}: is a folder already; name another place with --output")
    return ExportedCell(path, into / path.name)


def hidden_cells(path: Path) -> Iterator[str]:
    """Why cells of a sweep cannot be found, for each archive that hides some."""
    yield from (f"{path}: {error}; the cells behind it are not exported" for error in broken_in(path))
