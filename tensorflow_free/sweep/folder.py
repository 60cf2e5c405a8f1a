"""A sweep's folder: `sweep.json`, `cells.jsonl` with a line for each cell, `sweep.csv`, archives and folders of cells.

A row is appended with one write, so that a sweep that is killed leaves complete lines and at most one that is not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Final

from tensorflow_free.codec.documents import read_document
from tensorflow_free.errors import Place, Problem, RecipeError, StorageError
from tensorflow_free.files.archived_cells import cells_in
from tensorflow_free.files.cell_archives import CellArchive
from tensorflow_free.files.new_folders import filled
from tensorflow_free.files.opening import open_file, real, refuse_special
from tensorflow_free.files.whole_files import sweep_up, write_new, write_whole
from tensorflow_free.sweep.document import SWEEP_VERSION, SweepDocument
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.text.characters import printable_json

SWEEP, CELLS, TABLE = "sweep.json", "cells.jsonl", "sweep.csv"
"""The files of a sweep's folder."""

JOB_CELLS: Final = "cells.*.jsonl"
"""Where the jobs of another launcher put their rows, until they are merged."""


class SweepFolder:
    """The folder of one sweep."""

    def __init__(self, path: Path, cells: str = CELLS) -> None:
        self.path = path
        self.bad_lines = 0
        """Lines of rows that could not be read, when rows were last read."""
        self._cells = path / cells
        self._descriptor: int | None = None

    # sweep.json

    def create(self, document: SweepDocument) -> None:
        """Make the folder; of two sweeps that use the same one at once, the second is refused.

        Raises:
            RecipeError: it holds something already.
            StorageError: it cannot be written.
        """
        problem = filled(self.path)
        try:
            if problem is None:
                self.path.mkdir(parents=True, exist_ok=True)
                write_new(self.path / SWEEP, _text(document))
        except FileExistsError:
            problem = filled(self.path) or f"'{self.path}' cannot be made"
        except OSError as error:
            raise self._unwritable(error) from error
        if problem is not None:
            raise RecipeError([Problem(Place(file="hydra.sweep.dir"), problem)])

    def write(self, document: SweepDocument) -> None:
        """Write `sweep.json`, whole.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            write_whole(self.path / SWEEP, _text(document))
        except OSError as error:
            raise self._unwritable(error) from error

    def document(self) -> SweepDocument:
        """What `sweep.json` says.

        Raises:
            StorageError: this is no sweep's folder, or of a newer tensorflow_free.
        """
        return read_document(self.path / SWEEP, SweepDocument, SWEEP_VERSION, "sweep")

    # cells

    def clear(self, name: str) -> None:
        """Take away what an earlier try left of a cell; a link is taken away itself, and not what it leads to.

        Raises:
            StorageError: the cell's folder lies elsewhere, by a link above it.
        """
        place = self.path / name
        if not real(place.parent).is_relative_to(real(self.path)):
            raise StorageError(f"{place}: is not inside the sweep's folder, as a link leads out of it; remove the link")
        if place.parent != self.path:
            # where all cells lie in one folder, this was done when the sweep was opened
            sweep_up(place.parent)
        with suppress(OSError):
            if place.is_symlink():
                place.unlink()
            else:
                shutil.rmtree(place)

    def forget(self, names: Collection[str]) -> None:
        """Take away what an earlier try has put into archives of cells that are to run now.

        Args:
            names: the names of their folders.

        Raises:
            StorageError: it cannot be written.
        """
        gone = CellArchive(self.path)
        try:
            for name in cells_in(self.path).keys() & {PurePosixPath(name).as_posix() for name in names}:
                gone.append(name, {})
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            gone.close()

    # rows

    def rows(self) -> Iterator[Row]:
        """Every good row, in the order in which they came; of two of one cell the first.

        Raises:
            StorageError: a file of rows cannot be read.
        """
        return self._read([self.path / CELLS, *self._jobs()])

    def rows_of_job(self) -> Iterator[Row]:
        """As `rows`, but for those that other jobs have put into files of their own, whose cells are others.

        Raises:
            StorageError: a file of rows cannot be read.
        """
        return self._read(list(dict.fromkeys([self.path / CELLS, self._cells])))

    def _jobs(self) -> list[Path]:
        return sorted(self.path.glob(JOB_CELLS))

    def _read(self, paths: Sequence[Path]) -> Iterator[Row]:
        self.bad_lines = 0
        seen: set[int] = set()
        for line in chain.from_iterable(map(_lines, paths)):
            try:
                row = row_of(line)
            except ValueError:
                self.bad_lines += 1
                continue
            if row.number not in seen:
                seen.add(row.number)
                yield row

    def open(self) -> None:
        """Make ready to append rows, behind those that are there.

        Raises:
            StorageError: it cannot be written, or another process is appending.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            sweep_up(self.path)
            # neither a link that leads elsewhere nor a pipe
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            self._descriptor = os.open(self._cells, flags, 0o644)
            refuse_special(self._descriptor, self._cells)
            _lock(self._descriptor)
            end = os.lseek(self._descriptor, 0, os.SEEK_END)
            if end and os.pread(self._descriptor, 1, end - 1) != b"\n":
                # what was cut off must not spoil the next row
                os.write(self._descriptor, b"\n")
        except BlockingIOError as error:
            self.close()
            message = f"{self.path}: another process is at work on this sweep; wait for it, or end it"
            raise StorageError(message) from error
        except OSError as error:
            self.close()
            raise self._unwritable(error) from error

    def append(self, row: Row) -> None:
        """Keep a row.

        Raises:
            StorageError: it cannot be written; what was kept before stays.
        """
        if self._descriptor is None:
            self.open()
        descriptor = self._descriptor
        assert descriptor is not None  # noqa: S101 - `open` has set it
        line = row.line().encode()
        before = os.fstat(descriptor).st_size
        try:
            while line:
                # a disk that is full takes a part, and refuses the next
                line = line[os.write(descriptor, line) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(descriptor, before)
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Let go of the file of rows."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def merge(self) -> None:
        """Put the rows of jobs behind those of `cells.jsonl`, and take the jobs' files away.

        Raises:
            StorageError: they cannot be read or written.
        """
        jobs = self._jobs()
        there = {row.number for row in self._read([self._cells])}
        for row in self._read(jobs):
            if row.number not in there:
                self.append(row)
        try:
            for path in jobs:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StorageError:
        place = error.filename or self.path
        return StorageError(f"{place}: the sweep cannot be written: {error.strerror or error}")


def _text(document: SweepDocument) -> bytes:
    return (printable_json(document.model_dump_json(indent=1)) + "\n").encode()


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that hold something; none where there is no file.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with open_file(path, within=path.parent) as file:
            yield from (line for line in file if line.strip())
    except FileNotFoundError:
        return
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise StorageError(message) from error


def _lock(descriptor: int) -> None:
    """Refuse a second process that would append: two would run each cell twice."""
    if os.name == "posix":
        import fcntl  # noqa: PLC0415 - not everywhere

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
