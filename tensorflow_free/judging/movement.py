"""What tells a judge how far rounding may take each value: nudged runs of the reference, or what was kept of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import torch

from tensorflow_free.judging.noise import Noise
from tensorflow_free.result.run_value import AFTER, Record

GRADIENT: Final = ".grad"
"""What follows the name of a value in the name of its gradient."""

MOST_RUNS: Final = 16
"""Nudged runs of one epsilon that are made at most."""

WIDE_RUNS: Final = 4
"""More of them, nudged as far as a bound reaches, for integers that differ where none of the others does."""

FEWEST_RUNS: Final = 4
"""Nudged runs without which nothing is said of a value that needs them."""


class Movement(Protocol):
    """Nudged runs of a reference; the same each time."""

    @property
    def jumps(self) -> bool:
        """Whether a result jumps in them where an operand moves a little, so that few of them may not tell of it.

        Known once a run was made.
        """

    @property
    def apart(self) -> bool:
        """Whether no value in them reads another, so that each is in doubt for itself."""

    def values(self, number: int, times: float = 1.0, *, names: Collection[str] | None = None) -> Mapping[str, Record]:
        """The values of one run by name; those up to a failure.

        Args:
            number: which of the runs, from 0.
            times: by how many machine epsilons its numbers are nudged at most.
            names: the values that are needed; None for all. Where no gradient is, the run may stop before them.
        """


def needs_backward(names: Collection[str] | None) -> bool:
    """Whether values hang on the backward passes that follow the steps."""
    return names is None or any(one.endswith((GRADIENT, AFTER)) for one in names)


@dataclass(frozen=True, slots=True)
class Leeway:
    """What nudged runs that were made once said of a value, kept in their place.

    Attributes:
        each: how far rounding may take each number before it is rounded itself, float64, flat, in the value's unit.
        moved: the root mean square of how far the runs took the numbers.
        over: how many times what rounding explains the eager run was away that was made beside them; 0 where it was
            within. What PyTorch itself loses is known, and no fault of what loses no more.
        noise: how far that eager run was away; None where there was none.
    """

    each: torch.Tensor
    moved: float = 0.0
    over: float = 0.0
    noise: Noise | None = None
