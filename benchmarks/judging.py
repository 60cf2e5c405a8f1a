"""What a verdict costs: a cell run and judged, reference and nudged runs included, against its own run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from itertools import count
from time import thread_time
from typing import Any, Final

import torch

from benchmarks.blocks import gpt2_block
from benchmarks.figures import Effort, Figure, Side, ratio
from benchmarks.sweeps import RECIPE, chain_recipe, folder_with
from tensorflow_free import load_recipe, register_op
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.runner import run
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial

LENGTH, WIDTH, HEADS = 256, 768, 12
"""Tokens, numbers of each and heads of the block."""

TINY_PAIRS: Final = 300
BLOCK_PAIRS: Final = 7

RED: Final[tuple[dict[str, Any], list[str]]] = (
    {"reference": {"steps.act": "F.gelu(fc, approximate='tanh')"}},
    ["dtype=float32", 'steps.act="bench.gelu(fc)"'],
)
"""What makes the block one whose GELU is off by a thousandth: keys of its recipe, and overrides."""


def tiny(effort: Effort) -> Figure:
    """A sweep's cell of ten steps on 16 numbers with a backward pass, saved, in a warm worker, against its own run."""
    return _cells(chain_recipe(backward={"target": "s9", "gradient": "w"}), "float32", effort.pairs_of(TINY_PAIRS))


def block(effort: Effort) -> Figure:
    """A sweep's cell of the block in float32, saved, its reference shared by no other, against its own run."""
    return _cells(block_of(effort), "float32", effort.pairs_of(BLOCK_PAIRS))


def block_in_half(effort: Effort) -> Figure:
    """The same in bfloat16, its norms frozen: PyTorch adds up their gradients in bfloat16, which makes cells red."""
    return _cells(block_of(effort, norms=False), "bfloat16", effort.pairs_of(BLOCK_PAIRS))


def green(effort: Effort) -> Figure:
    """A right block under a compiler, cleared by its baseline, against the block's own eager run."""
    return _judged(block_of(effort), ["dtype=float32", "backend=aot_eager"], effort.pairs_of(BLOCK_PAIRS))


def eager(effort: Effort) -> Figure:
    """A right block that is its own baseline, so that nudged runs judge it, against its own run."""
    return _judged(block_of(effort), ["dtype=float32"], effort.pairs_of(BLOCK_PAIRS))


def red(effort: Effort) -> Figure:
    """A block whose GELU is off by a thousandth, against its own run."""
    register_gelu()
    return _judged({**block_of(effort), **RED[0]}, RED[1], effort.pairs_of(BLOCK_PAIRS), well=False)


def block_of(effort: Effort, *, norms: bool = True) -> dict[str, Any]:
    """The recipe of the block, or of a smaller one; `norms` says whether their weights have gradients."""
    width = max(HEADS, effort.size_of(WIDTH) // HEADS * HEADS)
    return gpt2_block(effort.size_of(LENGTH, 8), width, HEADS, norms=norms)


def register_gelu() -> None:
    """Register `bench.gelu`, which is off by a thousandth."""

    def gelu(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.gelu(x, approximate="tanh") * 1.001

    register_op("bench.gelu", replace=True)(gelu)


def _cells(source: dict[str, Any], dtype: str, pairs: int) -> Figure:
    """Cells of a sweep over seeds, each run, judged and saved as a worker does it, against their own runs."""
    seeds = count()
    with folder_with({"seed": 0, **source}) as folder, one_thread():
        path, trial = str(folder / RECIPE), Trial(folder)

        def cell_of() -> Cell:
            seed = next(seeds)
            overrides = tuple(map(as_override, (f"dtype={dtype}", f"seed={seed}")))
            return Cell(seed, path, overrides, folder=str(seed))

        def judge(cell: Cell) -> None:
            row = trial.row(cell)
            row.model_dump_json()
            if row.outcome != Outcome.OK:
                message = f"the verdict is not that which is timed: {row.reason}"
                raise AssertionError(message)

        own = Side(run, prepare=lambda: plan_of(load_recipe(path, cell_of().overrides)), clock=thread_time)
        return ratio(Side(judge, prepare=cell_of, clock=thread_time), own, pairs)


def _judged(source: dict[str, Any], overrides: Sequence[str], pairs: int, *, well: bool = True) -> Figure:
    """A run of the cell and its judging, against an eager run of the cell."""
    recipe = load_recipe(source, overrides)
    alone = plan_of(load_recipe(source, [*overrides, "backend=eager"]))
    result, _ = run(plan_of(recipe))

    def judge(_: Any) -> None:
        run(alone)
        comparison = yardstick_of(source, overrides, recipe, KeptRuns()).compare(result)
        if comparison.is_well is not well:
            message = f"the verdict is not that which is timed: {comparison.bad}"
            raise AssertionError(message)

    def own(_: Any) -> None:
        run(alone)

    with one_thread():
        return ratio(Side(judge, clock=thread_time), Side(own, clock=thread_time), pairs)


@contextmanager
def one_thread() -> Any:
    """One thread of torch within; generators are contexts."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
