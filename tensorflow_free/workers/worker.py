"""A worker as its parent sees it: a process that is asked one thing after another, and answers or is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, Literal

from tensorflow_free.errors import Place, Problem, RecipeError, StorageError, UnwritableError
from tensorflow_free.outcome.outcomes import CellOutcome, Outcome
from tensorflow_free.outcome.reasons import LostCode, WorkerLost
from tensorflow_free.outcome.sentences import words
from tensorflow_free.process.child import READY, STAGE, START_LIMIT_S, Child, Exceeded
from tensorflow_free.process.limits import Limits
from tensorflow_free.workers.serving import ANSWER, BROKEN, DEVICES, EARLY, FAULT, REFUSED, UNWRITABLE


class Lost(Exception):
    """A worker that gave no answer: it crashed, or went over a limit. `cause` says why.

    `early` is what it said beforehand that stands in this case; None where it said nothing.
    """

    def __init__(self, cause: WorkerLost, early: bytes | None = None) -> None:
        super().__init__(words(cause))
        self.cause = cause
        self.early = early

    @property
    def outcome(self) -> CellOutcome:
        """What became of what it was asked."""
        return OUTCOMES[self.cause.code]


OUTCOMES: Final[dict[str, CellOutcome]] = {
    "worker crashed": Outcome.CRASHED,
    "our error": Outcome.CRASHED,
    "worker timed out": Outcome.TIMED_OUT,
    "worker out of memory": Outcome.OUT_OF_MEMORY,
}


class Worker:
    """One worker process.

    Args:
        main: the function that it runs, as `module:function`, which calls `serve`.
        asked: what that function is to know, as strict JSON; under `ops`, files of the user's own ops; under
            `tells_steps`, that the step at which it is lost is told, whatever the limits and what is kept.
        cwd: the folder from which recipes are named.
        environment: its variables.
        limits: how much memory it may take; where a limit is asked for, the step at which it is met is told.
        keeps: whether what it prints is kept until it is `printed`; then the step at which it is lost is told, too.

    Attributes:
        broken: the devices that it cannot use any more, as its last answer told: what comes next wants another worker.

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
        limits: Limits | None = None,
        keeps: bool = False,
    ) -> None:
        limits = limits or Limits()
        told = {"ops": [], "tells_steps": keeps or bool(limits), **asked, "memory_gib": limits.memory_gib}
        prints: Literal["kept", "lines"] = "kept" if keeps else "lines"
        self._child = Child(main, told, cwd=cwd, environment=environment, prints=prints, limits=limits)
        self.devices: dict[str, Any] = {}
        """What `devices_told` of `serving` gave, once it is ready, where its parent asked for `kinds`."""
        self._environment: dict[str, Any] | None = None
        self._stage = "starting"
        self._early: bytes | None = None
        self.broken: list[str] = []

    def ready(self) -> dict[str, Any]:
        """Its environment, once torch is imported; asked for again, the same.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            Lost: it did not start.
        """
        if self._environment is not None:
            return self._environment
        letter, text = self._next(monotonic() + START_LIMIT_S, f"{START_LIMIT_S:g} s")
        if letter == REFUSED:
            raise RecipeError([Problem(Place(), line) for line in json.loads(text).splitlines()])
        self._child.watch_memory()
        environment: dict[str, Any] = json.loads(text)
        self._environment = environment
        return environment

    def answer(self, question: Mapping[str, Any], stage: str, limit_s: float) -> bytes:
        """Its answer to a question, as strict JSON.

        Args:
            question: what strict JSON holds.
            stage: what it is doing until it tells more.
            limit_s: seconds that it may take.

        Raises:
            Lost: it crashed, or went over a limit; this worker is of no more use.
            StorageError: something cannot be written.
        """
        self._stage, self._early = stage, None
        try:
            self._child.send(json.dumps(question).encode() + b"\n")
        except BrokenPipeError as error:
            raise self._ended() from error
        letter, text = self._next(monotonic() + limit_s, f"{limit_s:g} s (--timeout)")
        if letter == UNWRITABLE:
            message, is_disk = json.loads(text)
            raise (UnwritableError if is_disk else StorageError)(message)
        if letter == FAULT:
            raise Lost(WorkerLost(code="our error", ended=json.loads(text), said=self._child.lines()))
        return text

    def _next(self, until: float, limit: str) -> tuple[str, bytes]:
        """The next line that is no stage: its letter, and its text."""
        while True:
            try:
                line = self._child.line(until)
            except Exceeded as error:
                raise self._lost("worker out of memory", str(error)) from error
            if line is None:
                raise self._lost("worker timed out", f"took longer than {limit}")
            if not line:
                raise self._ended()
            letter, text = chr(line[0]), line[1:-1]
            if letter in (READY, ANSWER, REFUSED, UNWRITABLE, FAULT):
                return letter, text
            if letter == DEVICES:
                self.devices = json.loads(text)
            if letter == EARLY:
                self._early = text
            if letter == BROKEN:
                self.broken = json.loads(text)
            if letter == STAGE:
                self._stage = text.decode("utf-8", "replace")

    def _ended(self) -> Lost:
        outcome, why = self._child.ending()
        return self._lost("worker out of memory" if outcome == Outcome.OUT_OF_MEMORY else "worker crashed", why)

    def _lost(self, code: LostCode, why: str) -> Lost:
        """What is told of a worker that is of no more use; it is ended."""
        at = self._child.board.said() or {"step": "", "op": ""}
        self.end()
        said = self._child.lines()
        cause = WorkerLost(code=code, ended=why, stage=self._stage, step=at["step"], op=at["op"], said=said)
        return Lost(cause, self._early)

    def printed(self) -> tuple[str, str]:
        """What it printed since this was last asked, on standard output and standard error, where that is kept."""
        return ("", "") if self._child.output is None else self._child.output.taken()

    @property
    def is_there(self) -> bool:
        """Whether its process still runs, as far as that is known."""
        return self._child.process.poll() is None

    def kill(self) -> None:
        """End the process, from any thread; whoever waits for its answer finds it lost."""
        self._child.kill()

    def end(self) -> None:
        """End the process and all that it started, and let go of the pipes."""
        self._child.end()
