"""Cells in archives, found and read, while others are added too. Nothing that an archive says is trusted.

What is known of an archive is kept: of one that has grown only what is new is looked at, a header a cell.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from tensorflow_free.files.archive_members import HEAD_BYTES, LARGEST_MEMBER, Header, files_in, header_of
from tensorflow_free.files.cell_archives import archives_in

OWNER: Final = "sweep.json"

_BESIDE: Final = (OWNER, "cells-0001.tar.gz")
"""Files of which one lies beside archives: no other folder is looked through for them."""


class BrokenArchiveError(OSError):
    """What an archive holds is no cell as it should be; `strerror` says why."""

    def __init__(self, archive: Path, offset: int, words: str) -> None:
        super().__init__(None, f"{archive.name} is broken at byte {offset}: {words}", str(archive))
        self.strerror: str = f"{archive.name} is broken at byte {offset}: {words}"

    def __str__(self) -> str:
        return self.strerror


class ArchivedCell(NamedTuple):
    """Where a cell lies.

    Attributes:
        archive: the archive's path.
        state: numbers that are others where the file is another.
        offset: where its member begins, in bytes.
        header: what is said there.
    """

    archive: Path
    state: tuple[int, ...]
    offset: int
    header: Header


@dataclass
class _Walked:
    """What is known of an archive: the cells in it, up to which byte, and what is broken there."""

    cells: dict[str, ArchivedCell] = field(default_factory=dict)
    end: int = 0
    broken: BrokenArchiveError | None = None


def cells_in(home: Path) -> dict[str, ArchivedCell]:
    """All cells in the archives of a folder that can be found, by their names.

    Raises:
        OSError: the folder cannot be read.
    """
    found: dict[str, ArchivedCell] = {}
    for path in archives_in(home):
        found |= _walked(path).cells
    return {name: one for name, one in found.items() if not one.header.is_gone}


def broken_in(home: Path) -> list[BrokenArchiveError]:
    """What hides cells of a folder's archives: that one cannot be read, or not to its end.

    Raises:
        OSError: the folder cannot be read.
    """
    return [error for path in archives_in(home) if (error := _walked(path).broken) is not None]


def cell_at(path: Path) -> tuple[ArchivedCell, str] | None:
    """The archived cell that a path leads to or into, and the rest of the path; None where there is none.

    Args:
        path: an absolute path without links. Where there is a folder of the cell's name, it is the cell.

    Raises:
        BrokenArchiveError: it is not found, and an archive cannot be read, or not to its end.
        OSError: the folder of the archives cannot be read.
    """
    home = next((above for above in path.parents if any((above / name).is_file() for name in _BESIDE)), None)
    if home is None:
        return None
    known = [_walked(one) for one in reversed(archives_in(home))]
    parts = path.relative_to(home).parts
    for count in range(1, len(parts) + 1) if known else ():
        name = "/".join(parts[:count])
        cell = next((one.cells[name] for one in known if name in one.cells), None)
        if cell is not None:
            there = not cell.header.is_gone and not (home / name).exists()
            return (cell, "/".join(parts[count:]) or ".") if there else None
    broken = next((one.broken for one in reversed(known) if one.broken is not None), None)
    if broken is not None and len(parts) > 1 and not (home / parts[0]).exists():
        raise broken
    return None


def _walked(path: Path) -> _Walked:
    """What an archive holds, as far as it is whole; what is known of it from before is not read again."""
    try:
        with _opened(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return _Walked(broken=BrokenArchiveError(path, 0, "it is not a regular file"))
            state = found.st_dev, found.st_ino, zlib.crc32(os.pread(file.fileno(), tarfile.BLOCKSIZE, 0))
            known = _known(path, state)
            if known.broken is None:
                _walk(file.fileno(), path, found.st_size, state, known)
            return known
    except OSError as error:
        return _Walked(broken=BrokenArchiveError(path, 0, error.strerror or str(error)))


@lru_cache(maxsize=1024)
def _known(path: Path, state: tuple[int, ...]) -> _Walked:
    """What is known of the archive that is this file."""
    del path, state
    return _Walked()


def _opened(path: Path) -> io.FileIO:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return io.FileIO(os.open(path, flags), "r")


def _walk(descriptor: int, path: Path, size: int, state: tuple[int, ...], known: _Walked) -> None:
    """Add the members that lie behind what is known; the last counts only when it is whole."""
    if size < known.end:
        # it was cut off
        known.cells.clear()
        known.end = 0
    while known.end < size:
        try:
            header = _header(descriptor, known.end)
        except ValueError as error:
            known.broken = BrokenArchiveError(path, known.end, str(error))
            return
        if header is None or known.end + header.length > size:
            return
        known.cells[header.cell] = ArchivedCell(path, state, known.end, header)
        known.end += header.length


def _header(descriptor: int, offset: int) -> Header | None:
    """The header of the member that begins there; None where it is cut off.

    Raises:
        ValueError: no member begins there.
    """
    head = os.pread(descriptor, HEAD_BYTES, offset)
    found = header_of(head)
    if isinstance(found, int) and found > len(head) == HEAD_BYTES:
        found = header_of(os.pread(descriptor, found, offset))
    return None if isinstance(found, int) else found


@lru_cache(maxsize=1)
def files_of(cell: ArchivedCell) -> dict[str, bytes]:
    """What the files of a cell hold, by their paths in its folder.

    Raises:
        BrokenArchiveError: it is not as it was written, holds what no cell does, or too much.
        OSError: the archive cannot be read.
    """
    try:
        with _opened(cell.archive) as file:
            # one byte more than a cell may have is enough to refuse it
            member = os.pread(file.fileno(), min(cell.header.length, LARGEST_MEMBER + 1), cell.offset)
        return dict(files_in(member, cell.header.cell))
    except (ValueError, zlib.error, tarfile.TarError) as error:
        raise BrokenArchiveError(cell.archive, cell.offset, str(error)) from error
