"""A worker as its parent sees it: a process that is told a cell and answers with a row, or is lost. Knows no torch."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tensorflow_free.errors import Place, Problem, RecipeError, StorageError, TensorflowFreeError
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Outcome, Row, row_of
from tensorflow_free.sweep.worker import BOOT, FAULT, READY, REFUSED, ROW, STAGE, UNWRITABLE, import_path

START_LIMIT_S: Final = 600.0
"""Seconds that a worker may take to import torch."""

LONGEST_WAIT_S: Final = 1_000_000.0
"""More than poll takes as milliseconds would be no limit at all."""

LAST_LINES: Final = 12
"""Lines of a lost worker's standard error that are told."""

LONGEST_LINE: Final = 300
"""Characters of such a line."""

_SIGNALS: Final = {
    "SIGSEGV": "SIGSEGV: it touched memory that is not its own",
    "SIGBUS": "SIGBUS: it touched memory that is not there",
    "SIGABRT": "SIGABRT: it aborted itself",
    "SIGFPE": "SIGFPE: an integer division by zero, or the like",
    "SIGILL": "SIGILL: an instruction that this CPU does not have",
    "SIGKILL": "killed (SIGKILL), perhaps for memory",
}


class Lost(Exception):
    """A worker that gave no row: it crashed, or took too long. `outcome` and `reason` are those of its cell."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome: Outcome = outcome
        self.reason = reason


class Worker:
    """One worker process.

    Raises:
        TensorflowFreeError: this machine starts no more processes.
    """

    def __init__(self, ops: Sequence[str], folder: Path | None, cwd: str, environment: Mapping[str, str]) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        lifeline, self._lifeline = os.pipe()
        asked = json.dumps({"ops": list(ops), "folder": None if folder is None else str(folder)})
        ends = (commands, answers, lifeline)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this Python, and our own program
                [sys.executable, "-P", "-c", BOOT, import_path(), *map(str, ends), asked],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                pass_fds=ends,
                start_new_session=True,
            )
        except OSError as error:
            for end in (self._commands, self._answers, self._lifeline):
                os.close(end)
            message = f"a worker process could not start: {error.strerror or error}"
            raise TensorflowFreeError(message) from error
        finally:
            for end in ends:
                os.close(end)
        self._stage = "starting"
        self._read = b""
        self._said: deque[bytes] = deque(maxlen=LAST_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Keep the last lines of what it says on standard error, however much that is."""
        stream = self._process.stderr
        if stream is not None:
            while line := stream.readline(LONGEST_LINE):
                self._said.append(line)

    def ready(self) -> dict[str, Any]:
        """Its environment, once torch is imported.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            Lost: it did not start.
        """
        letter, text = self._answer(monotonic() + START_LIMIT_S, f"{START_LIMIT_S:g} s")
        if letter == REFUSED:
            raise RecipeError([Problem(Place(), line) for line in json.loads(text).splitlines()])
        environment: dict[str, Any] = json.loads(text)
        return environment

    def run(self, cell: Cell, limit_s: float) -> Row:
        """The row of a cell.

        Raises:
            Lost: it crashed, or took longer than the limit; this worker is of no more use.
            StorageError: the cell's folder cannot be written.
        """
        self._stage = "taking the cell"
        try:
            _write(self._commands, json.dumps(asdict(cell)).encode() + b"\n")
        except BrokenPipeError as error:
            raise self._crashed() from error
        limit = f"{limit_s:g} s (cell_timeout_s)"
        letter, text = self._answer(monotonic() + limit_s, limit)
        if letter == UNWRITABLE:
            raise StorageError(json.loads(text))
        if letter == FAULT:
            raise Lost("crashed", f"an error of tensorflow_free, not of the recipe: {json.loads(text)}{self._lines()}")
        return row_of(text)

    def _answer(self, until: float, limit: str) -> tuple[str, bytes]:
        """The next line that is no stage: its letter, and its text."""
        while True:
            line = self._line(until)
            if line is None:
                self.end()
                raise Lost("timed out", f"took longer than {limit} {self._doing()}{self._lines()}")
            if not line:
                raise self._crashed()
            letter, text = chr(line[0]), line[1:-1]
            if letter in (READY, ROW, REFUSED, UNWRITABLE, FAULT):
                return letter, text
            if letter == STAGE:
                self._stage = text.decode("utf-8", "replace")

    def _line(self, until: float) -> bytes | None:
        """The next whole line; empty where the process is gone, None where it takes too long."""
        while b"\n" not in self._read:
            ready = select.poll()
            ready.register(self._answers, select.POLLIN)
            if not ready.poll(min(max(0.0, until - monotonic()), LONGEST_WAIT_S) * 1000):
                return None
            more = os.read(self._answers, 1 << 16)
            if not more:
                return b""
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line + b"\n"

    def _crashed(self) -> Lost:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.poll()
        self.end()
        return Lost("crashed", f"{_ending(code)} {self._doing()}{self._lines()}")

    def _doing(self) -> str:
        return f"while {self._stage}"

    def _lines(self) -> str:
        """What it said last on standard error, each line indented, behind a line break."""
        self._listener.join(timeout=1)
        texts = [line.decode("utf-8", "replace").rstrip() for line in list(self._said)]
        return "".join(f"\n  {text}" for text in texts if text)

    def kill(self) -> None:
        """End the process, from any thread; whoever waits for its row finds it lost."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the process and all that it started, and let go of the pipes."""
        if self._commands < 0:
            return
        self.kill()
        self._process.wait()
        self._listener.join(timeout=1)
        for descriptor in (self._commands, self._answers, self._lifeline):
            os.close(descriptor)
        if self._process.stderr is not None and not self._listener.is_alive():
            self._process.stderr.close()
        self._commands = -1


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
