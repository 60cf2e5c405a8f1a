"""A yardstick: what a cell is compared with, how a run of it is held against that, and runs that serve as one again."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.movement import Movement
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.reasons import AnyReason, Problems
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import AFTER
from tensorflow_free.runner import GivenTensors


@dataclass(frozen=True)
class Yardstick:
    """What a cell is compared with.

    Attributes:
        reference: the run that is right by definition.
        words: what it is, in words.
        baseline: the eager CPU run in the cell's dtype, where that is another cell.
        movement: nudged runs of the reference, which tell how far rounding takes each value.
        incomparable: values downstream of a random step whose random stream the reference does not share.
        unreplayed: the random steps of an eager CPU cell that its reference could not replay.
        apart: names that only one of the two has, or that stand for something else in the other.
        failed: why the reference stopped, where it was not meant to; what it had made is compared.
        same_kernel: the steps that it has from the cell's own kernel, as there is no other, and their ops.
        notes: what it could not do in its dtype, and did otherwise.
        turned: where it has vectors of free signs, makes it once more with those of a run of the cell.
        plan: what the reference ran.
        given: the starting tensors that it was given, as of `run`.
        beside: the plan of the reference's recipe in the cell's dtype, eager on the CPU; None where that is the cell.
    """

    reference: Result
    words: str
    baseline: Result | None = None
    movement: Movement | None = None
    incomparable: frozenset[str] = frozenset()
    unreplayed: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()
    failed: Problems | None = None
    same_kernel: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[AnyReason] = ()
    turned: Callable[[Result], Yardstick] | None = None
    plan: Plan | None = None
    given: GivenTensors | None = None
    beside: Plan | None = None

    def for_run(self, result: Result) -> Yardstick:
        """The same with vectors of the signs that a run of the cell has, where it has any of free signs."""
        return self if self.turned is None else self.turned(result)

    def compare(self, result: Result, judging: Judging | None = None) -> Comparison:
        """Compare a run of the cell with it."""
        if judging is None and self.turned is not None:
            return self.for_run(result).compare(result)
        if judging is None:
            judging = Judging(
                k=result.recipe.judge.k,
                incomparable=self.incomparable,
                unreplayed=self.unreplayed,
                movement=self.movement,
                starts=False,
                measures=False,
                apart=self.apart,
                structural=uninitialised(result.recipe),
                same_kernel=self.same_kernel,
                reads_bits=result.recipe.dtype != self.reference.recipe.dtype and reads_bits(result.recipe),
            )
        return compare_results(result, self.reference, self.baseline, judging=judging, reference=self.words)


class NoReference(Exception):
    """There is nothing to compare a cell with, or not all that there should be.

    Attributes:
        cause: why.
        partial: where a run that others are held against stopped, the yardstick of what it had made before; else None.
    """

    def __init__(self, cause: Problems, partial: Yardstick | None = None) -> None:
        super().__init__(words(cause))
        self.cause = cause
        self.partial = partial


Kept = TypeVar("Kept")


@dataclass
class KeptRuns:
    """The last few runs that served as references, and those nudged, so that cells that share one run it once."""

    most: int = 6
    runs: OrderedDict[Any, Any] = field(default_factory=OrderedDict)

    def get(self, key: Any, make: Callable[[], Kept]) -> Kept:
        """The run under this key; made where it is not kept."""
        found = self.runs.pop(key, None)
        self.runs[key] = make() if found is None else found
        while len(self.runs) > self.most:
            self.runs.popitem(last=False)
        kept: Kept = self.runs[key]
        return kept


def reads_bits(recipe: Recipe) -> bool:
    """Whether a step looks at how its dtype lies in memory: `x.view(torch.int32)`, `x.element_size()`."""
    return _BITS.search(repr(recipe.written.get("steps"))) is not None


_BITS: Final = re.compile(r"\bview\b.{0,40}?\b(?:torch\.)?(?:u?int|b?float|complex|bool)|element_size|itemsize|nbytes")


def uninitialised(recipe: Recipe) -> dict[str, str]:
    """The steps whose value is uninitialised memory, as it stood and as it is at the end; and why it has no numbers."""
    names = [name for name, step in recipe.steps.items() if (step.op or "").rpartition(".")[2] in _EMPTY]
    return dict.fromkeys((end for name in names for end in (name, name + AFTER)), "it is uninitialised memory")


_EMPTY: Final = frozenset({"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"})
"""Ops that make a tensor without writing it."""
