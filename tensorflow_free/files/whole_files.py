"""Files that appear whole or not at all, however the process that writes them ends.

A file or folder is first written beside its place, as `.tensorflow_free-<16 digits>.part`, and moved to
its place when it is complete. The writer holds the lock of that part: a part without a lock was left by a process that
was killed, and the next writer there removes it. Where a file system has no locks, it stays.

A process that is killed loses nothing that it gave to the system. A power cut takes what was not `lasting`, which waits
for the disk: some 10 ms a file.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PART: Final = re.compile(r"\.tensorflow_free-[0-9a-f]{16}\.part")
"""The names of what is being written."""

_TAKEN: Final = (errno.ENOTEMPTY, errno.EEXIST)
"""What a folder that holds something already says to one that would take its place."""


def is_part(name: str) -> bool:
    """Whether a file of this name is what is being written, or was left by a process that was killed."""
    return PART.fullmatch(name) is not None


# single files


@contextmanager
def replacing(path: Path, *, lasting: bool = False) -> Iterator[Path]:
    """Where to write a file that takes the place of `path` when it is whole.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    with _part_in(path.parent, path, _touch) as part:
        yield part
        if lasting:
            _sync(part)
        part.replace(path)
    if lasting:
        _sync(path.parent)


def write_whole(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Write a file, which takes the place of what was there.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    with replacing(path, lasting=lasting) as written:
        written.write_bytes(content)


def write_new(path: Path, content: bytes) -> None:
    """Write a file where there is none; of two processes that do so at once, one is refused.

    Raises:
        FileExistsError: it is there.
        OSError: it cannot be written.
    """
    with _part_in(path.parent, path, _touch) as part:
        part.write_bytes(content)
        try:
            path.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:
            # a file system without hard links
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            part.replace(path)


# folders


@contextmanager
def filling(folder: Path, last: str, *, lasting: bool = False, tidy: bool = True) -> Iterator[Path]:
    """A folder whose files are put into `folder` when all of them are whole.

    A folder that is not there appears with all its files at once. In one that is there, the file `last` is taken away
    first and comes last, so that what it tells of is there as long as it is.

    Args:
        folder: where the files are to be.
        last: the name of the file that makes the others count.
        lasting: whether they are on the disk when this ends.
        tidy: whether what killed processes left beside them is taken away. Who fills many folders does it once, by
            `sweep_up`.

    Raises:
        OSError: they cannot be written; what was there stays.
    """
    is_new = not folder.exists()
    home = folder.parent if is_new else folder
    home.mkdir(parents=True, exist_ok=True)
    with _part_in(home, folder, Path.mkdir, tidy=tidy) as part:
        yield part
        files = [path for path in sorted(part.rglob("*")) if path.is_file()]
        for path in files:
            # safetensors lets nobody else read what it writes
            path.chmod(0o644)
        if lasting:
            for path in (*files, *{path.parent for path in files}):
                _sync(path)
        if not (is_new and _became(part, folder)):
            _merge(part, files, folder, last)
    if lasting:
        _sync(home)


def _became(part: Path, folder: Path) -> bool:
    """Whether a folder could be named anew; not where another process has filled the place meanwhile."""
    try:
        part.rename(folder)
    except OSError as error:
        if error.errno in _TAKEN and folder.is_dir():
            return False
        raise
    return True


def _merge(part: Path, files: list[Path], folder: Path, last: str) -> None:
    """Move files to their places in a folder that is there; one process at a time, so that none mixes with another."""
    lock = _lock(folder)
    try:
        (folder / last).unlink(missing_ok=True)
        for path in sorted(files, key=lambda path: path == part / last):
            place = folder / path.relative_to(part)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    finally:
        if lock is not None:
            os.close(lock)


# what is being written, and what was left of it


def sweep_up(folder: Path) -> None:
    """Take away what processes that were killed have left in a folder, as far as that is possible."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_part(entry.name) and not entry.is_symlink():
                _take_away(Path(entry.path))


def _take_away(part: Path) -> None:
    """Remove a part, unless a process is writing it or that cannot be known."""
    with suppress(OSError):
        lock = _lock(part, wait=False)
        if lock is not None:
            _remove(part)
            os.close(lock)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def _touch(part: Path) -> None:
    part.touch(exist_ok=False)


@contextmanager
def _part_in(home: Path, place: Path, make: Callable[[Path], None], *, tidy: bool = True) -> Iterator[Path]:
    """A part in `home` that is to become `place`, and is gone at the end; errors name the place instead."""
    if tidy:
        sweep_up(home)
    part, lock = _made(home, make)
    try:
        yield part
    except OSError as error:
        named = Path(os.fsdecode(error.filename or ""))
        if named.is_relative_to(part):
            error.filename = str(place / named.relative_to(part))
        raise
    finally:
        with suppress(OSError):
            _remove(part)
        if lock is not None:
            os.close(lock)


def _made(home: Path, make: Callable[[Path], None]) -> tuple[Path, int | None]:
    """A new part, and its lock."""
    while True:
        part = home / f".tensorflow_free-{secrets.token_hex(8)}.part"
        try:
            make(part)
        except OSError as error:
            # what cannot be written is the place, and not this name in it
            error.filename = str(home)
            raise
        with suppress(FileNotFoundError):
            lock = _lock(part)
            if lock is None or part.exists():
                return part, lock
            # another process took it for one that was left, just before it was held
            os.close(lock)


def _lock(path: Path, *, wait: bool = True) -> int | None:
    """A descriptor that holds the lock of a file or folder as long as it is open; None where there are no locks.

    Raises:
        BlockingIOError: another process holds it, and nobody waits.
        OSError: it is not there.
    """
    if os.name != "posix":
        return None
    import fcntl  # noqa: PLC0415 - not everywhere

    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        # a file system that knows no locks
        return None
    return descriptor


def _sync(path: Path) -> None:
    """See that a file, or the names in a folder, are on the disk.

    Raises:
        OSError: the disk does not take them, which some disks say only now.
    """
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # some file systems cannot do this for a folder
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            error.filename = str(path)
            raise
    finally:
        os.close(descriptor)
