"""Processes that a test starts and surely ends. Tests start none in another way; the linter holds them to it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LIMIT = 100
"""Seconds that anything here is waited for: less than a test may take."""


@contextmanager
def started(*command: object, **more: Any) -> Iterator[subprocess.Popen]:
    """A process that runs beside the test; at the end it is killed, with all that it started.

    Args:
        command: the program and its arguments.
        more: as `subprocess.Popen` takes it.
    """
    with _interruptible():
        running = subprocess.Popen([os.fspath(word) for word in command], start_new_session=True, **more)
    try:
        yield running
    finally:
        kill(running)


def kill(running: subprocess.Popen) -> None:
    """End a process that was `started`, and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait(LIMIT)
    for pipe in (running.stdin, running.stdout, running.stderr):
        if pipe is not None:
            pipe.close()


def finished(*command: object, timeout: float = LIMIT, **more: Any) -> subprocess.CompletedProcess:
    """What `subprocess.run` gives of a process that has run to its end, its output captured as text.

    Raises:
        TimeoutExpired: it took longer, and was ended.
    """
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    with started(*command, **settings) as running:
        out, err = running.communicate(timeout=timeout)
    return subprocess.CompletedProcess(command, running.returncode, out, err)


def succeeded(*command: object, **more: Any) -> subprocess.CompletedProcess:
    """The same, of a process that must exit with 0."""
    done = finished(*command, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


class Terminal:
    """A terminal of which a process is the one side, and the test the other.

    Attributes:
        process: what runs in it.
    """

    def __init__(self, process: subprocess.Popen, end: int) -> None:
        self.process = process
        self._end = end

    def read(self, until: str | None = None) -> str:
        """What it shows up to a text, or to its end; without escapes that a terminal does not show.

        Raises:
            TimeoutError: neither came.
        """
        shown, limit = b"", time.monotonic() + LIMIT
        while until is None or until not in shown.decode(errors="replace"):
            if time.monotonic() > limit:
                raise TimeoutError(f"{until!r} is not shown: {shown!r}")
            try:
                read = os.read(self._end, 65536)
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # what Linux says at the end
                break
            else:
                if not read:
                    break
                shown += read
        return shown.decode(errors="replace")

    def write(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._end, keys)


@contextmanager
def terminal(*command: object, columns: int = 100, **more: Any) -> Iterator[Terminal]:
    """A process in a terminal of its own, some columns wide and 40 lines high."""
    variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40"}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        variables.pop(name, None)
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    try:
        with started(*command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables, **more) as running:
            os.close(theirs)
            yield Terminal(running, ours)
    finally:
        os.close(ours)


def shown_on_terminal(*command: object, columns: int = 100) -> str:
    """What a process, which must exit with 0, writes to a terminal from its start to its end."""
    with terminal(*command, columns=columns) as screen:
        text = screen.read()
        assert screen.process.wait(LIMIT) == 0, text
    return text


def without_escapes(text: str) -> str:
    """What a terminal shows of a text: no colours, no moves of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def waited(found: Callable[[], Any], seconds: float = LIMIT) -> Any:
    """What `found` gives as soon as it gives something true.

    Raises:
        TimeoutError: it gave nothing in that time.
    """
    limit = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > limit:
            raise TimeoutError("what the test waits for does not come")
        time.sleep(0.01)
    return value


def is_alive(number: int) -> bool:
    """Whether there is a process of this number that has not ended."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def _interruptible() -> Iterator[None]:
    """Processes begun inside take signals, also where the tests were begun with some ignored, as `nohup` and `&` do."""
    ignored = [one for one in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_IGN]
    for one in ignored:
        signal.signal(one, lambda *_: None)  # a process begins with the default where there is a handler
    try:
        yield
    finally:
        for one in ignored:
            signal.signal(one, signal.SIG_IGN)
