"""Cells that another sweeper of Hydra's chooses, run batch by batch in local workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.composition.recipe_files import decoded
from tensorflow_free.sweep.cells import Cell, capability_of
from tensorflow_free.sweep.sweep import Sweep
from tensorflow_free.text.phrases import seen_from_here


class Chosen:
    """The cells of a sweep, as they are chosen: what Hydra gives to our launcher as the function that runs a job.

    Args:
        sweep: whose cells they are.
        recipes: the file of each recipe, by the name of its option.
        beside: overrides that the sweeper is not told, and every cell has.
    """

    def __init__(self, sweep: Sweep, recipes: Mapping[str, Path], beside: Sequence[Override]) -> None:
        self.sweep = sweep
        self._recipes = recipes
        self._beside = tuple(beside)
        self._cells: list[Cell] = []
        sweep.choose(self._cells)

    def __call__(self, config: Any) -> Any:
        """Run one job, which our launcher does not ask for."""
        raise AssertionError(config)  # pragma: no cover - it calls `run_cells`

    def run_cells(self, jobs: Sequence[Sequence[str]], first: int) -> Iterator[float]:
        """Run a cell for each job: the share of the allowed error that its worst value used, or infinity.

        Args:
            jobs: the overrides of each.
            first: the number of the first.
        """
        wanted = dict.fromkeys(range(first, first + len(jobs)), float("inf"))
        self._cells += [self._cell(number, texts) for number, texts in zip(wanted, jobs, strict=True)]
        self.sweep.choose(self._cells)
        for row in self.sweep:
            if row.number in wanted and row.used is not None:
                wanted[row.number] = row.used
        return iter(wanted.values())

    def _cell(self, number: int, texts: Sequence[str]) -> Cell:
        options = [text.partition("=")[2].strip("'") for text in texts if text.partition("=")[0] == GROUP]
        file = self._recipes[decoded(options[-1])] if options else next(iter(self._recipes.values()))
        # the mark by which Hydra takes a new key changes nothing here
        chosen = (as_override(text.removeprefix("++")) for text in texts if text.partition("=")[0] != GROUP)
        overrides = (*chosen, *self._beside)
        axes = tuple((override.key, override.value_text) for override in overrides)
        recipe = str(seen_from_here(file))
        return Cell(number, recipe, overrides, axes, str(number), capability_of(overrides))
