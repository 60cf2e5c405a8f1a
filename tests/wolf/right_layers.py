"""Right kernels that differ from PyTorch's: norms, attention, and other layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.wolf.right_ops import right


@right
def layer_norm_by_hand(input: Tensor, normalized_shape: Sequence[int], weight: Tensor, bias: Tensor) -> Tensor:
    """Two passes, each op rounded."""
    apart = input - input.mean(-1, keepdim=True)
    return apart * ((apart * apart).mean(-1, keepdim=True) + 1e-5).rsqrt() * weight + bias


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        apart = x - x.mean(-1, keepdim=True)
        scale = ((apart * apart).mean(-1, keepdim=True) + 1e-5).rsqrt()
        ctx.save_for_backward(apart * scale, scale, weight)
        return (apart * scale * weight + bias).to(input.dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, scale, weight = ctx.saved_tensors
        wide, over = g.to(y.dtype), tuple(range(g.dim() - 1))
        h = wide * weight
        x = (h - h.mean(-1, keepdim=True) - y * (h * y).mean(-1, keepdim=True)) * scale
        return x.to(g.dtype), (wide * y).sum(over).to(g.dtype), wide.sum(over).to(g.dtype)


@right
def layer_norm_with_backward(input: Tensor, normalized_shape: Sequence[int], weight: Tensor, bias: Tensor) -> Tensor:
    """A fused kernel: float32 inside, a backward of its own."""
    return _LayerNorm.apply(input, weight, bias)


@right
def rms_norm_by_hand(input: Tensor, normalized_shape: Sequence[int], weight: Tensor, eps: float) -> Tensor:
    """Each op rounded."""
    return input * ((input * input).mean(-1, keepdim=True) + eps).rsqrt() * weight


@right
def group_norm_by_hand(input: Tensor, num_groups: int) -> Tensor:
    """A layer norm of the groups."""
    return F.layer_norm(input.flatten(1).unflatten(1, (num_groups, -1)), [input[0].numel() // num_groups]).view_as(
        input
    )


@right
def batch_norm_by_hand(
    input: Tensor, running_mean: None, running_var: None, weight: Tensor, bias: Tensor, training: bool
) -> Tensor:
    """The mean and variance of each channel, each op rounded."""
    over = [0, *range(2, input.dim())]
    var, mean = torch.var_mean(input, over, correction=0, keepdim=True)
    like = [1, -1, *[1] * (input.dim() - 2)]
    return (input - mean) / (var + 1e-5).sqrt() * weight.view(like) + bias.view(like)


@right
def attention_by_hand(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scores, softmax, product, each rounded."""
    return (query @ key.mT * query.shape[-1] ** -0.5).softmax(-1) @ value


@right
def attention_in_blocks(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Blocks of keys, as FlashAttention goes over them, in float32."""
    wide = torch.promote_types(query.dtype, torch.float32)
    q = query.to(wide) * query.shape[-1] ** -0.5
    peak = torch.full_like(q[..., :1], -torch.inf)
    total, out = torch.zeros_like(peak), torch.zeros_like(q[..., :1] * value[..., :1, :])
    for k, v in zip(key.to(wide).split(16, -2), value.to(wide).split(16, -2), strict=True):
        scores = q @ k.mT
        new = torch.maximum(peak, scores.detach().amax(-1, keepdim=True))
        shrink, p = (peak - new).exp(), (scores - new).exp()
        total, out, peak = total * shrink + p.sum(-1, keepdim=True), out * shrink + p @ v, new
    return (out / total).to(query.dtype)


@right
def embedding_by_one_hot(input: Tensor, weight: Tensor) -> Tensor:
    """A product with ones and zeros."""
    return F.one_hot(input, weight.shape[0]).to(weight.dtype) @ weight


@right
def avg_pool2d_by_unfold(input: Tensor, kernel_size: int) -> Tensor:
    """The mean of each patch."""
    patches = input.unfold(-2, kernel_size, kernel_size).unfold(-2, kernel_size, kernel_size)
    return patches.mean((-1, -2))


@right
def glu_by_hand(input: Tensor) -> Tensor:
    """One half times the sigmoid of the other."""
    one, other = input.chunk(2, -1)
    return one * other.sigmoid()


@right
def cosine_by_hand(x1: Tensor, x2: Tensor) -> Tensor:
    """The product over both lengths."""
    return (x1 * x2).sum(1) / (x1.norm(dim=1) * x2.norm(dim=1)).clamp(min=1e-8)


@right
def cdist_direct(x1: Tensor, x2: Tensor) -> Tensor:
    """The root of the sum of squared differences."""
    return (x1[:, None] - x2[None]).square().sum(-1).sqrt()


@right
def solve_by_inverse_of_lu(A: Tensor, B: Tensor) -> Tensor:  # noqa: N803 - torch's own names
    """An LU decomposition and two triangular systems."""
    return torch.linalg.lu_solve(*torch.linalg.lu_factor(A), B)


@right
def fft_by_product(input: Tensor) -> Tensor:
    """A product with the matrix of roots of unity."""
    n = torch.arange(input.shape[-1], dtype=torch.float64)
    angle = -2 * math.pi * ((n[:, None] * n) % input.shape[-1]) / input.shape[-1]
    roots = torch.polar(torch.ones_like(angle), angle)
    return input.to(input.dtype.to_complex()) @ roots.to(input.dtype.to_complex())
