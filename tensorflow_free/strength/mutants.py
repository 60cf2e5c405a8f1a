"""The table of mutants: what a wrong step gives in place of its value, or its backward in place of its gradient.

Numbers are altered as float64, complex128, int64 or bool, and rounded to the value's own dtype afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

TIMES: Final = 64
"""How many times the noise of a step a small fault is: some ten times what a comparison lets pass."""

SLIGHTLY: Final = 1.15
"""How many times too large a gradient is that looks right: the sigmoid of KernelBench's kind of fault."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a step gave, and what is known of it.

    Attributes:
        value: its numbers: float64, complex128, int64 or bool.
        noise: how far rounding takes each of them, float64, in the value's unit and shape; None where it is no number
            that rounds.
        before: what lay there before: the result of the step's previous call, or of the last earlier step of the same
            shape and dtype, or such an operand; None where there is none.
    """

    value: torch.Tensor
    noise: torch.Tensor | None = None
    before: torch.Tensor | None = None


ValueChange = Callable[[Given], torch.Tensor | None]
"""The wrong numbers; None where the fault cannot be in such a value."""

NodeGradients = Sequence[torch.Tensor | None]

GradientChange = Callable[[NodeGradients], "tuple[torch.Tensor | None, ...] | None"]
"""The wrong gradients; None where the fault cannot be in such ones."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A way in which a step may be wrong.

    Attributes:
        name: what is said of it: `zero`, `gradient scaled by 1.15`.
        value: what becomes of the value; None for a fault in the backward.
        incoming: what becomes of the gradients that the step's backward is given.
        outgoing: what becomes of those that it gives to its operands.
        seen_with: the inputs with which it would show, where it gives the same bits with those of a recipe.
    """

    name: str
    value: ValueChange | None = None
    incoming: GradientChange | None = None
    outgoing: GradientChange | None = None
    seen_with: str = ""

    @property
    def is_backward(self) -> bool:
        """Whether it is in the backward."""
        return self.value is None


# values


def _zero(given: Given) -> torch.Tensor:
    return torch.zeros_like(given.value)


def _mean(given: Given) -> torch.Tensor | None:
    """The mean of each row in the place of its numbers: a result of one rank less, spread over this one."""
    value = given.value
    if not _rounds(value) or value.shape[-1:].numel() < MOST_OF_A_NUMBER:
        return None
    return value.mean(-1, keepdim=True).expand_as(value).clone()


def _transposed(given: Given) -> torch.Tensor | None:
    value = given.value
    is_square = value.ndim > 1 and value.shape[-1] == value.shape[-2] > 1
    return value.mT.clone() if is_square else None


def _without_last_row(given: Given) -> torch.Tensor | None:
    """The last row was never written; of a vector, the last number."""
    value = given.value
    if value.ndim == 0 or value.numel() < MOST_OF_A_NUMBER:
        return None
    wrong = value.clone()
    rows = wrong.view(-1, wrong.shape[-1])
    if len(rows) > 1:
        rows[-1] = 0
    else:
        rows[0, -1] = 0
    return wrong


MOST_OF_A_NUMBER: Final = 2
"""Numbers from which on a part of a value can be wrong."""


def _stale(given: Given) -> torch.Tensor | None:
    """What lay there before, where that is another quantity, and not the same computed in another way."""
    if given.before is None or given.noise is None:
        return given.before
    apart = (given.before - given.value).abs().nan_to_num(0.0, math.inf)
    return given.before if (apart > TIMES * given.noise).any() else None


def _one_off(given: Given) -> torch.Tensor | None:
    """The finite number in the middle is off."""
    finite = given.value.isfinite().flatten().nonzero()
    if given.noise is None or not len(finite):
        return None
    at = int(finite[len(finite) // 2])
    wrong = given.value.clone()
    wrong.view(-1)[at] += TIMES * given.noise.reshape(-1)[at]
    return wrong


def _all_off(given: Given) -> torch.Tensor | None:
    return None if given.noise is None else given.value + TIMES * given.noise


def _negated(given: Given) -> torch.Tensor | None:
    """Zeros keep their sign: few tests tell 0 from -0, and few have to."""
    value = given.value
    return None if value.dtype == torch.bool else torch.where(value == 0, value, -value)


def _off_by_one(given: Given) -> torch.Tensor | None:
    return given.value + 1 if given.value.dtype == torch.int64 else None


def _inverted(given: Given) -> torch.Tensor | None:
    return ~given.value if given.value.dtype == torch.bool else None


def _without_nan(given: Given) -> torch.Tensor | None:
    missing = given.value.isnan()
    return given.value.masked_fill(missing, 0) if missing.any() else None


def _rounds(value: torch.Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


# gradients


def _dropped(gradients: NodeGradients) -> tuple[torch.Tensor | None, ...]:
    return tuple(None if one is None else torch.zeros_like(one) for one in gradients)


def _scaled(gradients: NodeGradients) -> tuple[torch.Tensor | None, ...]:
    return tuple(None if one is None else one * SLIGHTLY for one in gradients)


def _to_the_other(gradients: NodeGradients) -> tuple[torch.Tensor | None, ...] | None:
    """The first two that could be one another's change places."""
    for first, one in enumerate(gradients):
        for second in range(first + 1, len(gradients)):
            other = gradients[second]
            if one is not None and other is not None and (one.shape, one.dtype) == (other.shape, other.dtype):
                swapped: list[Any] = list(gradients)
                swapped[first], swapped[second] = other, one
                return tuple(swapped)
    return None


def _twice(gradients: NodeGradients) -> tuple[torch.Tensor | None, ...] | None:
    """The first operand's is added twice."""
    first = next((at for at, one in enumerate(gradients) if one is not None), None)
    if first is None:
        return None
    return tuple(one + one if at == first and one is not None else one for at, one in enumerate(gradients))


MUTANTS: Final = (
    Mutant("zero", _zero, seen_with="numbers other than 0"),
    Mutant("mean of each row", _mean, seen_with="rows of more than one number, which differ"),
    Mutant("transposed", _transposed, seen_with="matrices that are not symmetrical"),
    Mutant("last row skipped", _without_last_row, seen_with="a last row other than 0"),
    Mutant("stale", _stale, seen_with="operands that the op changes"),
    Mutant("one number off", _one_off, seen_with="numbers that round"),
    Mutant("all off", _all_off, seen_with="numbers that round"),
    Mutant("negated", _negated, seen_with="numbers other than 0"),
    Mutant("off by one", _off_by_one, seen_with="numbers that later steps read"),
    Mutant("inverted", _inverted, seen_with="masks that later steps read"),
    Mutant("NaN swallowed", _without_nan, seen_with="a NaN"),
    Mutant("gradient zero", incoming=_dropped, seen_with="a gradient other than 0"),
    Mutant("gradient scaled by 1.15", incoming=_scaled, seen_with="a gradient other than 0"),
    Mutant("gradient of the other operand", outgoing=_to_the_other, seen_with="operands that differ"),
    Mutant("gradient added twice", outgoing=_twice, seen_with="a gradient other than 0"),
)
"""Each way in which a step is made wrong; another is another row."""
