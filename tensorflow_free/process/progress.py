"""A progress bar on a terminal, or in a notebook, for what takes more than a moment; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from html import escape
from time import monotonic
from typing import Any, Final, Protocol

Tick = Callable[..., None]
"""Takes how many are done, of how many, and a note to show beside them."""

MOMENT_S: Final = 0.5
"""Seconds after which a run gets a bar."""

LOOK_S: Final = 0.1
"""Seconds between two looks of the bar."""


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook, whose outputs can change."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


class _Bar(Protocol):
    """What draws how many are done."""

    def show(self, done: int, total: int, rate: float, note: str) -> None: ...

    def end(self, seconds: float) -> None: ...


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
        self._enabled = enabled and (in_notebook() or sys.stderr.isatty())
        self._bar: _Bar | None = None
        self._begun = self._last = 0.0

    def __enter__(self) -> Tick | None:
        """What is called for each that is done; None where nobody looks."""
        self._begun = monotonic()
        self._last = self._begun + self._after_s - LOOK_S
        return self._tick if self._enabled else None

    def _tick(self, done: int, total: int, note: str = "") -> None:
        now = monotonic()
        # the last one is shown whenever it comes, by what is there to show it
        if now - self._last < LOOK_S and (self._bar is None or done < total):
            return
        self._last = now
        if self._bar is None:
            self._bar = _InNotebook(self._unit) if in_notebook() else _OnTerminal(self._unit, total)
        self._bar.show(done, total, done / max(now - self._begun, LOOK_S), note)

    def __exit__(self, *_: object) -> None:
        """Take the bar away; in a notebook, say how many were done."""
        if self._bar is not None:
            self._bar.end(monotonic() - self._begun)


class _OnTerminal:
    """A bar that is gone when it ends."""

    def __init__(self, unit: str, total: int) -> None:
        from rich import progress  # noqa: PLC0415 - a pipe needs no rich
        from rich.console import Console  # noqa: PLC0415

        rate = progress.TextColumn(f"{unit}, {{task.fields[rate]}}/s, left")
        columns = (progress.BarColumn(), progress.MofNCompleteColumn(), rate, progress.TimeRemainingColumn())
        note = progress.TextColumn("{task.fields[note]}")
        self._bar = progress.Progress(*columns, note, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(unit, total=total, rate="", note="")

    def show(self, done: int, total: int, rate: float, note: str) -> None:
        self._bar.update(self._task, completed=done, total=total, rate=f"{rate:.1f}", note=note)

    def end(self, seconds: float) -> None:
        del seconds
        self._bar.stop()


class _InNotebook:
    """An output that changes, and at the end says how many were done."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._output: Any = None
        self._told = self._note = ""

    def show(self, done: int, total: int, rate: float, note: str) -> None:
        self._told, self._note = f"{done:,} of {total:,} {self._unit}", note and f", {note}"
        text = f"{self._told}, {rate:.1f}/s{self._note}"
        self._put(text, f'<progress value="{done}" max="{total}" aria-label="{self._unit}"></progress> {escape(text)}')

    def end(self, seconds: float) -> None:
        text = f"{self._told} in {seconds:.1f} s{self._note}"
        self._put(text, escape(text))

    def _put(self, text: str, html: str) -> None:
        """Show both forms, in the output that is there."""
        display: Callable[..., Any] = sys.modules["IPython"].display.display
        forms = {"text/plain": text, "text/html": html}
        if self._output is None:
            self._output = display(forms, raw=True, display_id=True)
        else:
            self._output.update(forms, raw=True)
