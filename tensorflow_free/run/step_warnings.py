"""The warnings of a run, gathered with the step that raised them, and reported once."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from tensorflow_free.plan.calls import run_calls
from tensorflow_free.plan.dynamo_memory import compiles
from tensorflow_free.result.model import Warned

MOST: Final = 100
"""Different warnings that a run keeps; the others are counted."""

QUIET: Final = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""What Python keeps to those who write a library."""

_ORIGIN: Final = re.compile(r" *\(Triggered internally at [^()]*\)")
"""What torch adds of its C++ files."""


WarningCounts = dict[tuple[str, str, str], int]
"""How often each warning was raised, by its step, its type and its message."""


class StepWarnings:
    """Warnings that were raised, each once, and how often.

    Attributes:
        part: what is running, for warnings outside of steps; where it is empty, nothing is kept.
        of_compiling: those that a compiler raised while it compiled.
    """

    def __init__(self) -> None:
        self.part = "settings"
        self.of_compiling: WarningCounts = {}
        self._counts: WarningCounts = {}

    def begin_with(self, of_compiling: WarningCounts) -> None:
        """Begin with what was raised when that was compiled which runs now."""
        self.of_compiling.update(of_compiling)
        self._counts.update(of_compiling)

    def keep(self, message: Warning | str, category: type[Warning]) -> None:
        """Keep a warning, if a part of the run raised it."""
        step = _step() or self.part
        if step and not issubclass(category, QUIET):
            key = (step, category.__name__, _ORIGIN.sub("", str(message)).strip())
            if key not in self._counts and len(self._counts) >= MOST:
                key = ("", "Warning", "further warnings")
            self._counts[key] = self._counts.get(key, 0) + 1
            if compiles():
                self.of_compiling[key] = self.of_compiling.get(key, 0) + 1

    def all(self) -> list[Warned]:
        """What was kept, in the order in which it was first raised."""
        return [
            Warned(step=step, type=kind, message=message, count=count)
            for (step, kind, message), count in self._counts.items()
        ]


@contextmanager
def gathered(gathering: StepWarnings) -> Iterator[None]:
    """Inside it, warnings are gathered, also those that torch tells once a process."""
    always = torch.is_warn_always_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # a warning that would name a file of ours is reported with its step
        warnings.showwarning = lambda message, category, *_: gathering.keep(message, category)
        torch.set_warn_always(True)
        try:
            yield
        finally:
            torch.set_warn_always(always)


def _step() -> str:
    """The name of the step that is running: the innermost loop over calls knows it."""
    frame = sys._getframe(1)  # noqa: SLF001 - the loop itself stays as quick as it is
    while frame is not None:
        if frame.f_code is run_calls.__code__:
            return str(frame.f_locals["site"].name)
        frame = frame.f_back  # type: ignore[assignment]
    return ""
