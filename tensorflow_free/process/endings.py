"""The signals that end a command: ^C, SIGTERM, SIGHUP. Does not know what the command does.

The first such signal raises `Ended`, so that files are closed, and results so far are shown. A second one, a moment
later, ends the process at once; so does the first, where the process is inside a kernel that does not return.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import FrameType
from typing import Any, Final

from tensorflow_free.outcome.exit_codes import after_signal

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that end a command; one that is ignored, as `nohup` ignores SIGHUP, stays ignored."""

MOMENT_S: Final = 0.5
"""Seconds in which a second signal says nothing new: some programs send each twice."""

GRACE_S: Final = 10.0
"""Seconds that a kernel has to come back, so that Python can see the signal."""


_NO_MORE: Final = b"\0"
"""No signal has this number."""


class Ended(KeyboardInterrupt):
    """A signal asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def code_of(ended: KeyboardInterrupt) -> int:
    """The exit code, as shells have it: 128 and the signal's number; 130 for ^C."""
    return after_signal(_number_of(ended))


def words_of(ended: KeyboardInterrupt) -> str:
    """What happened, in a word or two."""
    number = _number_of(ended)
    return "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"


def _number_of(ended: KeyboardInterrupt) -> int:
    return ended.number if isinstance(ended, Ended) else signal.SIGINT


_at_last: list[Callable[[], None]] = []
"""What is done before a sudden end, the last first."""


@contextmanager
def run_at_end(act: Callable[[], None]) -> Iterator[None]:
    """Have `act` done at the end, also where the process ends at once."""
    _at_last.append(act)
    try:
        yield
    finally:
        _at_last.remove(act)
        act()


@contextmanager
def signals_raised() -> Iterator[Callable[[], Ended | None]]:
    """Within this, a signal that ends the command raises `Ended`, once; only in a main thread, others see no signals.

    Yields:
        what tells which signal has come: a library may have made another exception of it.
    """
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield lambda: None
        return
    watch = _Watch()
    watch.begin()
    try:
        yield lambda: watch.ended
    finally:
        watch.end()


def default_signals() -> None:
    """Restore the system's own handling of the signals, which ends the process at once."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class _Watch:
    """The handlers of the signals, and a thread that sees what Python's own have no chance to see."""

    def __init__(self) -> None:
        self.ended: Ended | None = None
        self._before: dict[int, Any] = {}
        self._ours, self._systems = os.pipe()
        os.set_blocking(self._systems, False)
        self._wakeup = -1
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def begin(self) -> None:
        """Heed the signals from now on."""
        self._thread.start()
        os.register_at_fork(after_in_child=self._forget)
        # the system writes a signal's number here at once, whatever Python is doing
        self._wakeup = signal.set_wakeup_fd(self._systems, warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._raise)

    def end(self) -> None:
        """Put all back as it was."""
        if self._process != os.getpid():
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._before = {}
        os.write(self._systems, _NO_MORE)
        self._thread.join()
        os.close(self._systems)
        os.close(self._ours)

    def _forget(self) -> None:
        """Have a forked process answer for itself: what comes to it is none of its parent's."""
        if self._before and threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)
            default_signals()

    def _raise(self, number: int, _: FrameType | None) -> None:
        if self.ended is None:
            self.ended = Ended(number)
            raise self.ended

    def _look(self) -> None:
        """Wait for signals, and end the process where one has no effect."""
        first, since = 0, 0.0
        while True:
            left = None if not first or self.ended else max(0.0, since + GRACE_S - monotonic())
            if not select.select([self._ours], [], [], left)[0]:
                if self.ended is None:
                    _end_at_once(first, "while something runs that does not return")
                continue
            read = os.read(self._ours, 64)
            if _NO_MORE in read:
                return
            for number in filter(self._before.__contains__, read):
                if not first:
                    first, since = number, monotonic()
                elif monotonic() - since > MOMENT_S:
                    _end_at_once(number, "a second time")


def _end_at_once(number: int, why: str) -> None:
    """End the process; its workers end with it, and files are whole."""
    for act in reversed(_at_last):
        with suppress(Exception):
            act()
    shown = f"{words_of(Ended(number))} {why}; it ends at once; what was written is complete\n"
    with suppress(OSError):
        # a bar hides the cursor
        os.write(2, (("\x1b[?25h" if os.isatty(2) else "") + shown).encode())
    os._exit(after_signal(number))
