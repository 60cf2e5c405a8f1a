"""Attention, whose lengths are checked: the fused kernel of the CPU reads beyond the values where keys are more."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

Attend = Callable[..., torch.Tensor]


def checked(function: Attend) -> Attend:
    """Scaled dot product attention that raises where keys and values are not as many.

    The check is of shapes alone, so that a compiler traces through it, and attention stays in its graph.

    Args:
        function: attention of torch's, whose first three arguments are query, key and value.

    Returns:
        The function, which raises ValueError where the values are fewer than the keys, or more.
    """

    @wraps(function)
    def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *rest: Any, **more: Any) -> torch.Tensor:
        if not (key.is_nested or value.is_nested) and key.shape[-2:-1] != value.shape[-2:-1]:
            keys, values = (list(one.shape) for one in (key, value))
            raise ValueError(f"'value' is of shape {values}; it can have as many rows as 'key', of shape {keys}")
        return function(query, key, value, *rest, **more)

    return attend
