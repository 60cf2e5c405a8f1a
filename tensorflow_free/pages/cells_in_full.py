"""A sweep's cell in full, as data: the verdict on each value, alone and in the chain, and what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tensorflow_free.cell.saved_cells import reference_of_saved
from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import is_there
from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.judging.culprits import ALONE, Blame, StepVerdict
from tensorflow_free.judging.measured import Measure
from tensorflow_free.judging.reading import read_comparison
from tensorflow_free.judging.verdicts import COMPARISON, Comparison, ValueVerdict
from tensorflow_free.judging.wording import error_of, index, share_of, share_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.outcome.sentences import words
from tensorflow_free.pages.side_by_side import pictures_of
from tensorflow_free.result.result import Result
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.phrases import LONGEST, cut

CellPart = dict[str, Any]

SIDES: Final = ("actual", "expected")

MOST_EXPECTED: Final = 20
"""Cells that fail whose references run again while a page is made."""

MOST_SECONDS: Final = 60.0
"""Seconds that these cells may have taken, all together, when they ran."""


def cell_plain(row: Row, folder: Path, unread: str = "") -> CellPart:
    """What a page tells of a cell besides its run.

    Args:
        row: the cell's row.
        folder: the cell's folder.
        unread: why its result cannot be read; empty where it can.
    """
    comparison = _comparison(row, folder)
    blame = None if comparison is None else comparison.blame
    mark = mark_of(row.outcome, is_bad=row.is_bad)
    return {
        "number": row.number,
        "axes": list(row.axes.items()),
        "outcome": {"text": mark.text, "style": mark.style},
        "lines": [
            *({"text": told, "style": "bad"} for told in blame_lines(blame or row.blame)),
            *({"text": told, "style": ""} for told in row.reason.splitlines()),
            *({"text": told, "style": "aside"} for told in row.told),
            *([{"text": unread, "style": "notice"}] if unread else []),
        ],
        "commands": [row.command, *_commands(row, folder)],
        "culprits": [] if row.blame is None else [one.value for one in row.blame.culprits],
        "steps": [] if row.blame is None else [one.step for one in row.blame.culprits],
        "start": "" if row.where is None else row.where.value,
        "reference": "" if comparison is None else comparison.reference,
        "values": [] if comparison is None else [*_verdicts(comparison, blame)],
    }


def _comparison(row: Row, folder: Path) -> Comparison | None:
    """What was found of a cell's values; None where nothing was, or it cannot be read."""
    if not row.folder or not is_there(folder / COMPARISON):
        return None
    with suppress(StorageError):
        return read_comparison(folder)
    return None


def _commands(row: Row, folder: Path) -> Iterator[str]:
    """What shows more of a cell that kept its results."""
    if not row.folder:
        return
    if row.is_bad:
        yield command_of(["recipe", "blame", str(folder), *_ops(row)])
    yield command_of(["recipe", "show", str(folder)])


def _ops(row: Row) -> list[str]:
    """The flags that name the files of the user's own ops."""
    return [word for file in row.ops for word in ("--ops", file)]


def _verdicts(comparison: Comparison, blame: Blame | None) -> Iterator[CellPart]:
    alone: dict[str, list[StepVerdict]] = {}
    for one in () if blame is None else blame.steps:
        alone.setdefault(one.value, []).append(one)
    for each in comparison.values:
        yield verdict_plain(each, alone.get(each.name, ()))


def verdict_plain(found: ValueVerdict, alone: Sequence[StepVerdict] = ()) -> CellPart:
    """A verdict as a page tells it: what it used as a number and in words, the worst element, and the steps alone."""
    plain = found.to_plain()
    return {
        "name": found.name,
        "kind": found.kind,
        "op": found.op or "",
        "outcome": found.outcome,
        "tone": _tone(found.outcome),
        "used": _number(found.used) if found.outcome in (Outcome.OK, Outcome.MISMATCH) else None,
        "share": share_of(plain),
        "rule": found.rule,
        "allowed": found.allowed,
        "why": found.reason,
        "error": error_of(plain),
        "relative": None if found.measure is None else _relative(found.measure),
        "worst": _worst(found.measure),
        "alone": [_alone(one) for one in alone],
    }


def _alone(one: StepVerdict) -> CellPart:
    is_judged = one.outcome != Outcome.NOT_COMPARABLE
    return {
        "step": one.step,
        "direction": one.direction,
        "tone": _tone(one.outcome),
        "used": _number(one.used) if is_judged else None,
        "share": share_words(one.used) if is_judged else "",
        "why": "" if one.cause is None else words(one.cause, ALONE),
    }


def _tone(outcome: str) -> str:
    return "bad" if outcome == Outcome.MISMATCH else "" if outcome == Outcome.OK else "notice"


def _number(number: float) -> float | str:
    """As strict JSON holds it."""
    return number if math.isfinite(number) else "inf"


def _relative(measure: Measure) -> float | str | None:
    """The error as a share of the value: RMSE over RMS; None where the value is zero."""
    if measure.nonfinite:
        return "inf"
    return _number(measure.rmse / measure.rms) if measure.rms else None


def _worst(measure: Measure | None) -> CellPart | None:
    """The worst element; None where none was looked for."""
    if measure is None or not measure.found:
        return None
    return {"at": index(measure.at or ()), "found": measure.found, "wanted": measure.wanted}


# what was expected


@dataclass
class Allowance:
    """What references may still run again for a page."""

    cells: int = MOST_EXPECTED
    seconds: float = MOST_SECONDS

    def takes(self, row: Row) -> bool:
        """Whether that of a cell may, which then counts; that of a cell whose values are all well does not."""
        if row.outcome != Outcome.MISMATCH or not self.cells or row.seconds > self.seconds:
            return False
        self.cells, self.seconds = self.cells - 1, self.seconds - row.seconds
        return True


def expected_plain(saved: Result, row: Row, folder: Path, left: Allowance) -> CellPart:
    """What each value of a cell should have been and how far it is from that, as pictures; or why that is not known.

    Its reference runs again for that, where it may.

    Args:
        saved: the cell's run.
        row: its row.
        folder: its folder.
        left: what references may run again.
    """
    if not left.takes(row):
        shown = command_of(["recipe", "page", str(folder), *_ops(row)])
        return {
            "why": "what was expected is kept of no cell, and was computed again for the worst alone",
            "command": shown,
        }
    try:
        reference = reference_of_saved(folder, saved)
    except Exception as error:  # noqa: BLE001 - an op of the user's may raise whatever it likes
        told = str(error).partition("\n")[0] or type(error).__name__
        return {"why": f"its reference cannot run again here: {cut(told, LONGEST)}"}
    records = saved.records.items()
    pairs = {name: (one.value, reference.records[name].value) for name, one in records if name in reference.records}
    return {"values": {name: list(pictures_of(*pair, SIDES)) for name, pair in pairs.items()}}
