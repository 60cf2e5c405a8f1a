"""Right kernels that differ from PyTorch's: softmax, losses, and functions of each number alone."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tests.wolf.right_ops import right


@right
def softmax_by_hand(input: Tensor, dim: int) -> Tensor:
    """Exponentials over their sum."""
    e = (input - input.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Tensor:
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        peak = torch.full_like(wide.select(dim, 0), -torch.inf)
        total = torch.zeros_like(peak)
        for block in wide.split(16, dim):
            new = torch.maximum(peak, block.amax(dim))
            total = total * (peak - new).exp() + (block - new.unsqueeze(dim)).exp().sum(dim)
            peak = new
        out = ((wide - peak.unsqueeze(dim)).exp() / total.unsqueeze(dim)).to(input.dtype)
        ctx.save_for_backward(out)
        ctx.dim = dim
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (out,) = ctx.saved_tensors
        wide = torch.promote_types(out.dtype, torch.float32)
        y, g = out.to(wide), g.to(wide)
        return (y * (g - (g * y).sum(ctx.dim, keepdim=True))).to(out.dtype), None


@right
def softmax_online(input: Tensor, dim: int) -> Tensor:
    """One pass over blocks, the largest and the sum corrected as it goes; a backward of its own, in float32."""
    return _Softmax.apply(input, dim)


@right
def log_softmax_by_hand(input: Tensor, dim: int) -> Tensor:
    """Each less the logarithm of the sum of exponentials."""
    return input - input.logsumexp(dim, keepdim=True)


@right
def cross_entropy_by_hand(input: Tensor, target: Tensor) -> Tensor:
    """The mean of what the target's logit is below the logarithm of the sum of exponentials."""
    return (input.logsumexp(-1) - input.gather(-1, target[:, None]).squeeze(-1)).mean()


@right
def bce_with_logits_by_hand(input: Tensor, target: Tensor) -> Tensor:
    """By the formula that does not overflow."""
    return (input.clamp(min=0) - input * target + (-input.abs()).exp().log1p()).mean()


@right
def mse_by_hand(input: Tensor, target: Tensor) -> Tensor:
    """The mean of the squares."""
    apart = input - target
    return (apart * apart).mean()


@right
def huber_by_hand(input: Tensor, target: Tensor) -> Tensor:
    """Squares near, lengths far."""
    apart = (input - target).abs()
    return torch.where(apart < 1, 0.5 * apart * apart, apart - 0.5).mean()


# pointwise


@right
def gelu_by_erfc(input: Tensor) -> Tensor:
    """By the complement of the error function, which does not cancel."""
    return 0.5 * input * torch.erfc(input * -math.sqrt(0.5))


@right
def gelu_by_tanh(input: Tensor, approximate: str) -> Tensor:
    """The formula of tanh, in float32."""
    x = input.to(torch.promote_types(input.dtype, torch.float32))
    return (0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))).to(input.dtype)


@right
def silu_by_division(input: Tensor) -> Tensor:
    """x over 1 + exp(-x)."""
    return input / (1 + torch.exp(-input))


@right
def silu_by_sigmoid(input: Tensor) -> Tensor:
    """x times its sigmoid."""
    return input * input.sigmoid()


class _SiLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return g * (s + x * s * (1 - s))


@right
def silu_with_backward(input: Tensor) -> Tensor:
    """A right backward of its own, each op rounded."""
    return _SiLU.apply(input)


@right
def sigmoid_by_exp(input: Tensor) -> Tensor:
    """1 over 1 + exp(-x)."""
    return 1 / (1 + torch.exp(-input))


@right
def tanh_by_expm1(input: Tensor) -> Tensor:
    """By exponentials of twice the number, in a form that does not cancel."""
    e = torch.expm1(-2 * input.abs())
    return input.sign() * -e / (e + 2)


@right
def softplus_by_log1p(input: Tensor) -> Tensor:
    """The larger of x and 0, and a logarithm."""
    return input.clamp(min=0) + torch.exp(-input.abs()).log1p()


@right
def rsqrt_by_division(input: Tensor) -> Tensor:
    """1 over the root."""
    return 1 / input.sqrt()


@right
def div_by_reciprocal(input: Tensor, other: Tensor) -> Tensor:
    """A product with the reciprocal: one rounding more."""
    return input * other.reciprocal()


@right
def hypot_by_squares(input: Tensor, other: Tensor) -> Tensor:
    """The root of the sum of squares."""
    return (input * input + other * other).sqrt()


@right
def lerp_of_products(input: Tensor, end: Tensor, weight: float) -> Tensor:
    """(1 - w) a + w b."""
    return input * (1 - weight) + end * weight
