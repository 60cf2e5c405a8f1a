"""`recipe table`: a sweep's table again, from what is on disk. Does not import torch."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.told_sweeps import judge_rows, tell_sweep
from tensorflow_free.errors import StorageError
from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.sweep.earlier import earlier_at, held_to
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.junit_cells import properties_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.since_then import page_of as page_of_changes
from tensorflow_free.sweep.since_then import since_then
from tensorflow_free.sweep.summary import Heading, Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.text.page import line, text_lines
from tensorflow_free.text.phrases import counted


def table_command(options: Namespace, flags: Flags) -> int:
    """The table of a sweep again, from what is on disk: the exit code."""
    if not options.words:
        raise wrong("command line", "no folder is named; give a sweep's folder")
    report = CiReport("recipe table", options.markdown, options.junit)
    return report.around(lambda: worst_of([_told(Path(one), options.against, flags, report) for one in options.words]))


def _told(path: Path, against: str | None, flags: Flags, report: CiReport) -> ExitCode:
    """Show a sweep's table, or why there is none: the exit code."""
    try:
        return _table(path, against, flags, report)
    except StorageError as error:
        complain(str(error))
        report.tell(str(path), text_lines(str(error)), "It cannot be read.", is_bad=True)
        return ExitCode.WRONG


def _table(path: Path, against: str | None, flags: Flags, report: CiReport) -> ExitCode:
    """Show a sweep's table, held against an earlier one where that is asked for: what the changes ask for."""
    folder = SweepFolder(path)
    document = folder.document()
    earlier = [] if against is None else [earlier_at(against)]
    # of many rows none is kept that nothing asks for again
    rows: Iterable[Row] = (held_to(row, earlier) for row in folder.rows())
    rows = list(rows) if flags.json or earlier or report.wants_cases else rows
    since = [since_then(rows, one) for one in earlier]
    summary = Summary(Heading(document.cells, document.reference, document.torch), rows)
    left = document.left_words(summary.cells, path)
    if flags.json:
        told = [row.model_dump(mode="json") for row in sorted(rows, key=lambda row: row.number)]
        more = {"since_then": since[0].to_plain()} if since else {}
        put_json({"sweep": document.model_dump(mode="json"), "rows": told, **more})
    else:
        put([*page_of(summary), *(one for each in since for one in (line(), *page_of_changes(each)))])
    if left:
        complain(left)
    if folder.bad_lines:
        complain(unreadable(folder))
    changes = since[0] if since else None
    if report.wants_markdown:
        tell_sweep(
            summary,
            changes,
            report,
            [str(path), *([left] if left else [])],
            is_bad=bool(summary.bad or not summary.finished),
        )
    if report.wants_cases:
        judge_rows(rows, changes, report)
        report.properties |= properties_of(document, str(path))
    return worst_of(one.code for one in since)


def unreadable(folder: SweepFolder) -> str:
    """How many lines of its rows tell of no cell."""
    return f"{folder.path}: {counted(folder.bad_lines, 'line')} of its rows could not be read"
