"""A kernel of one's own, with a mistake in its backward, for the walk through sweeps."""

from __future__ import annotations

from typing import Any

import torch

from tensorflow_free import register_op


class _SiLU(torch.autograd.Function):
    """x * sigmoid(x), whose backward leaves out a term."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """The right value."""
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient without x * sigmoid'(x)."""
        (x,) = ctx.saved_tensors
        return gradient * torch.sigmoid(x)


@register_op("my.silu")
def silu(input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
    """SiLU."""
    return _SiLU.apply(input)  # type: ignore[no-any-return, no-untyped-call]
