"""Trials in a process of their own, so that one that ends or hangs its process is told by its number, and the rest run."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import select
import signal
import sys
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bounds.guard import is_preloaded

from fuzz import hanging

MEMORY = 4 * 2**30
"""Bytes that a worker may allocate beyond those it begins with: what takes more fails, as it would on a full machine."""

MOST_GUARDED: Final = 200
"""Trials of one process under the guard, whose memory is not used again."""


@dataclass
class Findings:
    """How trials ended, and what is to be mended, by the number of the trial."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each outcome."""
        return {name: count / self.outcomes.total() for name, count in self.outcomes.items()}


def trials(first: int, count: int) -> Findings:
    """Run the trials of the numbers from `first` on, in child processes."""
    findings = Findings()
    number, end = first, first + count
    while number < end:
        number = _batch(number, min(end, number + MOST_GUARDED) if is_preloaded() else end, findings)
    return findings


def _batch(first: int, end: int, findings: Findings) -> int:
    """Run trials in one child until it ends; the number after the last that was begun."""
    (reading, writing), (stacks, stack) = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of forking beside threads; the child starts none
        child = os.fork()
    if child == 0:
        os.close(reading)
        hanging.listen(stack)
        _run(first, end, writing)
    os.close(writing)
    os.close(stack)
    try:
        return _followed(first, child, (reading, stacks), findings)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(reading)
        os.close(stacks)


def _followed(first: int, child: int, pipes: tuple[int, int], findings: Findings) -> int:
    """Read what the child says, a line a trial, and end it where it says nothing for too long."""
    reading, stacks = pipes
    number, text, stack = first, b"", ""
    while True:
        hangs = not select.select([reading], [], [], hanging.LONGEST_S)[0]
        if hangs:
            stack = hanging.ended(child, stacks)
        part = b"" if hangs else os.read(reading, 65536)
        if not part:
            break
        *lines, text = (text + part).split(b"\n")
        for line in lines:
            outcome, _, fault = line.decode().partition("\t")
            findings.outcomes[outcome] += 1
            if fault:
                findings.faults[number] = fault.replace("\r", "\n")
            number += 1
    _, status = os.waitpid(child, 0)
    if status == 0:
        return number
    if hangs and hanging.is_in_step(stack):
        findings.outcomes["timed out"] += 1
    else:
        findings.outcomes["fault"] += 1
        code = os.waitstatus_to_exitcode(status)
        ends = f"ends the process: {signal.Signals(-code).name if code < 0 else f'exit {code}'}"
        findings.faults[number] = f"hangs\n{stack}" if hangs else ends
    return number + 1


def _run(first: int, end: int, writing: int) -> None:
    """The child: a line for each trial, then the end of the process."""
    code = 1
    with contextlib.suppress(BaseException):
        import torch

        from fuzz.trial import guarded, tried

        torch.set_num_threads(1)
        trial = guarded(tried) if is_preloaded() else tried
        _limit_memory()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _silent()
        for number in range(first, end):
            try:
                line = trial(number)
            except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
                line = f"fault\t{traceback.format_exc()[-3000:]}".replace("\n", "\r")
            os.write(writing, f"{line}\n".encode())
        code = 0
    os._exit(code)


def _limit_memory() -> None:
    told = Path("/proc/self/statm")
    if told.exists():
        most = int(told.read_text(encoding="utf-8").split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _silent() -> None:
    """Send what kernels print to nowhere."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    for stream in (1, 2):
        os.dup2(nowhere, stream)
