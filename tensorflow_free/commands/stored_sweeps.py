"""Two sweeps on disk compared cell by cell; no cell runs again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tensorflow_free.cell.findings import notes_of, shortfalls_of
from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.commands.asked_comparison import AskedComparison
from tensorflow_free.commands.page_file import put_page
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.sweep_table import unreadable
from tensorflow_free.commands.told_sweeps import tell_sweep
from tensorflow_free.errors import StorageError
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import CellOutcome, Outcome
from tensorflow_free.outcome.plain_reasons import Bare, Differing
from tensorflow_free.outcome.reasons import AnyReason, CellMismatch, OfNames, Problems
from tensorflow_free.outcome.sentences import words
from tensorflow_free.pages.case_list import CaseList
from tensorflow_free.pages.compared_cells import CELLS_COMPARED, compared_cell
from tensorflow_free.pages.page_of_pair import RunPair, pair_section
from tensorflow_free.report.runs_apart import stopped_apart
from tensorflow_free.result.reading import read_result
from tensorflow_free.result.result import Result
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.pairs import RowPair, pairs_of
from tensorflow_free.sweep.rows import Row, judgement_of
from tensorflow_free.sweep.summary import Heading, Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.text.characters import command_of

CELL_FIELDS: Final = ("recipe", "overrides", "axes", "case", "device", "dtype", "backend")
"""What a row says of its cell, whatever became of it."""


NOTHING: Final = "nothing was compared, which is not agreement"


def compare_sweeps(pair: tuple[Path, Path], asked: AskedComparison) -> int:
    """Hold the cells of a sweep against those of another, and table what came of it: the exit code.

    Args:
        pair: the folders of both, first that of the sweep that is judged.
        asked: how to judge, and where it is told.

    Raises:
        StorageError: a sweep cannot be read, or the page not written.
    """
    mine, its = pair
    flags = asked.flags
    folders = [SweepFolder(one) for one in pair]
    documents = [folder.document() for folder in folders]
    pairs = pairs_of(list(folders[0].rows()), list(folders[1].rows()))
    torch = " and ".join(dict.fromkeys(one.torch for one in documents))
    summary = Summary(Heading(len(pairs), str(its), torch))
    rows: list[Row] = []
    listed = CaseList(CELLS_COMPARED)
    for number, rows_of_cell in enumerate(pairs):
        row, runs = _row(number, rows_of_cell, pair, asked.judging)
        row = row.strictly() if asked.strict else row
        summary.add(row)
        if asked.page is not None:
            shown = runs if listed.wants(is_bad=row.is_bad) else None
            listed.add(compared_cell(row), None if shown is None else pair_section(shown))
        if flags.json:
            rows.append(row)
    is_well = not summary.bad and any(summary.count(one) for one in (Outcome.OK, Outcome.PARTLY_JUDGED))
    if flags.json:
        put_json({"well": is_well, "rows": [row.model_dump(mode="json") for row in rows]})
    elif not (is_well and flags.quiet):
        put(page_of(summary))
        for folder in folders:
            if folder.bad_lines:
                complain(unreadable(folder))
    if not flags.json and not summary.bad and not is_well:
        complain(NOTHING)
    notes = [] if summary.bad or is_well else [NOTHING]
    tell_sweep(summary, None, asked.report, [f"{mine} compared with {its}", *notes], is_bad=not is_well)
    if asked.page is not None:
        command = command_of(["recipe", "compare", str(mine), str(its)])
        put_page(listed.page(f"{mine} compared with {its}", page_of(summary), command), asked.page, flags)
    return ExitCode.OK if is_well else ExitCode.UNMET


Found = tuple[dict[str, Any], RunPair | None]
"""What a row says of a cell, and both of its runs, where they were compared."""


def _row(number: int, pair: RowPair, sweeps: tuple[Path, Path], judging: Judging) -> tuple[Row, RunPair | None]:
    """What came of a cell that both sweeps have, or one of them; and both of its runs."""
    known = pair[0] or pair[1]
    assert known is not None  # noqa: S101 - a pair has one of the two
    cell = Row(number=number, outcome=Outcome.FAILED, **{key: getattr(known, key) for key in CELL_FIELDS})
    found, runs = _found(pair, sweeps, judging)
    return cell.model_copy(update=found), runs


def _found(pair: RowPair, sweeps: tuple[Path, Path], judging: Judging) -> Found:
    """What a row says of it."""
    row, other = pair
    if row is None or other is None:
        return _unmet(Bare(code="no such cell" if other is None else "no such judged cell")), None
    if not (row.folder and other.folder):
        return _by_outcome(row, other), None
    folders = sweeps[0] / row.folder, sweeps[1] / other.folder
    try:
        results = read_result(folders[0]), read_result(folders[1])
    except StorageError as error:
        return _unmet(Problems(code="refused", problems=[str(error)])), None
    comparison = compare_stored(*results, judging)
    return _judged(*results, comparison), RunPair(folders, results, comparison)


def _by_outcome(row: Row, other: Row) -> dict[str, Any]:
    """Of cells that kept no results, only how they came out."""
    if row.outcome != other.outcome:
        differs = Differing(code="outcome differs", found=row.outcome, wanted=other.outcome)
        return _unmet(differs, *(row.causes or other.causes))
    if row.ran:
        return {"outcome": Outcome.NOT_COMPARABLE, **_why(OfNames(code="same outcome", name=row.outcome))}
    return {"outcome": row.outcome, "reason": row.reason, "causes": row.causes}


def _why(*causes: AnyReason) -> dict[str, Any]:
    """Reasons as a row has them: in words, and as data."""
    return {"reason": "\n".join(map(words, causes)), "causes": list(causes)}


def _unmet(*causes: AnyReason) -> dict[str, Any]:
    return {**_why(*causes), "exit_code": ExitCode.UNMET}


def _judged(mine: Result, its: Result, comparison: Comparison) -> dict[str, Any]:
    stopped = [Problems(code="stopped apart", problems=told)] if (told := stopped_apart(mine, its)) else []
    if stopped and not comparison.bad:
        return _unmet(*stopped)
    where = comparison.where
    first = None if where is None else comparison[where.value]
    bad = [] if first is None else [CellMismatch(value=first.name, cause=first.cause, message=first.reason)]
    left_open = list(shortfalls_of(comparison))
    notes = [*notes_of(comparison), *comparison.notes]
    outcome: CellOutcome = Outcome.OK if comparison.compared else Outcome.NOT_COMPARABLE
    if comparison.compared and left_open:
        outcome = Outcome.PARTLY_JUDGED
    if comparison.bad:
        outcome = Outcome.MISMATCH
    elif not comparison.compared and mine.error is not None:
        # both stopped where they were meant to, with the same error
        outcome = Outcome.OK
    return {
        "outcome": outcome,
        **_why(*bad, *stopped, *left_open),
        "notes": notes,
        "told": list(map(words, notes)),
        **judgement_of(comparison),
    }
