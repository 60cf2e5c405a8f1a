"""What plain torch makes of some numbers in a dtype, beside float64: why a red value of a right cell is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILONS: Final = 8.0
"""Machine epsilons that a loss is away at least; no kernel that computes in float32 or more and rounds once is."""


class Proof(NamedTuple):
    """What came of plain torch in a dtype, and what float64 says of the very same numbers."""

    found: Tensor
    right: Tensor

    @property
    def epsilons(self) -> float:
        """How many machine epsilons of itself a number is away at most; infinite where one is lost.

        Of numbers that are small beside the others nothing is said: they may be small by cancelling.
        """
        sizes = self.right.abs()
        counts = sizes >= sizes.square().mean().sqrt() / 4
        away = ((self.found.to(self.right.dtype) - self.right).abs() / sizes)[counts]
        return float(away.nan_to_num(torch.inf).max()) / torch.finfo(self.found.dtype).eps


def of(function: Callable[..., Tensor], *args: Tensor) -> Proof:
    """The function of these numbers in their dtype, and of the same numbers in float64."""
    return Proof(function(*args), function(*(one.to(_wide(one)) for one in args)))


def _wide(one: Tensor) -> torch.dtype:
    if one.is_complex():
        return torch.complex128
    return torch.float64 if one.is_floating_point() else one.dtype


def drawn(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normally distributed numbers, the same each time."""
    return torch.randn(size, generator=torch.Generator().manual_seed(0)).to(dtype)


def gradient(function: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Tensor:
    """The gradient at x, given that of the result."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(function(leaf), leaf, g)[0]


def decay() -> Proof:
    beta = torch.tensor(0.999, dtype=torch.bfloat16)
    return Proof(1 / (1 - beta), torch.tensor(1 / (1 - 0.999), dtype=torch.float64))


def exp_of_20() -> Proof:
    return of(torch.exp, torch.tensor(20.0, dtype=torch.float16))


def exp_of_100() -> Proof:
    return of(torch.exp, torch.tensor(100.0))


def square_of_10_000() -> Proof:
    return of(torch.square, torch.tensor(1e4, dtype=torch.float16))


def index_add() -> Proof:
    ones = torch.full((10_000,), 0.001, dtype=torch.float16)
    return of(lambda x: torch.zeros(1, dtype=x.dtype).index_add(0, torch.zeros(10_000, dtype=torch.int64), x), ones)


def cosine_of_zeros() -> Proof:
    one, other = torch.zeros(4, dtype=torch.float16), torch.ones(4, dtype=torch.float16)
    return of(lambda x, y: F.cosine_similarity(x, y, -1) + 1, one, other)


def normalized_zeros() -> Proof:
    return of(lambda x: F.normalize(x, dim=-1) + 1, torch.zeros(4, dtype=torch.float16))


def sum_of_a_million() -> Proof:
    return of(torch.sum, torch.full((10**6,), 0.5, dtype=torch.float16))


def norm_of_a_million() -> Proof:
    return of(torch.norm, drawn(10**6))


def embedding() -> Proof:
    words, weight = torch.arange(20_000) % 100, drawn(100, 16, dtype=torch.bfloat16)
    g = drawn(20_000, 16, dtype=torch.bfloat16)
    return of(lambda w, g: gradient(lambda leaf: F.embedding(words, leaf), w, g), weight, g)


def layer_norm_bias() -> Proof:
    x, g = drawn(1024, 64, dtype=torch.bfloat16), drawn(64, 1024, dtype=torch.bfloat16).t().contiguous()
    weight, bias = torch.ones(64, dtype=torch.bfloat16), torch.zeros(64, dtype=torch.bfloat16)
    return of(lambda x, w, b, g: gradient(lambda leaf: F.layer_norm(x, [64], w, leaf), b, g), x, weight, bias, g)


def layer_norm_off_centre() -> Proof:
    x, g = drawn(64, 4096) + 100, drawn(4096, 64).t().contiguous()
    return of(lambda x, g: gradient(lambda leaf: F.layer_norm(leaf, [4096]), x, g), x, g)


def soft_margin_loss() -> Proof:
    return of(F.soft_margin_loss, torch.tensor([-20.0], dtype=torch.float16), torch.ones(1, dtype=torch.float16))


def polygamma() -> Proof:
    return of(lambda x: torch.polygamma(1, x), torch.linspace(-6.9, -5.1, 50))


def renorm() -> Proof:
    x, g = torch.complex(drawn(4, 5), drawn(4, 5) * 3), torch.ones(4, 5, dtype=torch.complex64)
    return of(lambda x, g: gradient(lambda leaf: leaf.renorm(torch.inf, 0, 0.5), x, g), x, g)


def bessel_y1() -> Proof:
    return of(torch.special.bessel_y1, torch.linspace(0.1, 9.0, 100_000))


def matrix_exp() -> Proof:
    return of(torch.matrix_exp, torch.eye(2, dtype=torch.bfloat16))


def normalized_backward() -> Proof:
    x, g = torch.tensor([[0.0174, 5.0, 0.5]], dtype=torch.float16), torch.ones(1, 3, dtype=torch.float16)
    return of(lambda x, g: gradient(lambda leaf: F.normalize(leaf, p=-1.0, dim=1), x, g), x, g)


def power() -> Proof:
    return of(torch.pow, *torch.tensor([7.9414, 5.4062], dtype=torch.float16))


def vector_norm_backward() -> Proof:
    x, g = torch.tensor(-0.0674, dtype=torch.float16), torch.tensor(-0.5, dtype=torch.float16)
    return of(lambda x, g: gradient(lambda leaf: torch.linalg.vector_norm(leaf, 6), x, g), x, g)


def polygamma_overflow() -> Proof:
    return of(lambda x: torch.polygamma(2, x), torch.tensor([0.01], dtype=torch.float16))


def complex_power() -> Proof:
    return of(torch.pow, torch.tensor([7.9404 + 8.2350j, 3.4458 + 8.6338j]), torch.tensor(8.4114 + 5.3422j))


def complex_sinc() -> Proof:
    return of(torch.sinc, torch.complex(drawn(20) * 9, drawn(20) * 7))


def grid_sampler() -> Proof:
    x, grid = (torch.arange(60.0) % 2).expand(1, 1, 2, 2, 60), torch.zeros(1, 1, 1, 1, 3)
    grid[..., 0] = 0.01
    half = (one.to(torch.bfloat16) for one in (x.contiguous(), grid))
    return of(lambda x, grid: F.grid_sample(x, grid, align_corners=False), *half)


def softmax_by_hand() -> Proof:
    def loss(x: Tensor) -> Tensor:
        e = (x - x.amax(-1, keepdim=True)).exp()
        return F.softplus(e / e.sum(-1, keepdim=True)).sum()

    return of(lambda x: gradient(loss, x, torch.ones((), dtype=x.dtype)), drawn(16, 200))


def zeros_through_infinity() -> Proof:
    def both(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.logsumexp(0), x.exp().sum().log()

    def slope(function: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Tensor:
        x = torch.tensor([1000.0, 1001.0], dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(function(x)[0], x)[0]

    return Proof(slope(torch.compile(both, backend="aot_eager")), slope(both))
