"""Single keys, read as they are pressed."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Final, Self

from tensorflow_free.process.endings import run_at_end

END: Final = "\x04"
"""What is given where no more keys can come."""

ESCAPE: Final = b"\x1b"


def is_there() -> bool:
    """Whether a person can be asked: both ends are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


class Keyboard:
    """The keys of a terminal, which is restored at the end."""

    def __init__(self) -> None:
        self._before: Any = None
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        if os.name == "posix":
            import termios  # noqa: PLC0415 - not everywhere
            import tty  # noqa: PLC0415

            descriptor = sys.stdin.fileno()
            self._before = termios.tcgetattr(descriptor)
            # what was typed ahead counts; ^C goes on being a signal
            self._undo.enter_context(run_at_end(self._put_back))
            tty.setcbreak(descriptor, termios.TCSADRAIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def _put_back(self) -> None:
        import termios  # noqa: PLC0415

        # a terminal that is gone cannot be put back
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def key(self) -> str:
        """The next key; of one that sends several characters, such as an arrow, nothing."""
        if self._before is None:
            return (sys.stdin.readline() or END)[:1]
        descriptor = sys.stdin.fileno()
        typed = os.read(descriptor, 1)
        if typed == ESCAPE:
            self._skip_sequence(descriptor)
            return ""
        return typed.decode(errors="replace") if typed else END

    @staticmethod
    def _skip_sequence(descriptor: int) -> None:
        import select  # noqa: PLC0415

        while select.select([descriptor], [], [], 0.0)[0]:
            if not os.read(descriptor, 1) or not select.select([descriptor], [], [], 0.0)[0]:
                break
