"""The lock of a golden: its writer holds it, and a reader that finds half of a new golden waits for it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from tensorflow_free.errors import StorageError, UnwritableError

PATIENCE_S: Final = 120.0
"""Seconds to wait for another worker that writes the same golden."""

GLANCE_S: Final = 0.005
"""Seconds between two looks at whether it is done."""

LOCK_DIGITS: Final = 2
"""Hexadecimal digits of a lock's name: 256 files in all, each for any number of goldens."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a golden, so that workers which record its cases at once do not lose each other's.

    The lock's file lies in the system's folder for such, not among the recipes.

    Raises:
        StorageError: the lock cannot be had.
    """
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:LOCK_DIGITS]
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"tensorflow_free-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock", timeout=PATIENCE_S, poll_interval=GLANCE_S)
        lock.acquire()
    except Timeout as error:
        raise StorageError(f"{path}: another recording has held its lock for {PATIENCE_S:g} s; end that one") from error
    except OSError as error:
        raise UnwritableError(f"{folder}: the golden's lock cannot be taken: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
