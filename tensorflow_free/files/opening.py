"""Files opened for reading: regular files only, none that would block, and none that is too large.

A pipe, a device or a socket in place of a file is refused after it was opened, so that nobody can swap it in between.

A path that leads into the folder of a sweep's cell is good also where the cell lies in an archive: here, and nowhere
else, it is looked for there.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, FileIO
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from tensorflow_free.files.archived_cells import OWNER, cell_at, files_of

MAX_FILE_VARIABLE: Final = "TENSORFLOW_FREE_MAX_FILE_GIB"
"""The variable of the environment that holds what `--max-file` says, for workers too."""

USUAL_GIB: Final = 4.0
"""What one file that a recipe names may hold, unpacked, where nothing else is said."""

PIECE: Final = 2**20
"""Bytes that are read at once."""

_KINDS: Final = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


FileState = tuple[int, ...]
"""Numbers of the system's that are others when a file has been written, or is another file."""


class FileRead(NamedTuple):
    """A file that a recipe read: its path as the recipe has it, its path, and its state; none where nobody asked."""

    written: str
    path: str
    state: FileState | None = None


class UnfitFileError(OSError):
    """What is no plain file, lies elsewhere, or is too large; `strerror` says which."""

    def __init__(self, words: str, path: Path, mode: int = stat.S_IFREG) -> None:
        super().__init__(None, words, str(path))
        self.strerror: str = words
        self.is_folder = stat.S_ISDIR(mode)
        self.is_file = stat.S_ISREG(mode)

    def __str__(self) -> str:
        return self.strerror


def largest() -> int:
    """Bytes that one file which a recipe names may hold, unpacked."""
    try:
        return int(float(os.environ[MAX_FILE_VARIABLE]) * 2**30)
    except (KeyError, ValueError, OverflowError):
        return int(USUAL_GIB * 2**30)


def size_problem(size: int) -> str | None:
    """Why so many bytes are too many, with what allows more, or None."""
    limit = largest()
    if size <= limit:
        return None
    more = -(-size // 2**30)
    return (
        f"it holds {size_words(size)} unpacked, and at most {size_words(limit)} are read; --max-file {more} allows it"
    )


def size_words(size: int) -> str:
    """A size in words: `12 bytes`, `65.0 MiB`, `4.0 GiB`."""
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 2**power:
            return f"{size / 2**power:,.1f} {unit}"
    return f"{size:,} bytes"


def open_file(path: Path, within: Path | None = None) -> BufferedReader:
    """A plain file, open for reading.

    Args:
        path: its path; the last link of it is followed.
        within: the folder that it must lie in, links followed; None for anywhere.

    Raises:
        OSError: it cannot be opened; `UnfitFileError` where it is no plain file, or lies elsewhere.
    """
    found = path if within is None else _inside(path, within)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    if within is not None:
        # its links are followed already, and nobody puts another in its place
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(found, flags)
    except (FileNotFoundError, NotADirectoryError):
        if (archived := _archived_file(found)) is not None:
            return archived
        raise
    except OSError as error:
        _refuse_kind(path, _mode(path), error)
        raise
    try:
        _refuse_kind(path, os.fstat(descriptor).st_mode, None)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_file(path: Path, within: Path | None = None, most: int | None = None) -> bytes:
    """All that a plain file holds.

    Args:
        path: its path.
        within: as of `open_file`.
        most: bytes that it may hold; None for what a file that a recipe names may.

    Raises:
        OSError: it cannot be read; `UnfitFileError` where it is no plain file, lies elsewhere, or holds more.
    """
    with open_file(path, within) as file, unchanged(file):
        limit = largest() if most is None else most
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise UnfitFileError(size_problem(size) or f"{size} bytes; at most {limit} are read", path)
        # piece by piece: the kernel's own files tell no size, and `read(limit)` would take that much memory beforehand
        pieces = iter(partial(file.read, PIECE), b"")
        return b"".join(islice(pieces, limit // PIECE + 1))[:limit]


@contextmanager
def unchanged(file: BufferedReader) -> Iterator[None]:
    """See that a file that is read within this is not written meanwhile: half of it would be old.

    Raises:
        UnfitFileError: it was written.
    """
    before = state_of(file)
    try:
        yield
    finally:
        if state_of(file) != before:
            words = "it changed while it was read; try again when it is complete"
            raise UnfitFileError(words, Path(os.fsdecode(file.name)) if isinstance(file.name, str | bytes) else Path())


def state_of(file: BufferedReader) -> FileState:
    """The state of an open file."""
    if isinstance(file, _ArchivedFile):
        return file.state
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def is_there(path: Path) -> bool:
    """Whether there is a file or folder, or an archived cell or a file of one."""
    if path.exists():
        return True
    try:
        found = cell_at(real(path))
        return found is not None and (found[1] == "." or found[1] in files_of(found[0]))
    except OSError:
        # whoever reads it is told why that cannot be
        return True


def is_folder(path: Path) -> bool:
    """Whether there is a folder, or an archived cell."""
    if path.is_dir():
        return True
    try:
        found = cell_at(real(path))
    except OSError:
        return False
    return found is not None and found[1] == "."


class _ArchivedFile(BufferedReader):
    """A file of an archived cell, in memory that has a number as open files have it."""

    state: FileState = ()


def _archived_file(path: Path) -> BufferedReader | None:
    """The file that a path into an archived cell leads to; None where there is none.

    Raises:
        OSError: it cannot be read; `UnfitFileError` where the path leads to the cell itself.
    """
    found = cell_at(real(path))
    if found is None:
        return None
    cell, name = found
    if name == ".":
        raise UnfitFileError("it is a folder, not a regular file", path, stat.S_IFDIR)
    content = files_of(cell).get(name)
    if content is None:
        return None
    file = _ArchivedFile(FileIO(_descriptor_of(content), "r"))
    file.state = (*cell.state, cell.offset)
    return file


def _descriptor_of(content: bytes) -> int:
    """The number of an open file that holds this, and has no name; in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("cell")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    with os.fdopen(descriptor, "wb", closefd=False) as writing:
        writing.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@contextmanager
def path_of(file: BufferedReader) -> Iterator[str]:
    """A path by which a library that opens files itself opens just this one."""
    by_number = f"/dev/fd/{file.fileno()}"
    yield by_number if os.path.exists(by_number) else str(file.name)  # noqa: PTH110 - a descriptor, and no path


def is_of_runs(folder: Path) -> bool:
    """Whether a run or a sweep wrote a folder: the recipes that it stored there are copies."""
    of_a_run = all((folder / name).is_file() for name in ("result.json", "recipe.yaml"))
    return of_a_run or (folder / OWNER).is_file()


def refuse_special(descriptor: int, path: Path) -> None:
    """See that what is open is a plain file.

    Raises:
        UnfitFileError: it is not.
    """
    _refuse_kind(path, os.fstat(descriptor).st_mode, None)


def real(path: Path) -> Path:
    """The path without links; one that leads to itself stays, and cannot be opened (`Path.resolve` raises at it)."""
    return Path(os.path.realpath(path))


def _inside(path: Path, within: Path) -> Path:
    found = real(path)
    if not found.is_relative_to(real(within)):
        raise UnfitFileError("it is a link that leads out of its folder", path)
    return found


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _refuse_kind(path: Path, mode: int, cause: OSError | None) -> None:
    for is_so, words in _KINDS:
        if is_so(mode):
            raise UnfitFileError(f"{words}, not a regular file", path, mode) from cause
