"""Right kernels that differ from PyTorch's: another order of sums, another algorithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorflow_free import register_op

NAMES: Final[list[str]] = []
"""The ops that are registered here, each `right.KERNEL`."""


def right(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a kernel under its function's name."""
    name = f"right.{function.__name__}"
    NAMES.append(name)
    register_op(name, function, replace=True)
    return function


# products


@right
def matmul_split_k(input: Tensor, other: Tensor) -> Tensor:
    """The inner dimension in four parts, whose products are added in float32, as a split-K kernel does."""
    wide = torch.promote_types(input.dtype, torch.float32)
    parts = zip(input.to(wide).tensor_split(4, -1), other.to(wide).tensor_split(4, -2), strict=True)
    return sum(one @ its for one, its in parts).to(input.dtype)


@right
def matmul_split_k_rounded(input: Tensor, other: Tensor) -> Tensor:
    """The same, each part's product rounded to the dtype."""
    return sum(a @ b for a, b in zip(input.tensor_split(4, -1), other.tensor_split(4, -2), strict=True))


@right
def matmul_outer(input: Tensor, other: Tensor) -> Tensor:
    """A sum of outer products, one after another, in float32."""
    wide = torch.promote_types(input.dtype, torch.float32)
    a, b = input.to(wide), other.to(wide)
    total = a[:, :1] * b[:1]
    for k in range(1, a.shape[1]):
        total = total + a[:, k : k + 1] * b[k : k + 1]
    return total.to(input.dtype)


@right
def linear_transposed(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The product the other way round."""
    return (weight @ input.mT).mT + bias


@right
def conv2d_im2col(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The patches as columns, and one product."""
    rows, columns = (size - kernel + 1 for size, kernel in zip(input.shape[-2:], weight.shape[-2:], strict=True))
    patches = F.unfold(input, weight.shape[-2:])
    return (weight.flatten(1) @ patches + bias[:, None]).unflatten(-1, (rows, columns))


@right
def conv1d_of_shifts(input: Tensor, weight: Tensor) -> Tensor:
    """A sum of products with shifted inputs."""
    length = input.shape[-1] - weight.shape[-1] + 1
    return sum(weight[..., k] @ input[..., k : k + length] for k in range(weight.shape[-1]))


# reductions


@right
def sum_in_blocks(input: Tensor) -> Tensor:
    """Blocks in float32, and then their sums."""
    return (
        torch.stack(
            [one.float().sum() if one.dtype != torch.float64 else one.sum() for one in input.flatten().split(256)]
        )
        .sum()
        .to(input.dtype)
    )


@right
def sum_of_pairs(input: Tensor) -> Tensor:
    """Pairs, pairs of pairs, and so on, each sum rounded to the dtype."""
    values = input.flatten()
    while values.numel() > 1:
        values = F.pad(values, (0, values.numel() % 2))
        values = values[::2] + values[1::2]
    return values.squeeze()


@right
def mean_of_shares(input: Tensor) -> Tensor:
    """A product with the reciprocal of the number of elements."""
    return input.sum() * (1 / input.numel())


@right
def var_two_pass(input: Tensor, dim: int) -> Tensor:
    """The mean first, then the squares of what is away from it."""
    apart = input - input.mean(dim, keepdim=True)
    return (apart * apart).sum(dim) / (input.shape[dim] - 1)


@right
def var_welford(input: Tensor, dim: int) -> Tensor:
    """Welford's recurrence, in float32."""
    wide = torch.promote_types(input.dtype, torch.float32)
    mean = torch.zeros_like(input.select(dim, 0), dtype=wide)
    square = torch.zeros_like(mean)
    for count, one in enumerate(input.to(wide).unbind(dim), start=1):
        away = one - mean
        mean = mean + away / count
        square = square + away * (one - mean)
    return (square / (input.shape[dim] - 1)).to(input.dtype)


@right
def var_of_blocks(input: Tensor, dim: int) -> Tensor:
    """The blocks' means and squares, put together as Chan, Golub and LeVeque do; in float32."""
    wide = torch.promote_types(input.dtype, torch.float32)
    count, mean, square = 0, 0.0, 0.0
    for block in input.to(wide).split(64, dim):
        size = block.shape[dim]
        here = block.mean(dim)
        inside = (block - here.unsqueeze(dim)).square().sum(dim)
        away = here - mean
        square = square + inside + away * away * (count * size / (count + size))
        mean, count = mean + away * (size / (count + size)), count + size
    return (square / (count - 1)).to(input.dtype)


@right
def norm_of_squares(input: Tensor) -> Tensor:
    """The root of the sum of the squares."""
    return (input * input).sum().sqrt()


@right
def norm_scaled(input: Tensor) -> Tensor:
    """The same of numbers that the largest divides, so that no square overflows."""
    peak = input.detach().abs().amax()
    return ((input / peak) ** 2).sum().sqrt() * peak


@right
def logsumexp_by_hand(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the sum of exponentials, away from the largest."""
    peak = input.detach().amax(dim, keepdim=True)
    return (input - peak).exp().sum(dim).log() + peak.squeeze(dim)


@right
def logsumexp_in_pairs(input: Tensor, dim: int) -> Tensor:
    """`logaddexp` of one after another."""
    parts = input.unbind(dim)
    total = parts[0]
    for one in parts[1:]:
        total = torch.logaddexp(total, one)
    return total


# scans


@right
def cumsum_in_blocks(input: Tensor, dim: int) -> Tensor:
    """Blocks, each shifted by the sums of those before it; in float32, as a two-pass scan does."""
    wide = torch.promote_types(input.dtype, torch.float32)
    done, before = [], torch.zeros_like(input.narrow(dim, 0, 1), dtype=wide)
    for block in input.to(wide).split(32, dim):
        done.append(block.cumsum(dim) + before)
        before = done[-1].narrow(dim, block.shape[dim] - 1, 1)
    return torch.cat(done, dim).to(input.dtype)


@right
def cumsum_doubling(input: Tensor, dim: int) -> Tensor:
    """The scan of Hillis and Steele, in float32: each round adds what stands twice as far before."""
    total = input.to(torch.promote_types(input.dtype, torch.float32)).movedim(dim, -1)
    step = 1
    while step < total.shape[-1]:
        total = total + F.pad(total[..., :-step], (step, 0))
        step *= 2
    return total.movedim(-1, dim).to(input.dtype)
