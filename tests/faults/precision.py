"""Faults of precision: too few digits on the way, and formulas that lose them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.faults.fault import fault, numbers, randn


def narrowly(dtype, true, *arguments, **keywords):
    """The op in a narrower dtype, and its result in that of the first operand."""
    first = arguments[0]
    if not isinstance(first, Tensor) or not first.is_floating_point():
        return true(*arguments, **keywords)
    narrow = [one.to(dtype) if isinstance(one, Tensor) and one.is_floating_point() else one for one in arguments]
    return true(*narrow, **keywords).to(first.dtype)


def to_tf32(x):
    """Rounded to the 10 bits of TF32; going back as if it were not."""
    rounded = ((x.detach().float().view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)
    return x + (rounded.to(x.dtype) - x).detach()


@fault("half precision", "sum", shows=lambda: (randn(50),))
def sum_in_half_precision(true, *arguments, **keywords):
    return narrowly(torch.float16, true, *arguments, **keywords)


@fault("half precision", "mean", shows=lambda: (randn(50),))
def mean_in_bfloat16(true, *arguments, **keywords):
    return narrowly(torch.bfloat16, true, *arguments, **keywords)


@fault("half precision", "cumsum", shows=lambda: (randn(50), 0))
def running_sum_in_half_precision(true, *arguments, **keywords):
    return narrowly(torch.float16, true, *arguments, **keywords)


@fault("half precision", "nn.functional.softmax", shows=lambda: (randn(5), 0))
def softmax_in_bfloat16(true, *arguments, **keywords):
    return narrowly(torch.bfloat16, true, *arguments, **keywords)


@fault("half precision", "nn.functional.layer_norm", shows=lambda: (randn(3, 5), [5]))
def layer_norm_with_statistics_in_half_precision(true, x, shape, weight=None, bias=None, eps=1e-5):
    mean = x.half().mean(-1, keepdim=True).to(x.dtype)
    return true(x - x.mean(-1, keepdim=True) + (x.mean(-1, keepdim=True) - mean), shape, weight, bias, eps) * (
        x.var(-1, keepdim=True).half().to(x.dtype) / x.var(-1, keepdim=True)
    )


@fault("half precision", "linalg.vector_norm", shows=lambda: (randn(9),))
def length_in_half_precision(true, *arguments, **keywords):
    return narrowly(torch.float16, true, *arguments, **keywords)


@fault("half precision", "einsum", shows=lambda: ("ij,jk->ik", randn(3, 3), randn(3, 3)))
def einsum_in_bfloat16(true, equation, *operands):
    return true(equation, *[one.bfloat16() for one in operands]).to(operands[0].dtype)


@fault("single precision", "dot", shows=lambda: (randn(9), randn(9)))
def inner_product_in_float32(true, *arguments):
    return narrowly(torch.float32, true, *arguments)


@fault("single precision", "/", "div", shows=lambda: (randn(9), randn(9) + 5))
def quotient_in_float32(true, *arguments, **keywords):
    return narrowly(torch.float32, true, *arguments, **keywords)


@fault("tf32", "@", "matmul", shows=lambda: (randn(3, 3), randn(3, 3)))
def matrix_product_of_operands_in_tf32(true, left, right):
    return true(to_tf32(left), to_tf32(right))


@fault("tf32", "nn.functional.conv2d", shows=lambda: (randn(1, 2, 4, 4), randn(2, 2, 3, 3)))
def convolution_of_operands_in_tf32(true, x, weight, *arguments, **keywords):
    return true(to_tf32(x), to_tf32(weight), *arguments, **keywords)


@fault("cancellation", "var", shows=lambda: (randn(9) + 1e4,))
def variance_in_one_pass(true, x, dim=None, *, correction=1, keepdim=False, **keywords):
    size = x.numel() if dim is None else x.size(dim)
    spread = (x * x).mean(dim, keepdim) - x.mean(dim, keepdim) ** 2
    return spread * (size / (size - correction))


@fault("cancellation", "log1p", shows=lambda: (numbers(1e-17),), fine=lambda: (numbers(1.0),))
def log1p_by_the_log_of_one_plus_x(true, x):
    return (1 + x).log()


@fault("cancellation", "expm1", shows=lambda: (numbers(1e-17),), fine=lambda: (numbers(0.0),))
def expm1_by_exp_less_one(true, x):
    return x.exp() - 1


@fault("approximation", "exp", shows=lambda: (randn(9),), fine=lambda: (numbers(0.0),))
def exp_with_seven_digits_of_a_constant(true, x):
    return torch.exp2(x * 1.442695)


@fault("approximation", "rsqrt", shows=lambda: (randn(9).abs(),))
def inverse_root_with_a_newton_step_too_few(true, x):
    start = x.detach().rsqrt().bfloat16().to(x.dtype)
    return start * (1.5 - 0.5 * x * start * start)


@fault("approximation", "nn.functional.gelu", shows=lambda: (randn(9),))
def gelu_always_by_tanh(true, x, approximate="none"):
    return true(x, approximate="tanh")


@fault("approximation", "nn.functional.sigmoid", "sigmoid", shows=lambda: (randn(9),), fine=lambda: (numbers(0.0),))
def sigmoid_with_its_exp_in_bfloat16(true, x):
    return 1 / (1 + x.neg().bfloat16().exp().to(x.dtype))


@fault("approximation", "tanh", "nn.functional.tanh", shows=lambda: (numbers(2.9),), fine=lambda: (numbers(2.0),))
def tanh_that_saturates_too_early(true, x):
    return torch.where(x.abs() > 2.5, x.sign() + 0 * x, true(x))


@fault("approximation", "erf", shows=lambda: (numbers(0.5),))
def erf_by_a_polynomial(true, x):
    """Source: Abramowitz, Stegun, 7.1.26: an error of 1.5e-7."""
    t = 1 / (1 + 0.3275911 * x.abs())
    sum_ = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return x.sign() * (1 - sum_ * (-x * x).exp())


@fault("overflow", "nn.functional.softplus", shows=lambda: (numbers(1000.0),), fine=lambda: (numbers(0.0),))
def softplus_that_overflows(true, x, beta=1, threshold=20):
    return (1 + (beta * x).exp()).log() / beta


@fault("overflow", "logaddexp", shows=lambda: (numbers(1000.0), numbers(1000.0)))
def logaddexp_without_the_shift(true, x, other):
    return (x.exp() + other.exp()).log()


@fault("overflow", "logsumexp", shows=lambda: (numbers(1000.0, 1001.0), 0), fine=lambda: (numbers(0.0, 0.0), 0))
def logsumexp_without_the_shift(true, x, dim, keepdim=False):
    return x.exp().sum(dim, keepdim).log()


@fault(
    "overflow", "nn.functional.softmax", shows=lambda: (numbers(1000.0, 0.0), 0), fine=lambda: (numbers(0.0, 0.0), 0)
)
def softmax_without_the_shift(true, x, dim=None, **keywords):
    return x.exp() / x.exp().sum(dim, keepdim=True)


@fault("overflow", "nn.functional.logsigmoid", shows=lambda: (numbers(-1000.0),), fine=lambda: (numbers(0.0),))
def log_of_sigmoid_in_two_steps(true, x):
    return x.sigmoid().log()


@fault("overflow", "**", "pow", shows=lambda: (numbers(-2.0), 2), fine=lambda: (numbers(1.0), 2))
def power_by_exp_and_log(true, x, exponent):
    return (exponent * x.log()).exp() if isinstance(x, Tensor) and x.is_floating_point() else true(x, exponent)


@fault("overflow", "exp", shows=lambda: (numbers(1000.0),), fine=lambda: (numbers(1.0),))
def exp_that_saturates(true, x):
    return true(x).clamp(max=torch.finfo(x.dtype).max)


@fault("approximation", "nn.functional.elu", shows=lambda: (numbers(-1e-9),), fine=lambda: (numbers(1.0),))
def elu_by_exp_less_one_in_float32(true, x, alpha=1.0, **keywords):
    return torch.where(x > 0, x, alpha * (x.float().exp() - 1).to(x.dtype))


@fault("approximation", "nn.functional.silu", shows=lambda: (numbers(1.0),), fine=lambda: (numbers(0.0),))
def silu_by_a_hard_sigmoid(true, x, **keywords):
    return F.hardswish(x)
