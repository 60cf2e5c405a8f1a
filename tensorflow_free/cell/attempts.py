"""A reference that float64 has no kernels for: the runs that are tried in its place, and what is told of the one taken.

First the recipe in float64; then with what float64 lacks computed from decoded numbers, or that op alone in float32;
then the whole recipe in float32, and in the cell's own dtype where that is not the cell itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tensorflow_free.judging.settled import settled
from tensorflow_free.outcome.reasons import OfNames, Problems, StopCode
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.replay.replaying import Replay
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.decoded import How
from tensorflow_free.runner import GivenTensors

LACKING: Final[frozenset[StopCode]] = frozenset({"no kernel", "step failed"})
"""What a dtype that an op does not take may stop a run with."""


@dataclass(frozen=True)
class StartingNumbers:
    """What a reference starts from.

    Attributes:
        given: the cell's own numbers, as of `run`; None where the reference draws the same ones.
        of_reference: those that the reference is given; None where it draws its own.
        key: what the numbers hang on, in words that tell them from others.
        of_reference_key: the same of the reference's.
        replay: what the cell drew in its steps, to be drawn again.
        alike: whether the reference's own run in the cell's dtype is the reference itself.
    """

    given: GivenTensors | None = None
    of_reference: GivenTensors | None = None
    key: str | None = None
    of_reference_key: str | None = None
    replay: Replay | None = None
    alike: bool = False


@dataclass(frozen=True)
class Attempt:
    """One run that may be the reference.

    Attributes:
        plan: what ran.
        starts: what it started from.
        result: what came of it.
        lacking: the steps whose op has no kernel in this dtype, with the op, and how they were computed.
        after: the run in whose place it was tried.
    """

    plan: Plan
    starts: StartingNumbers
    result: Result
    lacking: Mapping[str, tuple[str, How]] = field(default_factory=dict)
    after: Result | None = None

    @property
    def recipe(self) -> Recipe:
        """What ran."""
        return self.plan.recipe

    @property
    def same_kernel(self) -> dict[str, str]:
        """The steps whose op ran in float32, and the ops."""
        return {step: op for step, (op, how) in self.lacking.items() if how == "float32"}

    @property
    def failure(self) -> Problems | None:
        """Why it stopped, where it was not meant to; in a check, it had made everything."""
        error, recipe = self.result.error, self.recipe
        if error is None or error.expected or settled(self.result) is self.result:
            return None
        cell = f"{recipe.device} {recipe.backend.name} {recipe.dtype}"
        return Problems(code="reference failed", cell=cell, name=error.step, problems=[error.message])

    @property
    def may_lack_a_kernel(self) -> bool:
        """Whether it stopped at what another dtype may have a kernel for."""
        error = self.result.error
        return self.failure is not None and error is not None and error.code in LACKING

    def told(self) -> Iterator[OfNames]:
        """What is to be told of it: what was computed otherwise than in its dtype, and of which dtype it had to be."""
        for step, (op, how) in self.lacking.items():
            yield OfNames(code="decoded" if how == "decoded" else "in float32", name=step, other=op)
        error = None if self.after is None else self.after.error
        if error is not None and error.code == "no kernel":
            yield OfNames(code="no kernel in float64", name=error.step, other=error.op)
        elif error is not None:
            yield OfNames(code="float64 stops", name=error.step, more=error.message.splitlines()[0])


def furthest(attempts: Iterable[Attempt]) -> Attempt:
    """The first of them that came to its end; where none did, the first of those that made most."""
    best: Attempt | None = None
    for one in attempts:
        if one.failure is None:
            return one
        if best is None or _made(one) > _made(best):
            best = one
    if best is None:
        raise ValueError("there is no attempt")
    return best


def _made(one: Attempt) -> int:
    return len(settled(one.result).records)
