"""A progress bar on a terminal for what takes more than a moment; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

Tick = Callable[..., None]
"""Takes how many are done, of how many, and a note to show beside them."""

MOMENT_S: Final = 0.5
"""Seconds after which a run gets a bar."""

LOOK_S: Final = 0.1
"""Seconds between two looks of the bar."""


class ProgressBar:
    """How many are done, their rate, the time left, and a note.

    Args:
        unit: what is counted: `steps`, `cells`.
        enabled: whether it is wanted at all.
        after_s: seconds before there is a bar.
    """

    def __init__(self, unit: str, *, enabled: bool, after_s: float = MOMENT_S) -> None:
        self._unit = unit
        self._after_s = after_s
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._begun = self._last = 0.0

    def __enter__(self) -> Tick | None:
        """What is called for each that is done; None without a terminal."""
        self._begun = monotonic()
        self._last = self._begun + self._after_s - LOOK_S
        return self._tick if self._enabled else None

    def _tick(self, done: int, total: int, note: str = "") -> None:
        now = monotonic()
        if now - self._last < LOOK_S:
            return
        self._last = now
        if self._bar is None:
            self._begin(total)
        rate = f"{done / max(now - self._begun, LOOK_S):.1f}"
        self._bar.update(self._task, completed=done, total=total, rate=rate, note=note)

    def _begin(self, total: int) -> None:
        from rich import progress  # noqa: PLC0415 - a pipe needs no rich
        from rich.console import Console  # noqa: PLC0415

        rate = progress.TextColumn(f"{self._unit}, {{task.fields[rate]}}/s, left")
        columns = (progress.BarColumn(), progress.MofNCompleteColumn(), rate, progress.TimeRemainingColumn())
        note = progress.TextColumn("{task.fields[note]}")
        self._bar = progress.Progress(*columns, note, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(self._unit, total=total, rate="", note="")

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
