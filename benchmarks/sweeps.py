"""Sweeps as whole commands, against a loop and against Hydra's own launcher; judging one cell; two workers."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.chains import chain
from benchmarks.commands import installed, whole
from benchmarks.figures import Effort, Figure, Side, figure, of_children, ratio
from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.writer import dump_yaml

CELLS: Final = 1000
STEPS: Final = 10
PAIRS: Final = 4

STOCK_CELLS: Final = 100
"""Cells that Hydra's basic launcher runs; its time for a thousand, minutes, is what these come to."""
STOCK_PAIRS: Final = 2

SIDE: Final = 64
JUDGED: Final = 20
"""Times that a cell is judged in one run."""
JUDGED_PAIRS: Final = 300

WORKING_CELLS: Final = 200
WORK_S: Final = 0.025
"""Seconds of the processor that each run of such a cell takes; its reference takes as long again."""
WORKING_PAIRS: Final = 3

LAUNCHED_CELLS: Final = 10_000
LAUNCHED_PAIRS: Final = 2

RECIPE: Final = "recipe.yaml"

LOOP: Final = """\
import sys
from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns

path, cells, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
kept = KeptRuns()
for seed in range(cells):
    overrides = [f"seed={seed}"]
    recipe = load_recipe(path, overrides)
    result = run_recipe(recipe)
    comparison = yardstick_of(path, overrides, recipe, kept).compare(result)
    assert comparison.is_well, comparison
    result.save(f"{folder}/{seed}")
"""
"""A sweep as a person writes it who has no `-m`: the same runs, references and comparisons, saved."""

STOCK: Final = """\
import hydra


@hydra.main(version_base="1.3", config_path=".", config_name="recipe")
def run(config):
    pass


run()
"""
"""An application of Hydra's that does nothing, on the same recipe."""

OPS: Final = f"""\
from time import thread_time

from tensorflow_free import register_op


@register_op("bench.work")
def work(input):
    until = thread_time() + {WORK_S}
    while thread_time() < until:
        pass
    return input + 1
"""
"""An op that keeps one processor busy, however many others there are."""

WORKING: Final = {"seed": 0, "tensors": {"x": 0.5}, "steps": {"y": {"op": "bench.work", "args": ["x"]}}}


def against_loop(effort: Effort) -> Figure:
    """A sweep of small cells by one worker, judged and on disk, against the same in one loop of Python."""
    cells = effort.size_of(CELLS)
    with folder_with(chain_recipe()) as folder:
        return ratio(_sweep(folder, cells), _loop(folder, cells), effort.pairs_of(PAIRS), warm=effort.warm)


def against_hydra(effort: Effort) -> Figure:
    """The same sweep, against Hydra's basic launcher with nothing to run, as long as it would take for as many."""
    cells, few = effort.size_of(CELLS), effort.size_of(STOCK_CELLS, 2)
    values = []
    with folder_with(chain_recipe()) as folder:
        (folder / "stock.py").write_text(STOCK, encoding="utf-8")
        ours, one, some = _sweep(folder, cells), _stock(folder, 1), _stock(folder, few)
        for _ in range(effort.pairs_of(STOCK_PAIRS)):
            mine, start = ours.seconds(), one.seconds()
            values.append(mine / (start + (cells - 1) * (some.seconds() - start) / (few - 1)))
    return figure(values, "ratio")


def equal(effort: Effort) -> Figure:
    """Judging a cell of 64x64 values and gradients that are the reference's bit for bit, against `torch.equal`."""
    source = chain_recipe([SIDE, SIDE], dtype="float64", backward={"target": f"s{STEPS - 1}", "gradient": "w"})
    recipe = load_recipe(source)
    result, yardstick = run_recipe(recipe), yardstick_of(source, [], recipe, KeptRuns())
    judged = [name for name in result if result.records[name].kind != "tensor"]
    pairs = [(result[name], yardstick.reference[name]) for name in judged]
    comparison = yardstick.compare(result)
    if [one.rule for one in comparison.values] != ["equal"] * len(pairs):
        message = "not every value is the reference's"
        raise AssertionError(message)
    ours = Side(lambda _: [yardstick.compare(result) for _ in range(JUDGED)])
    theirs = Side(lambda _: [[torch.equal(mine, its) for mine, its in pairs] for _ in range(JUDGED)])
    return ratio(ours, theirs, effort.pairs_of(JUDGED_PAIRS))


def two_workers(effort: Effort) -> Figure:
    """Cells of 50 ms by two workers, against one."""
    cells = effort.size_of(WORKING_CELLS, 2)
    with folder_with(WORKING) as folder:
        (folder / "ops.py").write_text(OPS, encoding="utf-8")
        one, two = (_sweep(folder, cells, jobs, "--ops", "ops.py") for jobs in (1, 2))
        return ratio(two, one, effort.pairs_of(WORKING_PAIRS), warm=False)


def joblib_launcher(effort: Effort) -> Figure:
    """Small cells as jobs of joblib's launcher, against the launcher of our own, a worker for each core both."""
    cells = effort.size_of(LAUNCHED_CELLS, 4)
    with folder_with(chain_recipe()) as folder:
        ours, theirs = (_launched(folder, cells, launcher) for launcher in ("joblib", "workers"))
        return ratio(ours, theirs, effort.pairs_of(LAUNCHED_PAIRS), warm=False)


# the sides


def _launched(folder: Path, cells: int, launcher: str) -> Side:
    asked = [f"seed=range(0,{cells})", f"hydra/launcher={launcher}", "hydra.sweep.dir=swept"]
    words = [installed("run-recipe"), "-m", RECIPE, *asked]
    return whole(words, folder, lambda: emptied(folder), clock=of_children)


def _sweep(folder: Path, cells: int, jobs: int = 1, *flags: str) -> Side:
    asked = [f"seed=range(0,{cells})", f"hydra.launcher.n_jobs={jobs}", "hydra.sweep.dir=swept"]
    return whole([installed("run-recipe"), "-m", RECIPE, *asked, *flags], folder, lambda: emptied(folder))


def _loop(folder: Path, cells: int) -> Side:
    # a worker computes with one thread, unless it is told otherwise; so does the loop
    command = ["env", "OMP_NUM_THREADS=1", sys.executable, "-c", LOOP, RECIPE, str(cells), "swept"]
    return whole(command, folder, lambda: emptied(folder))


def _stock(folder: Path, cells: int) -> Side:
    asked = [f"seed=range(0,{cells})", "hydra.sweep.dir=swept"]
    return whole([sys.executable, "stock.py", "-m", *asked], folder, lambda: emptied(folder))


def emptied(folder: Path) -> None:
    """Take away what the run before left, and let the disk come to rest."""
    shutil.rmtree(folder / "swept", ignore_errors=True)
    os.sync()


# recipes


def chain_recipe(size: Sequence[int] = (16,), **more: Any) -> dict[str, Any]:
    """A chain of ten steps on numbers that hang on the seed."""
    tensors = {
        "x": {"init": "randn", "size": list(size)},
        "w": {"init": "full", "size": list(size), "fill_value": 0.75, "requires_grad": "backward" in more},
    }
    return {"seed": 0, **chain(STEPS, "all", tensors), **more}


@contextmanager
def folder_with(recipe: dict[str, Any]) -> Iterator[Path]:
    """A folder that holds the recipe."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / RECIPE).write_text(dump_yaml(recipe), encoding="utf-8")
        yield Path(folder)
