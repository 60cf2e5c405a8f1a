"""The limits of a run from the command line, and how each is enforced. No recipe can set one. Standard library only."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GIB: Final = 2**30

MOST_GIB: Final = 2**30
"""More is no limit."""

NO_WATCH: Final = "memory is watched on Linux only; leave it out, or run in a container that has a limit"


@dataclass(frozen=True)
class Limits:
    """How long a run may take, and how much memory beside what PyTorch has taken at its start; None for no limit."""

    timeout_s: float | None = None
    memory_gib: float | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.timeout_s is not None or self.memory_gib is not None

    def words(self) -> list[str]:
        """The flags that set them."""
        flags = (("--timeout", self.timeout_s), ("--max-memory", self.memory_gib))
        return [word for flag, limit in flags if limit is not None for word in (flag, f"{limit:g}")]

    @property
    def time_message(self) -> str:
        """That it took too long."""
        return f"it took longer than {self.timeout_s:g} s (--timeout)"

    @property
    def memory_message(self) -> str:
        """That it took too much."""
        return f"it took more than {self.memory_gib:g} GiB (--max-memory)"


def memory_problem(gib: float) -> str | None:
    """Why memory cannot be limited to so many GiB, or None."""
    if not isinstance(gib, int | float) or isinstance(gib, bool) or not 0 < gib < MOST_GIB:
        return f"'{gib}' is not an amount of memory; give a number of GiB above 0, such as 4 or 0.5"
    return None if sys.platform == "linux" else NO_WATCH


class TimedOut(Exception):
    """Raised inside a run that has reached its time limit, where Python still has its say."""


def cap_memory(gib: float) -> None:
    """Let this process take so much more private memory than it has now; an allocation beyond fails.

    Address space would be the wrong measure: CUDA and allocators reserve far more of it than they use.
    """
    import resource  # noqa: PLC0415 - not everywhere

    wanted = _bytes_of("self", "VmData") + int(gib * GIB)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def resident(pid: int) -> int:
    """The bytes of memory that a process and all that it started have filled by now, but for what they read from files.

    Pages of libraries come and go as the system likes.
    """
    return sum(_bytes_of(str(one), "RssAnon", "RssShmem", "VmSwap") for one in (pid, *_below(pid)))


def _below(pid: int) -> list[int]:
    """The processes that one has started, and those that they have."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (OSError, ValueError):
        # it is gone
        return found
    return [one for child in found for one in (child, *_below(child))]


def _bytes_of(process: str, *keys: str) -> int:
    """The sum of some lines of `/proc/PID/status`, which are in kB; 0 of a process that is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(int(found[key].split()[0]) * 1024 for key in keys if key in found)


def kills_for_memory() -> int:
    """How many processes the system has ended so far because memory ran out; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
