"""Files that may be lost at any time, in the user's cache folder: kept whole, believed only where they are as written.

What is kept is named by a key, all that it depends on. A file whose key or checksum is another is as good as none, and
so is a folder that cannot be read or written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from tensorflow_free.files.opening import read_file
from tensorflow_free.files.whole_files import replacing

MOST_BYTES: Final = 2**25
"""What one file may hold."""

MOST_KEPT: Final = 8
"""Files of one kind that are kept: of as many environments."""


def kept(kind: str, key: str) -> bytes | None:
    """What was kept under a key, or None.

    Args:
        kind: what it is, in a word.
        key: all that it depends on.
    """
    place = _place(kind, key)
    if place is None:
        return None
    try:
        head, _, content = read_file(place, within=place.parent, most=MOST_BYTES).partition(b"\n")
    except (OSError, ValueError):
        return None
    return content if head == _head(key, content) else None


def keep(kind: str, key: str, make: Callable[[], bytes]) -> None:
    """Keep what `make` gives under a key, if there is a folder that takes it; else it is not asked.

    Args:
        kind: what it is, in a word.
        key: all that it depends on.
        make: gives it.
    """
    place = _place(kind, key)
    if place is None:
        return
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(place) as written:
            content = make()
            written.write_bytes(b"\n".join((_head(key, content), content)))
        _drop_older(place, kind)


def _place(kind: str, key: str) -> Path | None:
    """The file of a key; None where there is no cache folder."""
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        # no home
        return None
    # a relative one is to be ignored, says the XDG Base Directory Specification
    return home / "tensorflow_free" / f"{kind}-{_digest(key.encode())[:16]}" if home.is_absolute() else None


def _head(key: str, content: bytes) -> bytes:
    return f"{_digest(key.encode())} {_digest(content)}".encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _drop_older(place: Path, kind: str) -> None:
    """Remove all files of this kind but the newest."""
    files = sorted(place.parent.glob(f"{kind}-*"), key=lambda file: file.lstat().st_mtime, reverse=True)
    for file in files[MOST_KEPT:]:
        file.unlink(missing_ok=True)
