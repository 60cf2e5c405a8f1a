"""What the culprit of a red cell costs: its steps judged alone, in time and in memory, against the cell's own run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from time import thread_time
from typing import Any, Final

import torch

from benchmarks.figures import TINY, Effort, Figure, Side, excess, figure, ratio
from benchmarks.judging import RED, block_of, one_thread, register_gelu
from benchmarks.memory import now_and_reset, printed, status
from benchmarks.sweeps import chain_recipe
from tensorflow_free import load_recipe, register_op
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import run

TINY_PAIRS: Final = 100
BLOCK_PAIRS: Final = 7
MEMORY_PAIRS: Final = 3

Acts = tuple[Callable[[Any], object], Callable[[Any], object]]
"""The blame of a cell, and the cell's own run."""


def tiny(effort: Effort) -> Figure:
    """Blaming a cell of ten steps on 16 numbers, one of which is wrong, on top of its own run."""
    register_op("bench.off", replace=True)(lambda input, other: input * other * 1.001)  # noqa: A006 - torch's name
    source = {
        **chain_recipe(backward={"target": "s9", "gradient": "w"}),
        "reference": {"steps.s4.op": "mul"},
    }
    blame, _ = _acts(source, ["dtype=float32", "steps.s4.op=bench.off"], step="s4")
    with one_thread():
        nothing = Side(lambda _: None, clock=thread_time)
        return excess(Side(blame, clock=thread_time), nothing, effort.pairs_of(TINY_PAIRS))


def block(effort: Effort) -> Figure:
    """Blaming a block whose GELU is off by a thousandth, against its own run."""
    blame, own = _of_block(effort)
    with one_thread():
        return ratio(Side(blame, clock=thread_time), Side(own, clock=thread_time), effort.pairs_of(BLOCK_PAIRS))


def memory(effort: Effort) -> Figure:
    """The peak memory of the block that is run, judged and blamed, against one that is run and judged."""
    size = "tiny" if effort is TINY else "full"
    values = [_peak("blame", size) / _peak("judge", size) for _ in range(effort.pairs_of(MEMORY_PAIRS))]
    return figure(values, "ratio")


def _of_block(effort: Effort) -> Acts:
    register_gelu()
    return _acts({**block_of(effort), **RED[0]}, RED[1], step="act")


def _acts(source: dict[str, Any], overrides: Sequence[str], *, step: str) -> Acts:
    recipe = load_recipe(source, overrides)
    plan, kept = plan_of(recipe), KeptRuns()
    result, _ = run(plan)
    comparison = yardstick_of(source, overrides, recipe, kept).compare(result)

    def blame(_: Any) -> None:
        found = blamed(source, overrides, recipe, result, comparison, kept).blame
        if found is None or found.first is None or found.first.step != step:
            message = f"the culprit is not the one that is timed: {found}"
            raise AssertionError(message)

    return blame, lambda _: run(plan)


def _peak(which: str, size: str) -> int:
    """Bytes that a run in a new interpreter took at most."""
    return int(printed("benchmarks.blaming", which, size))


def _run(which: str, size: str) -> int:
    """Bytes that the block takes at most, above what the process had when torch was loaded."""
    torch.set_num_threads(1)
    before = now_and_reset()
    blame, _ = _of_block(TINY if size == "tiny" else Effort())
    if which == "blame":
        blame(None)
    return status("VmHWM") - before


if __name__ == "__main__":
    print(_run(sys.argv[1], sys.argv[2]))
