"""What a sweep shows: how far it is, on a terminal, and then what it came to. Loads no torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import complain, put, put_json, while_read
from tensorflow_free.process.endings import code_of, words_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.sweep import Sweep
from tensorflow_free.sweep.table import page_of
from tensorflow_free.text.page import hanging, line

MOMENT_S: Final = 0.1
"""Seconds between two looks of the bar."""


def run_and_show(sweep: Sweep, flags: Flags) -> int:
    """Run what has not run, show what the sweep came to, and give the exit code; a signal ends it with what is there.

    Raises:
        TensorflowFreeError: it cannot be run, or its folder cannot be written.
    """
    ended = None
    try:
        with _bar(len(sweep), shown=sys.stderr.isatty() and not flags.quiet) as tick:
            for row in sweep:
                tick(row)
    except KeyboardInterrupt as stop:
        ended = stop
    return show(sweep, flags, ended)


def show(sweep: Sweep, flags: Flags, ended: KeyboardInterrupt | None = None) -> int:
    """Show what a sweep came to, and give the exit code; `ended` is what ended it before its time."""
    code = sweep.exit_code if ended is None else code_of(ended)
    for note in sweep.notes:
        complain(note)
    with while_read():
        _show(sweep, flags, ended)
    return code


def _show(sweep: Sweep, flags: Flags, ended: KeyboardInterrupt | None) -> None:
    if flags.json:
        rows = [json.loads(row.line()) for row in sweep.rows]
        put_json({**sweep.document.model_dump(mode="json"), "rows": rows})
    elif flags.quiet:
        for row in sweep.rows:
            if row.is_bad:
                complain(hanging(f"{_cell(row)}: {row.outcome}: ", row.reason))
    else:
        put([*page_of(sweep.summary), line(f"{sweep.folder}/sweep.json", is_whole=True)])
    why = "ended early" if ended is None else words_of(ended)
    if left := len(sweep) - sweep.summary.cells:
        command = sweep.document.resume_command(sweep.folder)
        complain(f"{why}: {left:,} of {len(sweep):,} cells have not run; go on with {command}")
    elif ended is not None:
        complain(f"{why}: every cell has run")


def _cell(row: Row) -> str:
    axes = " ".join(f"{key}={value}" for key, value in row.axes.items())
    return f"cell {row.number} ({axes or row.recipe})"


@contextmanager
def _bar(cells: int, *, shown: bool) -> Iterator[Any]:
    """A bar on a terminal: how many cells there are, their rate, the time left, how many are bad; nothing elsewhere."""
    if not shown:
        yield lambda row: None  # noqa: ARG005 - nobody looks
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells, {task.fields[rate]:.1f}/s, left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[bad]}"),
    )
    begun = monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("cells", total=cells, rate=0.0, bad="")
        bad, last = 0, 0.0

        def tick(row: Row) -> None:
            nonlocal bad, last
            bad += row.is_bad
            progress.advance(task)
            now = monotonic()
            if now - last > MOMENT_S:
                last = now
                done = progress.tasks[task].completed
                progress.update(task, rate=done / max(now - begun, MOMENT_S), bad=f"{bad} bad" if bad else "")

        yield tick
