"""Which dimensions of a value are the changed one of the tensors it was made of: those that became as long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

NOT_SHOWN: Final = "its shape does not show the changed dimension"
NO_DIMENSION: Final = "it does not have the dimension"
TWICE: Final = "it has the dimension more than once"
"""Why a relation says nothing of a value."""


def changed_dimensions(before: Sequence[int], after: Sequence[int], lengths: tuple[int, int]) -> tuple[int, ...] | None:
    """The dimensions of a value that are the changed one.

    Args:
        before: the value's shape.
        after: its shape in a run in which the dimension has another length.
        lengths: how long that was, and is.

    Returns:
        None where the shapes differ otherwise.
    """
    if len(before) != len(after):
        return None
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    return tuple(differ) if all((before[at], after[at]) == lengths for at in differ) else None


def narrowed(value: torch.Tensor, dimensions: Sequence[int], begin: int, length: int) -> torch.Tensor:
    """A part of a value in each of these dimensions, in memory of its own."""
    for dimension in dimensions:
        value = value.narrow(dimension, begin, length)
    return value.clone(memory_format=torch.contiguous_format)


def picked(value: torch.Tensor, dimensions: Sequence[int], order: torch.Tensor) -> torch.Tensor:
    """A value with its elements in another order in each of these dimensions."""
    for dimension in dimensions:
        value = value.index_select(dimension, order.to(value.device))
    return value
