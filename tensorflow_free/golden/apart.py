"""Where cases run: in this process, or apart, in a worker process that they may take with them."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, Self

from tensorflow_free.cell.fate import Fate
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import StorageError, TensorflowFreeError
from tensorflow_free.golden.verification import Verification
from tensorflow_free.judging.culprits import Blame, not_found
from tensorflow_free.ops.ops_files import ops_files
from tensorflow_free.outcome.plain_reasons import Bare, Because
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.plan import Plan
from tensorflow_free.plan.settings import readings
from tensorflow_free.process.limits import Limits
from tensorflow_free.registry import registered
from tensorflow_free.run.watching import Watch
from tensorflow_free.workers.worker import Lost, Worker

MAIN: Final = "tensorflow_free.golden.case_process:main"


class CaseWorker:
    """A worker process for cases that this process is not to bear: those on a device that is not the CPU.

    It is begun for the first of them, and stays warm; one that is lost, or has lost a device, is replaced for the next.
    It stands as this process does: its folder, its variables, its settings of PyTorch, its ops.

    Args:
        takes: which cases run in it: those on `devices`, `all` or `none`.
        timeout_s: seconds that one may take; None for any time.
        modules: tells which modules of this process it imports, too, as they may register something.
    """

    def __init__(
        self,
        takes: Literal["devices", "all", "none"] = "devices",
        *,
        timeout_s: float | None = None,
        modules: Callable[[], Sequence[ModuleType]] = lambda: (),
    ) -> None:
        self._takes = takes
        self._timeout_s = timeout_s
        self._modules = modules
        self._worker: Worker | None = None

    def takes(self, devices: Sequence[str]) -> bool:
        """Whether a case on these devices, the CPU left out, is to run in it."""
        return self._takes == "all" or (self._takes == "devices" and bool(devices))

    def answer(self, question: Mapping[str, Any], ops: Sequence[str] = ()) -> Any:
        """What the worker answers; None where one of these ops of the user's is unknown to it.

        Args:
            question: what is done, and with what, as `case_process` takes it.
            ops: the ops that it needs.

        Raises:
            Lost: it gave no answer; the next question has another worker.
            RecipeError: a file of ops cannot be loaded.
            StorageError: something cannot be written.
            TensorflowFreeError: it cannot be started.
        """
        worker = self._worker = self._worker or self._hired()
        here = {"cwd": str(Path.cwd()), "settings": readings(), "ops": list(ops), "modules": _homes(ops)}
        limit_s = math.inf if self._timeout_s is None else self._timeout_s
        try:
            answer = json.loads(worker.answer({**question, **here}, "taking the cell", limit_s))
        except StorageError:
            raise
        except BaseException:
            # lost; or something has interrupted the wait, and what it still does is of no use
            self.end()
            raise
        finally:
            _print(*worker.printed())
        if worker.broken:
            self.end()
        return answer

    def verification(
        self,
        question: Mapping[str, Any],
        plan: Plan,
        overrides: tuple[Override, ...],
        lost: Callable[[Fate], Verification],
    ) -> Verification | None:
        """What came of a case in it; None where this process has to run it.

        Args:
            question: as of `answer`.
            plan: the case's.
            overrides: all that it runs with.
            lost: makes a verdict on a case that took the worker with it.

        Raises:
            RecipeError: a file of ops cannot be loaded.
            TensorflowFreeError: no worker can be started.
        """
        if not self.takes(plan.devices):
            return None
        try:
            answer = self.answer(question, plan.ops)
        except Lost as gone:
            if gone.early is None:
                return replace(lost(Fate(gone.outcome, [gone.cause])), flags=self._flags)
            return _not_blamed(Verification.from_plain(json.loads(gone.early), overrides), words(gone.cause))
        found = None if answer is None else Verification.from_plain(answer, overrides)
        return found if found is None or not found.is_late else self._again(found, question, plan)

    def _again(self, found: Verification, question: Mapping[str, Any], plan: Plan) -> Verification:
        """The verdict on a case in which an error of a device showed late: run in a new process, its step is known."""
        self.end()
        try:
            answer = self.answer({**question, "exact": True}, plan.ops)
        except Lost as lost:
            return found.also(Because(code="cannot be run again", why=str(lost)))
        return (
            found.also(Bare(code="not lost again"))
            if answer is None
            else Verification.from_plain(answer, found.overrides)
        )

    def _hired(self) -> Worker:
        """A worker that is ready."""
        asked = {"modules": _places(self._modules()), "files": list(map(str, ops_files()))}
        limits = Limits(self._timeout_s)
        worker = Worker(MAIN, asked, cwd=str(Path.cwd()), environment=os.environ, limits=limits, keeps=True)
        try:
            worker.ready()
        except Lost as lost:
            message = f"a worker process could not start: {lost}"
            raise TensorflowFreeError(message) from lost
        except BaseException:
            worker.end()
            raise
        _print("", worker.printed()[1])
        return worker

    @property
    def _flags(self) -> tuple[str, ...]:
        """What runs a case that was lost so again, and bears it."""
        return ("--in-workers",) if self._timeout_s is None else ("--timeout", f"{self._timeout_s:g}")

    def end(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            self._worker.end()
        self._worker = None

    def __enter__(self) -> Self:
        """For a `with`, behind which it has ended."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker."""
        self.end()


def _silent(told: object) -> None:
    del told


@dataclass(frozen=True)
class Running:
    """How a case is run.

    Attributes:
        apart: where cases run that this process is not to bear; None to run each here.
        stage: told what is about to be done, in case this process does not come back.
        judged: told the verdict on a red case before its culprit is looked for, in that case.
        watch: told at which step a run is.
        exact: whether each step is waited for, so that a device's error shows at it.
    """

    apart: CaseWorker | None = None
    stage: Callable[[str], None] = _silent
    judged: Callable[[Verification], None] = _silent
    watch: Watch | None = None
    exact: bool = False


HERE: Final = Running()
"""In this process, whatever the case."""


def _homes(ops: Sequence[str]) -> list[tuple[str, str]]:
    """The modules that registered these ops, as `_places` has them."""
    origins = registered()
    names = dict.fromkeys(origins[op] for op in ops if op in origins)
    return _places([module for name in names if (module := sys.modules.get(name)) is not None])


def _places(modules: Sequence[ModuleType]) -> list[tuple[str, str]]:
    """The name and the file of each module that another process can import."""
    files = {one.__name__: one.__file__ for one in modules if one.__name__ != "__main__"}
    return [(name, file) for name, file in files.items() if file is not None]


def _not_blamed(found: Verification, why: str) -> Verification:
    """A verdict that stands, and says why no culprit was found."""
    if found.comparison is None:
        return found
    return replace(found, comparison=replace(found.comparison, blame=Blame(notes=(not_found(why),))))


def _print(out: str, err: str) -> None:
    """What was printed in the worker, printed here."""
    sys.stdout.write(out)
    sys.stderr.write(err)
