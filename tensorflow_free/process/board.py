"""What a process that may be killed is working on, in memory that its parent reads. Standard library only."""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from typing import IO, Any, Final

SLOT: Final = 4096
"""Bytes of one of the two places where a text stands: while one is written, the other is whole."""

POSTED: Final = 1 + 2 * SLOT
"""Where a longer document stands, behind its length."""

LENGTH: Final = 8


class Board:
    """A small file without a name that parent and child share.

    `say` costs no call of the system, so that it can stand in a loop of steps.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, POSTED)

    @classmethod
    def made(cls) -> Board:
        """A new one, which a child may inherit."""
        with _nameless() as file:
            file.truncate(POSTED + LENGTH)
            return cls(os.dup(file.fileno()))

    def say(self, text: bytes) -> None:
        """Put a text, made by `told`, in place of the one that stands there; a reader sees one of the two, whole."""
        other = 1 - self._memory[0]
        start = 1 + other * SLOT
        self._memory[start : start + len(text)] = text
        self._memory[0] = other

    def said(self) -> dict[str, Any] | None:
        """What was said last; None where nothing was."""
        start = 1 + self._memory[0] * SLOT
        text = self._memory[start : start + SLOT].partition(b"\n")[0].strip(b"\0")
        found: dict[str, Any] | None = json.loads(text) if text else None
        return found

    def post(self, document: dict[str, Any]) -> None:
        """Put a document of any size there, once."""
        content = json.dumps(document).encode()
        os.pwrite(self.descriptor, content, POSTED + LENGTH)
        os.pwrite(self.descriptor, len(content).to_bytes(LENGTH, "little"), POSTED)

    def posted(self) -> dict[str, Any] | None:
        """The document; None where there is none."""
        length = int.from_bytes(os.pread(self.descriptor, LENGTH, POSTED), "little")
        found: dict[str, Any] | None = (
            json.loads(os.pread(self.descriptor, length, POSTED + LENGTH)) if length else None
        )
        return found

    def close(self) -> None:
        """Let go of it."""
        self._memory.close()
        os.close(self.descriptor)


def _nameless() -> IO[bytes]:
    """A file without a name: in memory, where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("board"), "r+b")
    return tempfile.TemporaryFile()


def packed(words: dict[str, Any] | None) -> bytes:
    """Words as `Board.say` takes them; None for nothing. Of words too long, the first two are kept, cut."""
    text = json.dumps(words).encode()
    if words and len(text) >= SLOT:
        text = json.dumps({key: str(value)[: SLOT // 64] for key, value in list(words.items())[:2]}).encode()
    return text + b"\n"
