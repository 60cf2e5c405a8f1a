"""What a sweep shows on the screen: a progress bar, then its table. Does not import torch."""

from __future__ import annotations

import json

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.page_file import put_page
from tensorflow_free.commands.printing import complain, put, put_json, while_read
from tensorflow_free.commands.told_sweeps import judge_rows, tell_sweep
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.endings import code_of, words_of
from tensorflow_free.sweep.junit_cells import properties_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.since_then import worse_lines
from tensorflow_free.sweep.sweep import Sweep
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import hanging, line


def run_and_show(sweep: Sweep, flags: Flags, report: CiReport) -> int:
    """Run what has not run, show the sweep, tell it in `report`, and give the exit code; a signal ends it.

    Raises:
        TensorflowFreeError: it cannot be run, or its folder cannot be written.
    """
    ended = None
    try:
        sweep.run(progress=not flags.quiet)
    except KeyboardInterrupt as stop:
        ended = stop
    return show(sweep, flags, report, ended)


def show(sweep: Sweep, flags: Flags, report: CiReport, ended: KeyboardInterrupt | None = None) -> int:
    """Show what a sweep came to, tell it in `report`, and give the exit code; `ended` is what ended it too early."""
    code = sweep.exit_code if ended is None else code_of(ended)
    for note in sweep.notes:
        complain(note)
    left = _left(sweep, ended)
    with while_read():
        _show(sweep, flags)
        if left:
            complain(left)
    if report.wants_markdown:
        notes = (*sweep.notes, *([left] if left else []), f"{sweep.folder}/sweep.json")
        tell_sweep(sweep.summary, sweep.since_then(), report, notes, is_bad=code != ExitCode.OK)
    if report.wants_cases:
        judge_rows(sweep.rows, sweep.since_then(), report)
        report.properties |= properties_of(sweep.document, str(sweep.folder))
    if flags.page is not None:
        _put_page(sweep, flags.page, flags)
    return code


def _put_page(sweep: Sweep, to: str, flags: Flags) -> None:
    """Write the page of a sweep, and tell where it is."""
    from tensorflow_free.pages.page_of_sweep import page_of_sweep  # noqa: PLC0415 - it needs torch, which a sweep does not

    # the references that it shows may be of the user's own ops
    flags.load_ops()
    put_page(page_of_sweep(sweep.folder, command_of(["recipe", "table", str(sweep.folder)])), to, flags)


def _show(sweep: Sweep, flags: Flags) -> None:
    if flags.json:
        rows = [json.loads(row.line()) for row in sweep.rows]
        since = sweep.since_then()
        told = {} if since is None else {"since_then": since.to_plain()}
        put_json({**sweep.document.model_dump(mode="json"), "rows": rows, **told})
    elif flags.quiet:
        for row in sweep.rows:
            if row.is_bad:
                complain(hanging(f"{_cell(row)}: {row.outcome}: ", row.reason))
        if (since := sweep.since_then()) is not None:
            complain([line(words) for words in worse_lines(since)])
    else:
        put([*sweep.page(), line(f"{sweep.folder}/sweep.json", is_whole=True)])


def _left(sweep: Sweep, ended: KeyboardInterrupt | None) -> str:
    """What ended a sweep, how many of its cells have not run, and how they can; empty where nothing ended it."""
    why = "ended early" if ended is None else words_of(ended)
    if left := sweep.document.left_words(sweep.summary.cells, sweep.folder):
        return f"{why}: {left}"
    return "" if ended is None else f"{why}: every cell has run"


def _cell(row: Row) -> str:
    axes = " ".join(f"{key}={value}" for key, value in row.axes.items())
    return f"cell {row.number} ({axes or row.recipe})"
