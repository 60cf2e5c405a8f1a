"""Commands that only look something up, against an interpreter that does nothing; large sweeps against small ones."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.commands import PAIRS, RECIPE, installed, whole
from benchmarks.figures import Effort, Figure, Side, excess, of_children
from tensorflow_free import load_recipe, run_recipe, sweep_recipe
from tensorflow_free.completion.shell_scripts import COMPLETING
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.trial import Trial

MANY: Final = 10_000
FEW: Final = 20
"""Cells of a sweep."""

VALUES: Final = ("dtype=float32,float64", "steps.y.op=add,sub", "steps.wx.op=mul,add,sub,div,maximum")
"""What else is varied beside the seed: 20 combinations."""


def one_op(effort: Effort) -> Figure:
    """`recipe ops softmax`, the table of ops kept by the run that is not counted."""
    return _against_nothing(effort, "ops", "softmax")


def all_ops(effort: Effort) -> Figure:
    """`recipe ops`, likewise."""
    return _against_nothing(effort, "ops")


def shown_run(effort: Effort) -> Figure:
    """`recipe show` of a run of recipes/linear_autograd.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        run_recipe(load_recipe(str(RECIPE))).save(folder)
        return _against_nothing(effort, "show", folder)


def completed_command(effort: Effort) -> Figure:
    """What bash is told behind `recipe ver`."""
    return _completed(effort, "recipe", "ver")


def completed_key(effort: Effort) -> Figure:
    """What it is told behind `run-recipe linear_autograd.yaml steps.y.`, for which the recipe is read."""
    return _completed(effort, "run-recipe", f"{RECIPE} steps.y.")


def completed_op(effort: Effort) -> Figure:
    """What it is told behind `run-recipe linear_autograd.yaml steps.y.op=`, for which the recipe's schema is read."""
    return _completed(effort, "run-recipe", f"{RECIPE} steps.y.op=")


def _completed(effort: Effort, command: str, typed: str) -> Figure:
    line = f"{command} {typed}"
    asked = {COMPLETING: "bash", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    with tempfile.TemporaryDirectory() as folder:
        theirs = whole([sys.executable, "-c", "pass"], folder, clock=of_children)
        words = ["env", *(f"{name}={value}" for name, value in asked.items()), installed(command)]
        ours = whole(words, folder, clock=of_children)
        return excess(ours, theirs, effort.pairs_of(PAIRS), "seconds", warm=effort.warm)


def table_of_few(effort: Effort) -> Figure:
    """`recipe table` of a sweep of 20 cells."""
    with _swept(FEW) as folder:
        return _against_nothing(effort, "table", str(folder))


def table_of_many(effort: Effort) -> Figure:
    """`recipe table` of a sweep of 10,000 cells, against one of 20."""
    return _many_against_few(effort, installed("recipe"), "table")


def resumed_many(effort: Effort) -> Figure:
    """`run-recipe --resume` of a sweep of 10,000 cells that all have a row, against one of 20."""
    return _many_against_few(effort, installed("run-recipe"), "--resume")


def _against_nothing(effort: Effort, *words: str) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        ours = _command(folder, installed("recipe"), *words)
        nothing = _command(folder, sys.executable, "-c", "pass")
        return excess(ours, nothing, effort.pairs_of(PAIRS), "seconds", warm=effort.warm)


def _many_against_few(effort: Effort, *words: str) -> Figure:
    with _swept(effort.size_of(MANY, FEW)) as many, _swept(FEW) as few:
        ours, theirs = (_command(folder, *words, str(folder)) for folder in (many, few))
        return excess(ours, theirs, effort.pairs_of(PAIRS), "seconds", warm=effort.warm)


def _command(folder: str | Path, *words: str) -> Side:
    return whole(words, folder, clock=of_children)


@contextmanager
def _swept(cells: int) -> Iterator[Path]:
    """The folder of a sweep all of whose cells have a row: what a worker said of one, with the numbers of each."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = f"seed=range(0,{cells // FEW})"
        sweep = sweep_recipe(RECIPE, [seeds, *VALUES], folder=Path(folder, "swept"), keep=False)
        sweep.create()
        known = Trial(None).row(Cell(0, str(RECIPE), (parse_override("seed=1"),)))
        rows = SweepFolder(sweep.folder)
        for cell in sweep.cells:
            own = {"number": cell.number, "overrides": list(texts_of(cell.overrides)), "axes": dict(cell.axes)}
            rows.append(known.model_copy(update=own))
        rows.close()
        yield sweep.folder
