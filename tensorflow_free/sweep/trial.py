"""One cell of a sweep, run and judged: composed, bound, run, saved, held against its reference. In a worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from tensorflow_free.comparison import Comparison
from tensorflow_free.composition import compose
from tensorflow_free.devices import best_device
from tensorflow_free.errors import RecipeError, StorageError, UnavailableError
from tensorflow_free.loading import plan_of, recipe_of
from tensorflow_free.outcomes import Found, outcome_of
from tensorflow_free.recipe import Recipe
from tensorflow_free.reference import Kept, NoReference, yardstick_of
from tensorflow_free.result import Result
from tensorflow_free.runner import run
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row

COMPARISON: Final = "comparison.json"
"""The file in a cell's folder that holds the verdict on each value."""

Stage = Callable[[str], None]
"""Told what a worker is about to do, for the case that it does not come back."""


def _silent(stage: str) -> None:
    del stage


@dataclass
class Trial:
    """Runs cells, one after another, and keeps the references that cells share.

    Attributes:
        folder: the sweep's folder; None to keep no results.
        stage: told what is about to be done.
        signed_zeros: whether -0.0 is told from 0.0.
    """

    folder: Path | None
    stage: Stage = _silent
    kept: Kept = field(default_factory=Kept)

    def row(self, cell: Cell) -> Row:
        """Run a cell. Nothing is raised for what a recipe does.

        Raises:
            StorageError: its folder cannot be written.
        """
        start = perf_counter()
        found = self._found(cell)
        return found.model_copy(update={"seconds": perf_counter() - start})

    def _found(self, cell: Cell) -> Row:
        self.stage("running the cell")
        row = Row(
            number=cell.number,
            recipe=cell.recipe,
            overrides=list(cell.overrides),
            axes=dict(cell.axes),
            outcome="refused",
        )
        try:
            composed = compose(cell.recipe, cell.overrides, best_device=best_device)
            row = _named(row, composed.mapping)
            recipe = recipe_of(composed)
        except UnavailableError as error:
            return row.model_copy(update={"outcome": "unavailable", "reason": _brief(error)})
        except RecipeError as error:
            return row.model_copy(update={"outcome": "refused", "reason": str(error), "exit_code": 2})
        result, cause = run(plan_of(recipe))
        result.name = composed.stem
        comparison, without = self._compared(cell, recipe, result)
        found = outcome_of(result, cause, comparison, without)
        self._save(cell, result, comparison)
        return _row(row, found, comparison, cell.folder if self.folder is not None else "")

    def _compared(self, cell: Cell, recipe: Recipe, result: Result) -> tuple[Comparison | None, str]:
        """The cell's values against its reference, or None and why there is none."""
        if result.error is not None and not result.error.expected:
            return None, ""
        self.stage("running its reference")
        try:
            yardstick = yardstick_of(cell.recipe, cell.overrides, recipe, self.kept)
        except NoReference as error:
            return None, str(error)
        self.stage("judging it")
        return yardstick.compare(result), ""

    def _save(self, cell: Cell, result: Result, comparison: Comparison | None) -> None:
        if self.folder is None:
            return
        folder = self.folder / cell.folder
        self.stage("writing its result")
        result.save(folder)
        if comparison is None:
            return
        text = json.dumps(comparison.to_plain(), allow_nan=False, ensure_ascii=False)
        try:
            written = folder / f".{COMPARISON}"
            written.write_text(text + "\n", encoding="utf-8")
            written.replace(folder / COMPARISON)
        except OSError as error:
            raise StorageError(f"{folder}: the comparison cannot be written: {error.strerror}") from error


def _named(row: Row, mapping: dict[str, Any]) -> Row:
    """The row with the cell's own words, as far as they are right."""
    backend = mapping.get("backend", "eager")
    name = backend.get("name", "") if isinstance(backend, dict) else backend
    words = {"device": mapping.get("device", "cpu"), "dtype": mapping.get("dtype", "float32"), "backend": name}
    case = mapping.get("case")
    update = {key: str(word) for key, word in words.items()}
    return row.model_copy(update={**update, "case": None if case is None else str(case)})


def _row(row: Row, found: Found, comparison: Comparison | None, folder: str) -> Row:
    update: dict[str, Any] = {
        "outcome": found.outcome,
        "reason": found.reason,
        "exit_code": found.exit_code if found.outcome == "failed" else None,
        "told": found.told,
        "folder": folder,
    }
    if comparison is not None:
        worst = comparison.worst
        where = comparison.to_plain()["where"] if comparison.where is not None else None
        update |= {
            "where": where,
            "rule": "" if worst is None else worst.rule,
            "used": None if worst is None else worst.used,
            "worst": None if worst is None else worst.to_plain(),
            "compared": comparison.compared,
            "not_comparable": comparison.not_comparable,
        }
    return Row.model_validate({**row.model_dump(), **update})


def _brief(error: RecipeError) -> str:
    return "; ".join(problem.message for problem in error.problems)
