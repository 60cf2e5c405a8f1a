"""A child process that may crash, hang or grow, and the connection between it and its parent. Does not import torch.

They communicate by pipes, line by line: a letter, and a text. A third pipe carries nothing: it closes with the parent.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

from tensorflow_free.errors import TensorflowFreeError
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.process.board import Board
from tensorflow_free.process.kept_output import KeptOutput
from tensorflow_free.process.limits import Limits, kills_for_memory, resident

READY, STAGE = "HS"
"""Letters that every child says: that it is ready, and what it is about to do."""

START_LIMIT_S: Final = 600.0
"""Seconds that a child may take to import torch."""

LONGEST_WAIT_S: Final = 1_000_000.0
"""More than poll takes as milliseconds would be no limit at all."""

LOOK_S: Final = 0.05
"""Seconds between two looks at a child's memory."""

LAST_LINES: Final = 12
"""Lines of a lost child's standard error that are shown."""

LONGEST_LINE: Final = 300
"""Characters of such a line."""

_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import importlib; "
    "getattr(importlib.import_module(sys.argv[2]), sys.argv[3])(sys.argv[4:])"
)
"""What Python runs: the package is found where the parent found it."""

_SIGNALS: Final = {
    "SIGSEGV": "SIGSEGV: it accessed memory that is not its own",
    "SIGBUS": "SIGBUS: it accessed memory that does not exist",
    "SIGABRT": "SIGABRT: it aborted itself",
    "SIGFPE": "SIGFPE: an integer division by zero, or the like",
    "SIGILL": "SIGILL: an instruction that this CPU does not have",
    "SIGKILL": "killed (SIGKILL), perhaps because memory ran out",
}


class Exceeded(Exception):
    """A child that went over its limit of memory. Its words say so."""


class Child:
    """A process, seen by its parent.

    Args:
        main: the function that it runs, as `module:function`; it is given the words that `Parent` reads.
        asked: what it is asked, as strict JSON.
        cwd: where it runs.
        environment: its variables.
        prints: where: `here`, as this process does; `kept`, in `output`, until it is taken; else only the last lines of
            its errors are kept.
        limits: what is watched.

    It shares a `board`, on which it may tell at which step it is.

    Raises:
        TensorflowFreeError: this machine starts no more processes.
    """

    def __init__(
        self,
        main: str,
        asked: Mapping[str, Any],
        *,
        cwd: str,
        environment: Mapping[str, str],
        prints: Literal["here", "kept", "lines"] = "lines",
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.board = Board.made()
        self.output = KeptOutput() if prints == "kept" else None
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        lifeline, self._lifeline = os.pipe()
        ends = (commands, answers, lifeline)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - this Python, and our own program
                [sys.executable, "-P", "-c", _BOOT, _import_path(), *main.split(":"),
                 json.dumps(asked), *map(str, (*ends, self.board.descriptor))],
                stdin=subprocess.DEVNULL,
                stdout=None if prints == "here" else subprocess.DEVNULL if self.output is None else self.output.stdout,
                stderr=None if prints == "here" else subprocess.PIPE if self.output is None else self.output.stderr,
                cwd=cwd,
                env=environment,
                pass_fds=(*ends, self.board.descriptor),
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            for end in (self._commands, self._answers, self._lifeline):
                os.close(end)
            self._let_go()
            raise TensorflowFreeError(f"a worker process could not start: {error.strerror or error}") from error
        finally:
            for end in ends:
                os.close(end)
        self._killed = False
        self._base: int | None = None
        self._lost_before = kills_for_memory()
        self._read = b""
        self._said: deque[bytes] = deque(maxlen=LAST_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Keep the last lines of what it says on standard error, however much that is."""
        stream = self.process.stderr
        if stream is not None:
            while line := stream.readline(LONGEST_LINE):
                self._said.append(line)

    # speaking

    def send(self, content: bytes) -> None:
        """Write to it.

        Raises:
            BrokenPipeError: it is gone.
        """
        _write(self._commands, content)

    def line(self, until: float) -> bytes | None:
        """The next whole line; empty where the process is gone, None where that takes longer than `until`.

        Raises:
            Exceeded: it has more memory than it may.
        """
        while b"\n" not in self._read:
            left = min(max(0.0, until - monotonic()), LONGEST_WAIT_S)
            watched = self._base is not None
            if watched:
                self._refuse_growth()
            ready = select.poll()
            ready.register(self._answers, select.POLLIN)
            if not ready.poll((min(left, LOOK_S) if watched else left) * 1000):
                if until <= monotonic():
                    return None
                continue
            more = os.read(self._answers, 1 << 16)
            if not more:
                return b""
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line + b"\n"

    def watch_memory(self) -> None:
        """Count its memory from now on: what it has by now is PyTorch's."""
        if self.limits.memory_gib is not None:
            self._base = resident(self.process.pid)

    def _refuse_growth(self) -> None:
        gib = self.limits.memory_gib
        if gib is not None and self._base is not None and resident(self.process.pid) - self._base > gib * 2**30:
            raise Exceeded(self.limits.memory_message)

    # its end

    def ending(self) -> tuple[Outcome, str]:
        """How it ended of its own: `crashed`, or `out of memory` where the system says so; and that in words."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        code = self.process.poll()
        if code == -signal.SIGKILL and not self._killed and kills_for_memory() > self._lost_before:
            return Outcome.OUT_OF_MEMORY, "the system killed it (SIGKILL), as memory ran out"
        return Outcome.CRASHED, _ending(code)

    def lines(self) -> list[str]:
        """What it said last on standard error, line by line."""
        if self.output is not None:
            texts = [line[:LONGEST_LINE] for line in self.output.lines()[-LAST_LINES:]]
        else:
            self._listener.join(timeout=1)
            texts = [line.decode("utf-8", "replace") for line in list(self._said)]
        return [text.rstrip() for text in texts if text.strip()]

    def kill(self) -> None:
        """End the process and all that it started, from any thread."""
        self._killed = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the process and all that it started, and let go of the pipes."""
        if self._commands < 0:
            return
        self.kill()
        self.process.wait()
        self._listener.join(timeout=1)
        for descriptor in (self._commands, self._answers, self._lifeline):
            os.close(descriptor)
        self._let_go()
        if self.process.stderr is not None and not self._listener.is_alive():
            self.process.stderr.close()
        self._commands = -1

    def _let_go(self) -> None:
        self.board.close()
        if self.output is not None:
            self.output.close()


class Parent:
    """The parent, seen by its child: what it asks, and how it is answered. The child ends when the parent does."""

    def __init__(self, words: list[str]) -> None:
        self.asked: dict[str, Any] = json.loads(words[0])
        self.commands, self._answers, lifeline, board = map(int, words[1:])
        self.board = Board(board)
        _end_with(lifeline)

    def say(self, letter: str, text: str = "") -> None:
        """Answer with one line."""
        _write(self._answers, f"{letter}{text}\n".encode())


def _end_with(lifeline: int) -> None:
    """End this process, and all that it started, when the other end of the pipe closes."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform != "win32":
        # an op that never lets go of Python's lock would keep that thread from running; the system's signal, which
        # nobody handles, ends the process all the same
        import fcntl  # noqa: PLC0415 - not everywhere

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _import_path() -> str:
    """Where this process finds modules, as JSON for another: `''` is this process's folder, and never the other's."""
    return json.dumps([str(Path(entry).absolute()) for entry in sys.path])


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "it stopped answering"
    if code >= 0:
        return f"the process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return _SIGNALS.get(name, name)


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
