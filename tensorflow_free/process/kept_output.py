"""What a child process prints, kept in files without a name until its parent takes it. Standard library only."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from typing import IO, Final

SHARE: Final = 1 << 20
"""Bytes that are read at once."""


class KeptOutput:
    """The standard output and the standard error of a child, from one time that they are taken to the next.

    Files and no pipes: a child that prints much never waits, and once it has answered, all that it printed is there.
    """

    def __init__(self) -> None:
        self._read = ["", ""]
        with ExitStack() as made:
            self.stdout, self.stderr = (made.enter_context(_appended()) for _ in range(2))
            made.pop_all()

    def taken(self) -> tuple[str, str]:
        """What was printed since this was last asked: on standard output, and on standard error."""
        self._look()
        (out, err), self._read = self._read, ["", ""]
        return out, err

    def lines(self) -> list[str]:
        """The lines on standard error that are not taken yet."""
        self._look()
        return self._read[1].splitlines()

    def close(self) -> None:
        """Let go of the files; what stands in them can still be taken."""
        self._look()
        self.stdout.close()
        self.stderr.close()

    def _look(self) -> None:
        if not self.stderr.closed:
            self._read = [
                read + _emptied(file) for read, file in zip(self._read, (self.stdout, self.stderr), strict=True)
            ]


def _appended() -> IO[bytes]:
    """A file, all writers of which write at its end, wherever that is by then."""
    import fcntl  # noqa: PLC0415 - not everywhere

    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asks closes it
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


def _emptied(file: IO[bytes]) -> str:
    """What stands in a file, which is empty then."""
    parts, at = [], 0
    while part := os.pread(file.fileno(), SHARE, at):
        parts.append(part)
        at += len(part)
    os.ftruncate(file.fileno(), 0)
    return b"".join(parts).decode("utf-8", "replace")
