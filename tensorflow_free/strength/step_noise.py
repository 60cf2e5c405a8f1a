"""How far rounding takes the value of a step, number by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch

from tensorflow_free.cell.yardstick import Yardstick
from tensorflow_free.judging.movement import MOST_RUNS
from tensorflow_free.judging.rounding_rule import smallest_of
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.result.run_value import Record
from tensorflow_free.strength.step_calls import ResultPart, widened

RUNS: Final = MOST_RUNS
"""Nudged runs that tell the noise of a step: as many as a verdict asks at most."""


@dataclass
class StepNoise:
    """The noise of the values of a cell.

    Attributes:
        yardstick: has the reference and its nudged runs; None where there are none.
    """

    yardstick: Yardstick | None

    def of(self, part: ResultPart) -> torch.Tensor | None:
        """The noise of each number of a value, in its unit and shape, float64; None for what does not round.

        It is how far the nudged runs took the number, and no less than they took those of the value on average. Where
        they took none anywhere, it is a machine epsilon of the value's root mean square; and no less than the smallest
        normal number, as what is below may be flushed to zero.
        """
        if not (part.dtype.is_floating_point or part.dtype.is_complex):
            return None
        least = smallest_of(part.dtype)
        spread = self._spread(part)
        if spread is not None and spread.any():
            return spread.clamp(min=max(float(spread.mean()), least))
        finite = part.value.abs()[part.value.isfinite()]
        size = float(finite.square().mean().sqrt()) if len(finite) else 0.0
        each = max(size * epsilon(part.dtype), least) if size else 0.0
        return torch.full(part.value.shape, each, dtype=torch.float64)

    def _spread(self, part: ResultPart) -> torch.Tensor | None:
        """How far the nudged runs took each number at most; None where they do not tell."""
        if self.yardstick is None:
            return None
        right = _value(self.yardstick.reference.records, part)
        if right is None:
            return None
        moved = [(one - right).abs().nan_to_num(0, 0) for run in self._runs if (one := _value(run, part)) is not None]
        return torch.stack(moved).amax(0) if moved else None

    @cached_property
    def _runs(self) -> list[Mapping[str, Record]]:
        movement = None if self.yardstick is None else self.yardstick.movement
        return [] if movement is None else [movement.values(number) for number in range(RUNS)]


def _value(records: Mapping[str, Record], part: ResultPart) -> torch.Tensor | None:
    """What a run has of a value, where it is of the same kind and shape."""
    record = records.get(part.name)
    value = None if record is None else widened(record.value)
    return value if value is not None and (value.shape, value.dtype) == (part.value.shape, part.value.dtype) else None
