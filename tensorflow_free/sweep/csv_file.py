"""A sweep's rows for other tools: `sweep.csv`. Does not import torch."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tensorflow_free.errors import StorageError
from tensorflow_free.files.whole_files import replacing
from tensorflow_free.sweep.rows import MEASURES, Row
from tensorflow_free.text.characters import in_a_line, printable

FIRST: Final = ("cell", "recipe")
LAST: Final = (
    *("outcome", "where", "unmet", "used", *MEASURES, "rule", "reason", "folder"),
    *("culprit", "culprit_op", "direction", "noise", "round", "shows_at", "amplified"),
    *("forward_only",),
    *("graphs", "graph_ops", "graph_breaks", "fell_back"),
)
"""Columns before and behind those of the axes; the measures are those of the worst value.
`unmet` lists the expectations that do not hold. The last are those of the first step that is wrong for its own inputs;
`where` is the first value out of bounds, whatever it comes from. `forward_only`: no gradients in it;
`graphs` and what follows tell what a compiler ran.
"""

_FORMULA: Final = re.compile("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
"""What some spreadsheet takes for the beginning of a formula, the wide forms included."""

_PLAIN_NUMBER: Final = re.compile(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)


class CsvTable:
    """The table of a sweep, gathered row by row in any order: a line for each cell, and a column for each axis.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._lines: list[tuple[int, tuple[Any, ...], Mapping[str, str]]] = []
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take a row in; each cell's once."""
        self._lines.append((row.number, cells_of(row), row.axes))

    def write(self, path: Path) -> None:
        """Write it in the order of the cells' numbers, whole or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        _write(sorted(self._lines, key=lambda line: line[0]), path)


def write_csv(rows: Iterable[Row], path: Path) -> None:
    """Write the table of some rows, whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    CsvTable(rows).write(path)


def _write(written: Sequence[tuple[int, tuple[Any, ...], Mapping[str, str]]], path: Path) -> None:
    axes = axes_of(axes for _, _, axes in written)
    try:
        with (
            replacing(path) as beside,
            beside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*FIRST, *map(safe_cell, axes), *LAST])
            for _, cells, values in written:
                line = [*cells[: len(FIRST)], *(values.get(key, "") for key in axes), *cells[len(FIRST) :]]
                writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in line])
    except OSError as error:
        raise StorageError(f"{path}: the table cannot be written: {error.strerror or error}") from error


def axes_of(axes: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The axes' keys, in the order of the first cells that have them; the recipe has a column of its own."""
    return tuple(dict.fromkeys(key for each in axes for key in each if key not in FIRST))


def cells_of(row: Row) -> tuple[Any, ...]:
    """The cells of `FIRST` and `LAST`, in their order; None where there is nothing."""
    measure = (row.worst or {}).get("measure") or {}
    return (
        row.number,
        row.recipe,
        row.outcome,
        row.first,
        ", ".join(row.unmet),
        row.used,
        *(None if measure.get(key) is None else float(measure[key]) for key in MEASURES),
        row.rule,
        in_a_line(row.reason),
        row.folder,
        *_blame(row),
        row.forward or None,
        *_compiled(row),
    )


def _compiled(row: Row) -> tuple[Any, ...]:
    """What is told of the compiler."""
    one = row.compiled
    if one is None:
        return (None,) * 4
    breaks = "; ".join(f"{found.step}: {found.reason}" for found in one.breaks)
    return one.graphs, one.ops, breaks or None, "; ".join(one.fell_back) or None


def _blame(row: Row) -> tuple[Any, ...]:
    """What is told of the culprit."""
    blame, one = row.blame, row.culprit
    if blame is None or one is None:
        return (None,) * 7
    rounds = ", ".join(map(str, one.rounds)) or None
    return one.step, one.op, one.direction, one.noise, rounds, blame.shows_at, blame.amplified


@lru_cache(maxsize=1024)
def safe_cell(text: str) -> str:
    """The text in one line, as a spreadsheet shows it and does not calculate it."""
    words = printable(text)
    return f"'{words}" if _FORMULA.match(words) and not _PLAIN_NUMBER.fullmatch(words) else words
