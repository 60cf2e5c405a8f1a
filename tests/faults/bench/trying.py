"""One fault put in, run, measured and judged."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

import torch

from tensorflow_free import load_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.override_texts import parse_overrides
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import plan_of
from tensorflow_free.recipe.models import Step
from tensorflow_free.result.result import Result
from tensorflow_free.runner import run
from tests.faults.bench.badness import Badness, badness
from tests.faults.bench.compilers import NAME, compiler
from tests.faults.bench.fault import Fault, Host
from tests.faults.bench.kernels import kernel
from tests.faults.bench.own_ops import own_op
from tests.faults.bench.targets import steps_of

USED: Final = 8.0
"""How many times as bad as eager PyTorch a fault must be to count."""

Verdict = Literal["caught", "escaped", "unused"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a fault, or of a right cell.

    Attributes:
        fault: it.
        ratio: how many times as bad as eager PyTorch.
        other: whether whole numbers, truth values, NaN or infinities are other than eager PyTorch's.
        is_red: whether the judge calls a value wrong.
        used: the largest share of what is allowed.
        where: the step that is named first, and the direction.
        value: the worst value.
    """

    fault: Fault
    ratio: float
    other: bool
    is_red: bool
    used: float
    where: str
    value: str
    names_it: bool = False

    @property
    def counts(self) -> bool:
        return self.ratio >= USED or (self.other and self.fault.exact)

    @property
    def verdict(self) -> Verdict:
        if not self.counts:
            return "unused"
        return "caught" if self.is_red else "escaped"


class Bench:
    """Tries faults, one after another, and keeps the true runs of the last host."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._kept = KeptRuns()

    def tried(self, fault: Fault) -> Tried:
        """Put a fault in, run the cell, measure it and have it judged."""
        torch.set_num_threads(1)
        if fault.host != self._host:
            self._host, self._kept = fault.host, KeptRuns(most=64)
        # a wrong kernel would make wrong runs to be kept
        kept = KeptRuns() if fault.target.kind == "kernel" and fault.wrong is not None else self._kept
        with put_in(fault) as overrides:
            result, comparison = judged(fault.host, overrides, kept)
        return _tried(fault, comparison, badness(result, *true_runs(fault.host)))


@contextmanager
def put_in(fault: Fault) -> Iterator[list[str]]:
    """Make it so that cells which run inside have the fault; gives the overrides that they need."""
    target = fault.target
    if target.kind == "op":
        step = Step.model_validate(steps_of(fault.host.recipe)[target.step])
        with own_op(target.step, step, fault.wrong) as overrides:
            yield overrides
    elif target.kind == "compiler":
        with compiler(target.op, target.graph, fault.wrong):
            yield [f"backend={NAME}"]
    elif fault.wrong is None:
        yield []
    else:
        with kernel(target.op, fault.host.dtype, fault.wrong):
            yield []


def judged(host: Host, overrides: list[str], kept: KeptRuns) -> tuple[Result, Comparison]:
    """A cell's run, and its comparison with its reference: as a trial of a sweep has them."""
    given = parse_overrides([*host.overrides, *overrides])
    recipe = load_recipe(host.path, given)
    result, _ = run(plan_of(recipe))
    assert not result.has_failed, result.error
    return result, yardstick_of(host.path, given, recipe, kept).compare(result)


@functools.lru_cache(maxsize=2)
def true_runs(host: Host) -> tuple[Result, Result]:
    """The eager run of a host, and its float64 run from the same numbers."""
    # the same numbers are drawn and rounded, so that a dropout draws the same mask
    exact = [*host.overrides, "dtype=float64", f"input_precision={host.dtype}"]
    own, other = (plan_of(load_recipe(host.path, overrides)) for overrides in (host.overrides, exact))
    return run(own)[0], run(other)[0]


def _tried(fault: Fault, comparison: Comparison, bad: Badness) -> Tried:
    where = comparison.where
    worst = comparison.worst
    return Tried(
        fault=fault,
        ratio=bad.ratio,
        other=bool(bad.other),
        is_red=bool(comparison.bad),
        used=0.0 if worst is None else worst.used,
        where="" if where is None else f"{where.step} {where.direction}",
        value=bad.value,
        names_it=_names(fault, comparison),
    )


def _names(fault: Fault, comparison: Comparison) -> bool:
    """Whether the step that is wrong is named first; of a node and a kernel the step is not known."""
    where, step = comparison.where, fault.target.step.rpartition(".")[2]
    return where is not None and bool(step) and step in (where.step, *where.through)
