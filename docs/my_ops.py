"""Kernels of one's own, right and with a mistake, for the pages on sweeps and on judging."""

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


@register_op("my.split_k")
def split_k(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
    """A matrix product in two halves of its sums: right, and other bits than torch's."""
    half = other.shape[0] // 2
    return input[:, :half] @ other[:half] + input[:, half:] @ other[half:]


@register_op("my.short_k")
def short_k(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
    """A matrix product that forgets the last term of each sum: wrong."""
    return input[:, :-1] @ other[:-1]


@register_op("my.fast_sin")
def fast_sin(input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
    """A sine of which five digits are right."""
    return torch.sin(input) * (1 + 3e-6)
