"""One cell of a sweep, run and judged: composed, bound, run, saved, held against its reference. In a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from tensorflow_free.cell.fate import Found, outcome_of
from tensorflow_free.cell.reference import KeptRuns, NoReference, yardstick_of
from tensorflow_free.composition.compose import compose
from tensorflow_free.errors import RecipeError, UnavailableError, UnkeptError
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import plan_of, recipe_of
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.run.torch_errors import is_out_of_memory
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import run
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row, row_of_cell
from tensorflow_free.tensors.devices import best_device
from tensorflow_free.text.characters import printable_json

COMPARISON: Final = "comparison.json"
"""The file in a cell's folder that holds the verdict on each value."""

Stage = Callable[[str], None]
"""Told what a worker is about to do, for the case that it does not come back."""


def _silent(stage: str) -> None:
    del stage


@dataclass
class Trial:
    """Runs cells, one after another, and judges them.

    Attributes:
        folder: the sweep's folder; None to keep no results.
        stage: told what is about to be done.
        kept: references that cells share.
        watch: told at which step a cell is, where a limit is asked for.
    """

    folder: Path | None
    stage: Stage = _silent
    kept: KeptRuns = field(default_factory=KeptRuns)
    watch: Watch | None = None

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
        row = row_of_cell(cell, None, Outcome.REFUSED)
        try:
            composed = compose(cell.recipe, cell.overrides, best_device=best_device)
            row = row_of_cell(cell, composed.mapping, Outcome.REFUSED)
            recipe = recipe_of(composed)
        except UnavailableError as error:
            return row.model_copy(update={"outcome": Outcome.UNAVAILABLE, "reason": _brief(error)})
        except RecipeError as error:
            return row.model_copy(update={"reason": str(error), "exit_code": ExitCode.WRONG})
        result, cause = run(plan_of(recipe), watch=self.watch)
        if self.watch is not None:
            self.watch.at(plan_of(recipe), None)
        result.name = composed.stem
        comparison, without, told = self._compared(cell, recipe, result)
        found = outcome_of(result, cause, comparison, without)
        found.told.extend(told)
        found.told.extend(self._save(cell, result, comparison))
        made = _row(row, found, comparison, cell.folder if self.folder is not None else "")
        if result.has_failed and is_out_of_memory(cause):
            return made.model_copy(update={"outcome": Outcome.OUT_OF_MEMORY})
        return made

    def _compared(self, cell: Cell, recipe: Recipe, result: Result) -> tuple[Comparison | None, str, list[str]]:
        """The cell's values against its reference, or None and why there is none; and what is to be told of that."""
        if result.error is not None and not result.error.expected:
            return None, "", []
        self.stage("running its reference")
        try:
            yardstick = yardstick_of(cell.recipe, cell.overrides, recipe, self.kept)
        except NoReference as error:
            return None, str(error), []
        self.stage("judging it")
        return yardstick.compare(result), "", list(_shared_ops(result, yardstick.reference))

    def _save(self, cell: Cell, result: Result, comparison: Comparison | None) -> Iterator[str]:
        """Keep the result; tells what of it could not be kept, as a file has changed meanwhile."""
        if self.folder is None:
            return
        self.stage("writing its result")
        more = {} if comparison is None else {COMPARISON: _json(comparison)}
        # whoever began the sweep has tidied up
        try:
            result.on_disk().write(self.folder / cell.folder, more=more, tidy=False)
        except UnkeptError as error:
            yield str(error)


def _json(comparison: Comparison) -> str:
    return printable_json(json.dumps(comparison.to_plain(), allow_nan=False, ensure_ascii=False)) + "\n"


def _shared_ops(result: Result, reference: Result) -> Iterator[str]:
    """That an op of the user's own is its own measure, if it is."""
    for name in result.ops:
        if name in reference.ops:
            yield (
                f"'{name}' is an op of your own and runs in the reference, too, so that what is wrong with it in both "
                f"does not show; hold it against another: '+reference={{steps.STEP.op: OP}}'"
            )


def _row(row: Row, found: Found, comparison: Comparison | None, folder: str) -> Row:
    update: dict[str, Any] = {
        "outcome": found.outcome,
        "reason": found.reason,
        "exit_code": found.exit_code if found.outcome == Outcome.FAILED else None,
        "told": found.told,
        "unmet": found.unmet if found.outcome in (Outcome.FAILED, Outcome.MISMATCH) else [],
        "folder": folder,
    }
    if comparison is not None:
        worst = comparison.worst
        # of a fixed cell nothing starts anywhere: what is out of bounds in it is marked, and is not why it fails
        where = None if comparison.where is None or found.outcome == Outcome.FIXED else comparison.to_plain()["where"]
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
