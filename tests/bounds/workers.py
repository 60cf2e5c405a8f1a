"""Trials in processes of their own: a process forked for many targets, and another when one has crashed."""

from __future__ import annotations

import itertools
import json
import mmap
import os
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch

from bounds.guard import library
from bounds.mutations import Mutation, mutations, nested
from bounds.targets import Arguments, Target
from bounds.trial import finding, outcome
from bounds.valid import Pool, attempts

PATIENCE: Final = 10.0
"""Seconds that one call may take."""

NESTING: Final = "building nested"
"""Where a target is whose call is tried with nested tensors."""

MAKING: Final = "making arguments wrong"
"""Where a target is between two of its trials."""

ROOM: Final = 8 << 30
"""Bytes that a trial may take besides what the process has."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What convicts a target: with which argument made how, what came of it."""

    target: str
    where: str
    what: str
    kind: str
    call: str = ""


Tell = Callable[[dict[str, Any]], None]


class Worker:
    """A process that goes through targets and tells what it does in memory that it shares with its parent."""

    def __init__(self, pool: Pool, limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._note = mmap.mmap(-1, 4096)
        self._skip: set[tuple[str, str]] = set()

    def run(self, targets: Sequence[Target]) -> Iterator[dict[str, Any]]:
        """Try each target; what is told comes as mappings, a crash among them."""
        done = 0
        while done < len(targets):
            for told in self._forked(targets[done:]):
                if "done" in told:
                    done += 1
                else:
                    self._skip.add((told["target"], told["where"] or " "))
                    done += told["where"] == "building"
                yield told

    def _forked(self, targets: Sequence[Target]) -> Iterator[dict[str, Any]]:
        read, write = os.pipe()
        self._say("", "", "")
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            self._child(targets, write)
        os.close(write)
        hung = True
        try:
            hung = yield from self._told(read)
        finally:
            os.close(read)
            if hung:
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        note = self._heard()
        if hung or not os.WIFEXITED(status) or os.WEXITSTATUS(status):
            if not note["target"]:
                raise RuntimeError(f"a worker ended with {status} before it began")
            yield {**note, "crash": "hangs" if hung else f"crashes ({_cause(status)})"}

    def _told(self, read: int) -> Iterator[dict[str, Any]]:
        """What the child writes, until it ends or hangs; returns whether it hangs."""
        buffer, note, since = b"", None, time.monotonic()
        while True:
            ready, _, _ = select.select([read], [], [], 1.0)
            if ready:
                found = os.read(read, 1 << 16)
                if not found:
                    return False
                *lines, buffer = (buffer + found).split(b"\n")
                yield from (json.loads(line) for line in lines)
            now = bytes(self._note[:512])
            if now != note:
                note, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                return True

    def _say(self, target: str, where: str, what: str, call: str = "") -> None:
        self._number = getattr(self, "_number", 0) + 1
        text = json.dumps({"n": self._number, "target": target, "where": where, "what": what, "call": call})
        self._note[:4096] = text.encode()[:4000].ljust(4096, b"\0")

    def _heard(self) -> dict[str, Any]:
        return json.loads(bytes(self._note[:]).rstrip(b"\0"))

    # in the child

    def _child(self, targets: Sequence[Target], write: int) -> None:
        try:
            quiet()
            with os.fdopen(write, "w") as pipe:
                for target in targets:
                    self._say(str(target), "building", "arguments")
                    self._try(target, lambda told: print(json.dumps(told), file=pipe, flush=True))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
            os.write(1, f"{traceback.format_exc()}\n".encode())
            os._exit(70)

    def _try(self, target: Target, tell: Tell) -> None:
        calls, tried = self._calls(target), 0
        calls += self._nested(target, [*calls, *self._pool.get(str(target), [])])
        for arguments in calls:
            for gradients in (False, True) if differentiable(target) else (False,):
                unwritten = False
                for mutation in self._mutations(target, arguments):
                    if (str(target), mutation.where or " ") in self._skip:
                        continue
                    tried += 1
                    kind = self._kind(target, mutation, gradients=gradients)
                    if mutation.where == "":
                        unwritten = kind == "other values"
                        kind = f"valid: {kind}" if kind else None
                    if kind and not (unwritten and kind == "other values"):
                        self._skip.add((str(target), mutation.where or " "))
                        tell(asdict(Finding(str(target), mutation.where, mutation.what, kind, shown(arguments))))
        tell({"done": str(target), "calls": len(calls), "tried": tried})

    def _mutations(self, target: Target, arguments: Arguments) -> Iterator[Mutation]:
        """The ways to make the call wrong; where making one crashes or hangs, that is told, and no more are made."""
        made, call = mutations(arguments), shown(arguments)
        while (str(target), MAKING) not in self._skip:
            self._say(str(target), MAKING, "", call)
            mutation = next(made, None)
            if mutation is None:
                return
            yield mutation

    def _kind(self, target: Target, mutation: Mutation, *, gradients: bool) -> str | None:
        self._say(str(target), mutation.where, mutation.what, shown(mutation.arguments))
        return finding(target, mutation.arguments, gradients=gradients)

    def _calls(self, target: Target) -> list[Arguments]:
        """The valid calls of a target: recorded, or found by trying."""
        found = self._pool.get(str(target), [])[: self._limit]
        if found or (str(target), "building") in self._skip:
            return found
        kept = []
        for arguments in attempts(target, self._pool):
            self._say(str(target), "building", "a guess", shown(arguments))
            if not isinstance(outcome(target, arguments, gradients=False), str):
                kept.append(arguments)
                if len(kept) == self._limit:
                    break
        return kept

    def _nested(self, target: Target, calls: Sequence[Arguments]) -> list[Arguments]:
        """Those calls that are valid with nested tensors, too."""
        kept: list[Arguments] = []
        if (str(target), NESTING) in self._skip:
            return kept
        for arguments in itertools.chain.from_iterable(map(nested, calls)):
            self._say(str(target), NESTING, "a guess", shown(arguments))
            if not isinstance(outcome(target, arguments, gradients=False), str):
                kept.append(arguments)
        return kept


def differentiable(target: Target) -> bool:
    """Whether a backward pass is tried, too."""
    return not target.name.startswith("aten.") and target.signature.form in ("function", "method")


def quiet() -> None:
    """Nothing is printed, no core is dumped, and not all memory is taken."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    torch.set_warn_always(False)
    library().guard_enable(1)


def _cause(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit {os.WEXITSTATUS(status)}"


def shown(arguments: Any) -> str:
    """Arguments in a line."""
    if isinstance(arguments, torch.Tensor):
        if arguments.is_nested:
            return f"nested of {', '.join(str(list(part.shape)) for part in arguments.unbind())}"
        layout = "" if arguments.layout == torch.strided else f" {str(arguments.layout).removeprefix('torch.')}"
        return f"{str(arguments.dtype).removeprefix('torch.')}{list(arguments.shape)}{layout}"
    if isinstance(arguments, dict):
        return ", ".join(f"{name}={shown(value)}" for name, value in arguments.items())
    if isinstance(arguments, (list, tuple)):
        return f"[{', '.join(shown(part) for part in arguments)}]"
    return repr(arguments)
