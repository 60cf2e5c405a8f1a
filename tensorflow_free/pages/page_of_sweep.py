"""The page of a sweep, as data: its verdict, cells by values, each different failure, and the worst cells in full."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import read_file
from tensorflow_free.judging.verdicts import COMPARISON
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.outcomes import ABSENT, Outcome
from tensorflow_free.pages.cell_rows import CellRows, ShortRow, rank_of
from tensorflow_free.pages.cells_in_full import Allowance, cell_plain, expected_plain
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.plain_lines import plain_lines
from tensorflow_free.pages.run_parts import run_parts
from tensorflow_free.pages.used_matrix import UsedMatrix, UsedValue, used_values
from tensorflow_free.result.reading import read_result
from tensorflow_free.result.result import Result
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.groups import Group
from tensorflow_free.sweep.patterns import sentences
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.summary import Heading, Summary
from tensorflow_free.sweep.table import cells_words, heading, outcome_words, why_failed, why_of
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.phrases import counted

MOST_FULL: Final = 200
"""Cells that are in the page in full: the worst; of the others their rows and what each value used."""

MOST_VALUES: Final = 20_000
"""Values of all cells in full, up to which another is: a picture is made of each."""

MOST_FAILURES: Final = 20
"""Different failures that are told above the matrix."""


def page_of_sweep(path: Path, command: str = "") -> HtmlPage:
    """The page of a sweep's folder.

    Args:
        path: the folder.
        command: what a person types to see the sweep in a terminal.

    Raises:
        StorageError: it is no sweep's folder, or cannot be read.
    """
    folder = SweepFolder(path)
    document = folder.document()
    summary = Summary(Heading(document.cells, document.reference, document.torch))
    rows = CellRows()

    def taken() -> Iterator[Row]:
        for kept in folder.rows():
            row = kept.strictly() if document.strict else kept
            summary.add(row)
            rows.add(row)
            yield row

    full = _with_few_values(heapq.nsmallest(MOST_FULL, taken(), key=rank_of))
    rows.sort()
    head = _head(summary, rows, full, [*_left(document, summary, path), *_unread(folder)])
    return HtmlPage("sweep", heading(summary), head, _parts(path, rows, full), command)


def _with_few_values(worst: list[Row]) -> list[Row]:
    """The first of these cells, as far as they do not have too many values together; one at least."""
    before = accumulate((row.compared + row.not_comparable for row in worst), initial=0)
    return [row for row, count in zip(worst, before, strict=False) if count < MOST_VALUES]


def _left(document: SweepDocument, summary: Summary, path: Path) -> Iterator[str]:
    if left := document.left_words(summary.cells, path):
        yield left


def _unread(folder: SweepFolder) -> Iterator[str]:
    if folder.bad_lines:
        yield f"{counted(folder.bad_lines, 'line')} of its rows could not be read"


def _head(summary: Summary, rows: CellRows, full: list[Row], missing: list[str]) -> dict[str, Any]:
    """What stands on top of the page; `missing`: what of the sweep is not on it."""
    is_whole = summary.count(Outcome.OK) and not missing
    style = "bad" if summary.bad else "well" if is_whole else "notice"
    told = [*sentences(summary.shares), *summary.shortfalls.sentences()]
    bad = [group for group in summary.groups if group.is_bad]
    notes = [f"note: {one.text} ({cells_words(one.numbers, one.count)})" for one in summary.told]
    lines = [
        (outcome_words(summary), style),
        *((one, "notice") for one in missing),
        *((one, "") for one in told),
        *((one, "aside") for one in notes),
    ]
    return {
        "lines": [{"text": text, "style": one} for text, one in lines],
        "axes": [{"key": key, "values": [*values]} for key, values in rows.axes().items()],
        "outcomes": [
            {"text": word, "count": count, "about": word.meaning} for word, count in summary.outcomes().items()
        ],
        "failures": [_failure(group) for group in bad[:MOST_FAILURES]],
        "more_failures": max(0, len(bad) - MOST_FAILURES),
        "quiet": [_quiet(group) for group in summary.groups if not group.is_bad],
        "cells": len(rows.rows),
        "full": [row.number for row in full],
    }


def _failure(group: Group) -> dict[str, Any]:
    """A kind of failure, with the worst of its cells."""
    worst = group.worst[0]
    return {
        "lines": plain_lines(why_failed(group)),
        "cell": worst.number,
        "value": worst.culprit.value if worst.culprit is not None else "" if worst.where is None else worst.where.value,
        "command": worst.command,
        "cells": group.numbers,
        "count": group.count,
    }


def _quiet(group: Group) -> dict[str, Any]:
    """Cells of an outcome that is no failure, and why it is theirs."""
    return {
        "outcome": group.outcome,
        "ran": group.outcome not in ABSENT,
        "why": why_of(group),
        "numbers": group.numbers,
        "count": group.count,
        "command": group.row.command,
    }


# the parts


def _parts(path: Path, rows: CellRows, full: list[Row]) -> Iterator[tuple[str, Any]]:
    matrix = UsedMatrix()
    for one in rows.rows:
        matrix.add(_used(path, one))
    outlined = [matrix.columns_of(one.blamed or (one.start,)) for one in rows.rows]
    shown = [
        command_of(["recipe", "page", str(path / one.folder), *ops_words()]) if one.folder else "" for one in rows.rows
    ]
    yield "rows", {**rows.to_plain(), "outlined": outlined, "shown": shown}
    yield "matrix", {**matrix.to_plain(), "left_out": matrix.left_out}
    left = Allowance()
    for row in full:
        yield from _cell(path, row, left)


def _used(path: Path, row: ShortRow) -> tuple[UsedValue, ...]:
    """What each value of a cell used; of one that kept no results, or none that can be read, its worst value."""
    try:
        return used_values(read_file(path / row.folder / COMPARISON)) if row.folder else _alone(row)
    except (OSError, ValueError):
        return _alone(row)


def _alone(row: ShortRow) -> tuple[UsedValue, ...]:
    return () if row.worst is None else (row.worst,)


def _cell(path: Path, row: Row, left: Allowance) -> Iterator[tuple[str, Any]]:
    """The parts of a cell in full: what is told of it, its run, and what was expected."""
    folder, prefix = path / row.folder, f"cell-{row.number}/"
    saved = _saved(row, folder)
    yield f"{prefix}cell", cell_plain(row, folder, unread=saved if isinstance(saved, str) else "")
    if not isinstance(saved, str):
        yield from run_parts(saved, prefix, folder)
        yield f"{prefix}expected", expected_plain(saved, row, folder, left)


def _saved(row: Row, folder: Path) -> Result | str:
    """A cell's result; else why there is none to read: nothing of one that did not run."""
    if not row.folder:
        return "its results were not kept: of its values the worst alone is known" if row.worst else ""
    try:
        return read_result(folder)
    except StorageError as error:
        return str(error)
