"""Archives of cells, written: many small folders in one file that only grows, `cells-0001.tar.gz`.

An archive is a gzip file with one member a cell, and each member holds the tar of a cell's folder: `tar -xzf` makes the
folders anywhere. Of several members of one cell the last counts, in the order of the archives' numbers.

Each process that keeps cells begins an archive of its own, and nobody else writes to it: there are no locks, and others
may read it meanwhile. A member that is not there as a whole is no cell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Final

from tensorflow_free.files.archive_members import member_of

_NAME: Final = re.compile(r"cells-(\d{4,18})\.tar\.gz")


def archives_in(home: Path) -> list[Path]:
    """The archives in a folder, by their numbers.

    Raises:
        OSError: the folder cannot be read.
    """
    # a `Path` for each of many thousand names takes ten times as long
    found = filter(None, map(_NAME.fullmatch, os.listdir(home)))  # noqa: PTH208 - as above
    return [home / one[0] for one in sorted(found, key=lambda one: int(one[1]))]


class CellArchive:
    """The archive that one process adds cells to; it begins with the first."""

    def __init__(self, home: Path) -> None:
        """Of the cells in the folder `home`."""
        self._home = home
        self._path = home
        self._descriptor: int | None = None

    def append(self, cell: str, files: Mapping[str, bytes]) -> None:
        """Add a cell; no files take away one that is there.

        Args:
            cell: its name, the path of its folder from `home`.
            files: what its files hold, by their paths in its folder.

        Raises:
            OSError: it cannot be written; what was there stays.
        """
        member = member_of(PurePosixPath(cell).as_posix(), files)
        descriptor = self._open() if self._descriptor is None else self._descriptor
        before = os.fstat(descriptor).st_size
        try:
            left = memoryview(member)
            while left:
                # a disk that is full takes a part, and refuses the next
                left = left[os.write(descriptor, left) :]
        except OSError as error:
            # where nothing can be cut off, the rest of this archive is lost, and another begins
            self.close()
            with suppress(OSError):
                os.truncate(self._path, before)
            error.filename = str(self._path)
            raise

    def close(self) -> None:
        """Let go of the file; what is added next goes to another."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._home.mkdir(parents=True, exist_ok=True)
        there = archives_in(self._home)
        for number in count(int(there[-1].name[6:-7]) + 1 if there else 1):
            self._path = self._home / f"cells-{number:04}.tar.gz"
            with suppress(FileExistsError):
                self._descriptor = os.open(self._path, flags, 0o644)
                return self._descriptor
        raise AssertionError  # there is no last number
