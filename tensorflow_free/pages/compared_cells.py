"""The cells of two sweeps that were compared, as rows of a page."""

from __future__ import annotations

from typing import Final

from tensorflow_free.judging.wording import error_of, share_of
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.pages.case_list import CaseRow
from tensorflow_free.sweep.rows import Row

CELLS_COMPARED: Final = ("outcome", "cell", "recipe", "differs first at", "used", "largest error", "why")
"""The headings of what is told of a cell of both sweeps."""


def compared_cell(row: Row) -> CaseRow:
    """A cell of both sweeps, or of one of them, in a row."""
    worst = {"outcome": row.outcome, "used": row.used, **(row.worst or {})}
    cell = " ".join(f"{key}={value}" for key, value in row.axes.items())
    used = "" if row.used is None else share_of(worst)
    error = "" if row.worst is None else error_of(row.worst)
    mark = mark_of(row.outcome, is_bad=row.is_bad)
    told = (mark, cell or str(row.number), row.recipe, row.place, used, error, row.reason.partition("\n")[0])
    return CaseRow(told, row.is_bad, row.used, row.command)
