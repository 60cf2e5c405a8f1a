"""One cell of a sweep in a worker: composed, bound, run, saved, compared with its reference."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from tensorflow_free.cell.blaming_safely import blamed_safely, is_red
from tensorflow_free.cell.fate import Fate, fate_of, fate_of_error
from tensorflow_free.cell.findings import shared_ops
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError, UnkeptError
from tensorflow_free.judging.settled import as_far_as
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import load_recipe, plan_of, recipe_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import AnyReason, Hidden, OfNames, Problems, RunsDiffer
from tensorflow_free.outcome.sentences import words
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.result.result import Result
from tensorflow_free.run.out_of_memory import give_back_memory
from tensorflow_free.run.watching import Watch
from tensorflow_free.sweep.cell_store import CellStore
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row, RowWhere, judgement_of, row_of_cell
from tensorflow_free.tensors.devices import best_device
from tensorflow_free.text.characters import printable_json

Stage = Callable[[str], None]
"""Told what a worker is about to do, for the case that it does not come back."""


def _silent(told: object) -> None:
    del told


class NotAgain(Exception):
    """A cell that is run again for its error, and has none now."""


@dataclass
class Trial:
    """Runs cells, one after another, and judges them.

    Attributes:
        folder: the sweep's folder; None to keep no results.
        stage: told what is about to be done.
        kept: references that cells share.
        watch: told at which step a cell is, where a limit is asked for.
        judged: told the row of a red cell before its culprit is looked for, in case the worker does not come back.
        used: the devices that the cell uses which is running.
    """

    folder: Path | None
    stage: Stage = _silent
    kept: KeptRuns = field(default_factory=KeptRuns)
    watch: Watch | None = None
    judged: Callable[[Row], None] = _silent
    used: Sequence[str] = ()
    store: CellStore | None = field(init=False)

    def __post_init__(self) -> None:
        self.store = None if self.folder is None else CellStore(self.folder)

    def row(self, cell: Cell) -> Row:
        """Run a cell. Nothing is raised for what a recipe does.

        Raises:
            StorageError: its folder cannot be written.
        """
        return self._timed(cell, exact=False)

    def exact_row(self, cell: Cell) -> Row | None:
        """Run a cell again whose error showed late, with a synchronisation after each step, so that the step is known.

        Returns:
            Its row; None where it does not fail now, and nothing was saved.

        Raises:
            StorageError: its folder cannot be written.
        """
        try:
            return self._timed(cell, exact=True)
        except NotAgain:
            return None

    def _timed(self, cell: Cell, *, exact: bool) -> Row:
        start = perf_counter()

        def timed(row: Row) -> Row:
            return row.model_copy(update={"seconds": perf_counter() - start})

        found = timed(self._found(cell, lambda row: self.judged(timed(row)), exact=exact))
        give_back_memory(self.used, was_short=found.outcome == Outcome.OUT_OF_MEMORY)
        self.used = ()
        return found

    def _found(self, cell: Cell, judged: Callable[[Row], None], *, exact: bool) -> Row:
        self.stage("running the cell")
        row = row_of_cell(cell, None, Outcome.REFUSED)
        try:
            composed = compose(cell.recipe, cell.overrides, best_device=best_device)
            row = row_of_cell(cell, composed.mapping, Outcome.REFUSED)
            recipe = recipe_of(composed)
        except RecipeError as error:
            return with_fate(row, fate_of_error(error))
        plan = replace(plan_of(recipe), exact=exact)
        self.used = plan.devices
        result, _ = run_judged(plan, watch=self.watch, is_bad=lambda one: self._is_bad(cell, recipe, one))
        if self.watch is not None:
            self.watch.at(plan, None)
        if exact and result.error is None:
            raise NotAgain
        result.name = composed.stem
        against, failed, notes = self._compared(cell, recipe, result)
        fate = fate_of(result, against, failed=failed)
        comparison = against if isinstance(against, Comparison) else None
        fate.notes.extend([*notes, *self._save(cell, result, comparison)])
        used = [] if result.environment is None else result.environment.used
        kept = cell.folder if self.store is not None else ""
        row = row.model_copy(update={"folder": kept, "devices": used, "compiled": result.compiled})
        if comparison is not None and (is_red(comparison, result) or recipe.judge.isolated):
            judged(with_fate(row, fate, comparison))
            comparison = self._blamed(cell, recipe, result, comparison)
            told = [*fate.notes, *(() if comparison.blame is None else comparison.blame.notes)]
            fate = fate_of(result, comparison, failed=failed)
            fate.notes.extend(note for note in told if note not in fate.notes)
        return with_fate(row, fate, comparison)

    def _blamed(self, cell: Cell, recipe: Recipe, result: Result, comparison: Comparison) -> Comparison:
        """The comparison with the culprits, and its file, too."""
        self.stage("finding the culprit")
        overrides, recipe = _as_far(cell, recipe, result)
        found = self._culprits(cell, overrides, recipe, result, comparison)
        if self.store is not None:
            self.store.judge_again(cell.folder, _json(found))
        return found

    def _culprits(
        self, cell: Cell, overrides: Sequence[Override], recipe: Recipe, result: Result, comparison: Comparison
    ) -> Comparison:
        """The comparison with the steps that are wrong for their own inputs."""
        return blamed_safely(cell.recipe, overrides, recipe, result, comparison, self.kept)

    def _is_bad(self, cell: Cell, recipe: Recipe, result: Result) -> bool:
        """Whether one of several runs is wrong."""
        against, failed, _ = self._compared(cell, recipe, result)
        self.stage("running the cell")
        return fate_of(result, against, failed=failed).outcome.is_bad

    def _compared(
        self, cell: Cell, recipe: Recipe, result: Result
    ) -> tuple[Comparison | NoReference | None, Problems | None, list[AnyReason]]:
        """The cell's values against its reference, or why there is none; why that stopped; and what is to be told."""
        if result.has_failed and not _has_made(result):
            return None, None, []
        self.stage("running its reference")
        try:
            overrides, recipe = _as_far(cell, recipe, result)
            yardstick = yardstick_of(cell.recipe, overrides, recipe, self.kept)
        except NoReference as why:
            if why.partial is None:
                return why, None, []
            yardstick = why.partial
        self.stage("judging it")
        notes = [*shared_ops(result, yardstick.reference), *yardstick.notes]
        return yardstick.compare(result), yardstick.failed, notes

    def _save(self, cell: Cell, result: Result, comparison: Comparison | None) -> Iterator[AnyReason]:
        """Keep the result; tells what of it could not be kept, as a file has changed meanwhile."""
        if self.store is None:
            return
        self.stage("writing its result")
        try:
            self.store.keep(cell.folder, result.on_disk(), None if comparison is None else _json(comparison))
        except UnkeptError as error:
            yield OfNames(code="not kept", name=str(error))


def _as_far(cell: Cell, recipe: Recipe, result: Result) -> tuple[Sequence[Override], Recipe]:
    """The overrides and the recipe of a cell that ends where its run stopped."""
    more = [as_override(text) for text in as_far_as(result)]
    overrides = [*cell.overrides, *more]
    return overrides, load_recipe(cell.recipe, overrides) if more else recipe


def _json(comparison: Comparison) -> str:
    return printable_json(json.dumps(comparison.to_plain(), allow_nan=False, ensure_ascii=False)) + "\n"


def _has_made(result: Result) -> bool:
    """Whether a run came to any value before it stopped."""
    return any(
        record.kind != "tensor" and record.value is not None and not record.unstored
        for record in result.records.values()
    )


def with_fate(row: Row, fate: Fate, comparison: Comparison | None = None) -> Row:
    """A row with what became of its cell."""
    update: dict[str, Any] = {
        "outcome": fate.outcome,
        "reason": fate.reason,
        "causes": fate.causes,
        "exit_code": fate.exit_code if fate.outcome in (Outcome.FAILED, Outcome.REFUSED) else None,
        "told": [words(note) for note in fate.notes],
        "notes": fate.notes,
        "unmet": fate.unmet,
    }
    if comparison is not None:
        update |= judgement_of(comparison)
        if (apart := next((one for one in fate.causes if isinstance(one, RunsDiffer)), None)) and not comparison.bad:
            update["where"] = _where(apart)
        if hidden := next((one for one in fate.causes if isinstance(one, Hidden)), None):
            update["where"] = _where_hidden(hidden)
        if fate.outcome == Outcome.FIXED:
            # nothing starts anywhere: what is out of bounds in it is marked, and is not why it fails
            update["where"] = None
    return row.model_copy(update=update)


def _where_hidden(one: Hidden) -> RowWhere:
    """Where a step is wrong alone, all of whose values are within bounds."""
    if one.direction == "backward":
        of = one.value.removesuffix(".grad").partition(".")[0]
        return RowWhere(direction="backward", value=one.value, step=of, through=(one.step,))
    return RowWhere(direction="forward", value=one.value, step=one.step, op=one.op)


def _where(apart: RunsDiffer) -> RowWhere:
    """Where the runs of a cell differ first, all of whose values are within bounds."""
    return RowWhere(direction=apart.direction, value=apart.value, step=apart.step, op=apart.op, through=apart.through)
