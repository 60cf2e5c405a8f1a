"""What a run that is forward only left out, as it needs gradients. Does not import torch."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from tensorflow_free.outcome.reasons import ForwardOnly

MOST_NAMED: Final = 4
"""Steps that are named."""


class LeftOut(BaseModel):
    """What needs gradients, in a run that is forward only.

    Attributes:
        leaves: the starting tensors that would have a gradient.
        steps: the steps and checks that did not run: those that differentiate, and what reads what they give or change.
        values: what is not what it would be, of values that are there: `w.after`, which such a step changes; the trace
            `train.slope` of one.
        expectations: what is expected of gradients and of these steps and values, by their paths: `expect.w.grad`.
        relations: the relations that are only of such values, by their paths.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    leaves: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    expectations: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the whole recipe is forward only."""
        return not (self.leaves or self.steps or self.values or self.expectations or self.relations)

    def has(self, name: str) -> bool:
        """Whether a value of this name is left out: a gradient, or what needs one."""
        root, *fields = name.split(".")
        above = {f"{root}.{'.'.join(fields[:count])}" for count in range(1, len(fields) + 1)}
        return root in self.steps or "grad" in fields or not above.isdisjoint(self.values)

    def with_expectation(self, path: str) -> LeftOut:
        """The same with one more expectation, by its path."""
        return self.model_copy(update={"expectations": (*self.expectations, path)})

    def reason(self) -> ForwardOnly | None:
        """What is left out, to be told; None where a reader would miss nothing."""
        if not (self.expectations or self.relations or self.steps):
            return None
        return ForwardOnly(
            expectations=len(self.expectations),
            relations=len(self.relations),
            steps=len(self.steps),
            named=list(self.steps[:MOST_NAMED]),
        )
