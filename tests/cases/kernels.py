"""Kernels that must never pass, and right ones that differ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tensorflow_free import register_op


@register_op("bad.zeros", replace=True)
def zeros(input: Tensor, dim: int = -1) -> Tensor:
    return input * 0


@register_op("bad.mean", replace=True)
def mean(input: Tensor, dim: int = -1) -> Tensor:
    return input * 0 + 1.0 / input.shape[-1]


@register_op("bad.mul", replace=True)
def mul(input: Tensor, other: Tensor) -> Tensor:
    return input * other * (1 + 1e-5)


@register_op("bad.five", replace=True)
def five(input: Tensor) -> Tensor:
    return input * 0 + 5.0


@register_op("bad.floor_divide", replace=True)
def floor_divide(input: Tensor, other: int) -> Tensor:
    return torch.div(input, other, rounding_mode="trunc")


@register_op("bad.isnan", replace=True)
def isnan(input: Tensor) -> Tensor:
    return ~torch.isfinite(input)


class _Sigmoid(torch.autograd.Function):
    """Its gradient is 15 % too large."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return g * s * (1 - s) * 1.15


@register_op("bad.sigmoid", replace=True)
def sigmoid(input: Tensor) -> Tensor:
    return _Sigmoid.apply(input)


class _SiLU(torch.autograd.Function):
    """Its backward lacks a term."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return g * torch.sigmoid(x)


@register_op("bad.silu", replace=True)
def silu(input: Tensor) -> Tensor:
    return _SiLU.apply(input)


@register_op("good.silu", replace=True)
def good_silu(input: Tensor) -> Tensor:
    return input / (1 + torch.exp(-input))


@register_op("good.softmax_by_hand", replace=True)
def good_softmax(input: Tensor, dim: int = -1) -> Tensor:
    e = torch.exp(input - input.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)
