"""A compiler's view of the forward steps: one function of the starting tensors, and how often it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tensorflow_free.plan.plan import Plan

Forward = Callable[..., tuple[Any, ...]]


def input_slots(plan: Plan) -> tuple[int, ...]:
    """The slots of what the forward steps start from: the tensors, and leaves that are not the tensors themselves."""
    return tuple(dict.fromkeys((*plan.start_slots, *plan.leaf_slots)))


def calls_of(plan: Plan) -> int:
    """How many times a compiled function is called."""
    calls = plan.recipe.backend.calls
    return calls if isinstance(calls, int) else len(calls)


def forward_of(plan: Plan) -> Forward:
    """The forward steps as one function of the starting tensors."""
    initial, slots, returned, calls = plan.initial, input_slots(plan), plan.returned, plan.forward

    def forward(*tensors: torch.Tensor) -> tuple[Any, ...]:
        values = list(initial)
        for slot, tensor in zip(slots, tensors, strict=True):
            values[slot] = tensor
        for function, arguments, out, _ in calls:
            values[out] = function(*arguments(values))
        return tuple([values[slot] for slot in returned])

    return forward
