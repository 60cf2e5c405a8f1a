"""A support matrix as a page, and in Markdown: a line an op, a column a dtype."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tensorflow_free.outcome.outcomes import BAD, Outcome, well_first
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.support.kinds_of_row import KINDS_OF_VALUES, OpSide
from tensorflow_free.support.matrix_file import SKIPPED, MatrixFile, SupportCell, SupportRow
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import Grid, Line, Page, Style, Words, column, grid, line, parted
from tensorflow_free.text.phrases import counted, cut, some

MOST_ROWS: Final = 60
"""Ops of which each has a line; of more, only those of which not all is ok."""

MOST_TOLD: Final = 40
"""Cells whose reason and command are shown; `matrix.json` has all."""

LONGEST_REASON: Final = 300
"""Characters of a reason."""

MOST_PLACES: Final = 6
"""Cells of one reason that are named."""

NONE: Final = "-"
"""What stands for a gradient that there is not."""


def page_of(matrix: MatrixFile, *, every: bool = False) -> Page:
    """The whole page: the ops, what is not ok, and how many of each there are.

    Args:
        matrix: the matrix.
        every: whether each op has a line, however many there are.
    """
    few = every or len(matrix.rows) <= MOST_ROWS
    shown = [row for row in matrix.rows if few or not is_well(row)]
    left = len(matrix.rows) - len(shown)
    more = f"and {counted(left, 'op')} of which all is ok, or which PyTorch does not have; --all shows each"
    return parted(
        [
            [line(heading_of(matrix), "title")],
            [_rows(matrix, shown)] if shown else [],
            [line(more, "aside")] if left else [],
            list(failures_of(matrix)),
            [_counts(matrix)],
            [line(last_words(matrix), "bad" if matrix.exit_code() else "title")],
        ]
    )


def failures_of(matrix: MatrixFile) -> Page:
    """What is not ok, the worst first: each reason once, where it is, and the command that shows the first of them."""
    told: dict[tuple[Outcome, str, bool | None], list[tuple[str, SupportCell]]] = {}
    for row, dtype, kind, cell in matrix.cells():
        if isinstance(cell.outcome, Outcome) and cell.outcome != Outcome.OK:
            why = (cell.outcome, first_line(cell.reason), cell.on_cpu)
            told.setdefault(why, []).append((f"{row.name} {dtype} {kind}", cell))
    groups = [ones for _, ones in sorted(told.items(), key=lambda group: group[0][0].rank)]
    left = len(groups) - MOST_TOLD
    more = [line(f"and {left:,} more; matrix.json has them all", "aside")] if left > 0 else []
    return parted([*(list(_failure(ones)) for ones in groups[:MOST_TOLD]), more])


def heading_of(matrix: MatrixFile) -> str:
    """What was run: `cpu, float32, 702 entries of PyTorch's operator database, 1 sample each, torch 2.13.0`."""
    names = [row for row in matrix.rows if row.source == "database"]
    of = f"{len(names):,} of {matrix.entries:,} entries"
    samples = "all samples" if matrix.samples is None else f"{counted(matrix.samples, 'sample')} each"
    recipes = len(matrix.rows) - len(names)
    return ", ".join(
        [
            " ".join([matrix.device, *matrix.overrides]),
            " ".join(matrix.dtypes),
            *([f"{of} of PyTorch's operator database", samples] if names else []),
            *([counted(recipes, "recipe")] if recipes else []),
            *(["values alone"] if matrix.forward else []),
            f"torch {matrix.environment.get('torch', '?')}",
        ]
    )


def is_well(row: SupportRow) -> bool:
    """Whether all that is there of an op is ok."""
    return all(cell.outcome == Outcome.OK for kinds in row.dtypes.values() for cell in kinds.values())


def mark_of_cell(kinds: Mapping[OpSide, SupportCell] | None) -> str:
    """What stands in the table: `ok/ok`, `ok/MISMATCH`, `ok/-` without a gradient; nothing where PyTorch has it not."""
    if not kinds:
        return ""
    marks = [mark_of(kinds[kind].outcome).text if kind in kinds else NONE for kind in KINDS_OF_VALUES]
    return SKIPPED if marks[0] == SKIPPED else "/".join(marks)


def _rows(matrix: MatrixFile, shown: Sequence[SupportRow]) -> Grid:
    first = column("op", [row.name for row in shown], "name")
    return grid([first, *(column(dtype, [_mark(row, dtype) for row in shown]) for dtype in matrix.dtypes)])


def _mark(row: SupportRow, dtype: str) -> Words:
    kinds = row.dtypes.get(dtype)
    found = [cell.outcome for cell in (kinds or {}).values()]
    well = all(one == Outcome.OK for one in found)
    style: Style = "bad" if any(one in BAD for one in found) else "good" if well else "notice"
    return Words(mark_of_cell(kinds), style)


def _failure(ones: Sequence[tuple[str, SupportCell]]) -> Iterator[Line]:
    first = ones[0][1]
    yield Line((mark_of(first.outcome), Words(f"  {some((place for place, _ in ones), MOST_PLACES)}")))
    yield line(first_line(first.reason), indent=2)
    if all(cell.on_cpu for _, cell in ones):
        yield line(ON_CPU, "aside", indent=2)
    yield line(first.command, "name", indent=4, is_whole=True)


ON_CPU: Final = "eager PyTorch on the CPU is out of bounds there, too"
"""Of a mismatch that is not the device's alone."""


def first_line(reason: str) -> str:
    """A reason's first line, as far as it is shown."""
    return cut(in_a_line(reason.partition("\n")[0]), LONGEST_REASON)


def outcomes_in(matrix: MatrixFile) -> list[str]:
    """The outcomes that there are: ok, then the worst first, what was skipped last."""
    there = {cell.outcome for *_, cell in matrix.cells()}
    known = well_first(one for one in there if isinstance(one, Outcome))
    return [*map(str, known), *([SKIPPED] if SKIPPED in there else [])]


def counts_table(matrix: MatrixFile) -> tuple[list[str], list[list[str]]]:
    """How many cells came to what: the headings, and a row a dtype and kind."""
    outcomes = outcomes_in(matrix)
    lines = []
    for dtype in matrix.dtypes:
        for kind in KINDS_OF_VALUES:
            if counts := matrix.counts(dtype, kind):
                total = f"{counts.total():,}"
                lines.append([dtype, kind, total, *(f"{counts[one]:,}" if counts[one] else "" for one in outcomes)])
    return ["dtype", "", "cells", *outcomes], lines


def _counts(matrix: MatrixFile) -> Grid:
    headings, lines = counts_table(matrix)
    left = ("dtype", "")
    return grid(
        column(heading, [cells[position] for cells in lines], align="left" if heading in left else "right")
        for position, heading in enumerate(headings)
    )


def last_words(matrix: MatrixFile) -> str:
    """How many cells there are, and how many are ok, in a sentence."""
    cells = [cell for *_, cell in matrix.cells()]
    good = sum(cell.outcome == Outcome.OK for cell in cells)
    ended = "" if matrix.finished else " It is not finished."
    return f"{counted(len(cells), 'cell')} of op, dtype, value or gradient: {good:,} ok.{ended}"


# Markdown


def markdown_of(matrix: MatrixFile) -> str:
    """The matrix in Markdown: how many of each there are, what is not ok, and a row an op."""
    headings, counts = counts_table(matrix)
    failing = [
        [
            row.name,
            dtype,
            kind,
            str(cell.outcome),
            f"{first_line(cell.reason)}{f'; {ON_CPU}' if cell.on_cpu else ''}",
            cell.recipe,
        ]
        for row, dtype, kind, cell in matrix.cells()
        if cell.outcome != Outcome.OK
    ]
    ops = [[row.name, *(mark_of_cell(row.dtypes.get(dtype)) for dtype in matrix.dtypes)] for row in matrix.rows]
    parts = [[f"# Support matrix: {heading_of(matrix)}"], _table(headings, counts)]
    if failing:
        parts += [["## Not ok"], _table(["op", "dtype", "", "outcome", "why", "recipe"], failing)]
    about = "Value/gradient; empty where PyTorch does not have it."
    parts += [["## All", "", about], _table(["op", *matrix.dtypes], ops)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headings)} |",
        f"|{' --- |' * len(headings)}",
        *(f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows),
    ]


def _escaped(text: str) -> str:
    """A text in a table's cell: no bar parts it, nothing in it is markup."""
    return "".join(f"\\{one}" if one in "|*_`<>[]\\" else one for one in text)
