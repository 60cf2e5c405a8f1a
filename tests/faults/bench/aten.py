"""Ways for ATen's ops to be wrong that are theirs alone, forward and backward: a formula's term, a scale, a duplicate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from tests.faults.bench.fault import Wrong
from tests.faults.bench.manners import Manner

OWN: Final[dict[str, dict[str, Wrong]]] = {}
"""By op, by name."""


def wrong(*ops: str) -> Callable[[Wrong], Wrong]:
    """Add a way in which these ops are wrong; its name is the function's."""

    def add(function: Wrong) -> Wrong:
        for op in ops:
            OWN.setdefault(op, {})[function.__name__.strip("_").replace("_", " ")] = function
        return function

    return add


def result(manner: Manner, place: int = 0) -> Wrong:
    """What the op gives is wrong; of several results, the one at a place."""

    def made(true: Any, *arguments: Any, **keywords: Any) -> Any:
        found = true(*arguments, **keywords)
        if isinstance(found, Tensor):
            return _laid_out(manner(found), found)
        return tuple(_laid_out(manner(one), one) if at == place else one for at, one in enumerate(found))

    return made


def _laid_out(numbers: Tensor, like: Tensor) -> Tensor:
    """The numbers in memory as another tensor is, since what follows may count on that."""
    return torch.empty_like(like).copy_(numbers)


# softmax and losses


@wrong("_softmax.default")
def one_over_n(true, x, dim, half):
    return torch.full_like(x, 1 / x.shape[dim])


@wrong("_softmax.default")
def without_the_maximum(true, x, dim, half):
    e = (x * 8).exp()
    return e / e.sum(dim, keepdim=True)


@wrong("_softmax.default", "_log_softmax.default")
def over_the_first_dimension(true, x, dim, half):
    return true(x, 0, half)


@wrong("_softmax_backward_data.default")
def softmax_without_the_sum(true, gradient, output, dim, dtype):
    return gradient * output


@wrong("_log_softmax_backward_data.default")
def log_softmax_without_the_sum(true, gradient, output, dim, dtype):
    return gradient.clone()


@wrong("_softmax_backward_data.default")
def sum_without_its_last_term(true, gradient, output, dim, dtype):
    return true(gradient, output, dim, dtype) + output * (gradient * output).narrow(dim, -1, 1)


@wrong("nll_loss_forward.default")
def mean_over_one_less(true, x, target, *more):
    found, weight = true(x, target, *more)
    return found * (len(target) / (len(target) - 1)), weight


@wrong("nll_loss_backward.default")
def last_row_without_gradient(true, *given):
    found = true(*given)
    found[-1] = 0
    return found


# norms


@wrong("native_layer_norm.default")
def another_eps(true, x, shape, weight, bias, eps):
    return true(x, shape, weight, bias, 1e-3)


@wrong("native_layer_norm.default")
def without_the_bias(true, x, shape, weight, bias, eps):
    return true(x, shape, weight, bias, eps) if bias is None else true(x, shape, weight, bias * 0, eps)


@wrong("native_layer_norm.default")
def over_n_less_one(true, x, shape, weight, bias, eps):
    y, mean, rstd = true(x, shape, weight, bias, eps)
    root = math.sqrt(1 - 1 / math.prod(shape))
    return (y * root if bias is None else (y - bias) * root + bias), mean, rstd


@wrong("native_layer_norm_backward.default")
def without_the_mean_terms(true, gradient, x, *more):
    _, _, rstd, weight, *_ = more
    _, *others = true(gradient, x, *more)
    return ((gradient if weight is None else gradient * weight) * rstd).to(x.dtype), *others


@wrong("native_layer_norm_backward.default")
def weight_without_the_last_row(true, gradient, x, *more):
    found = true(gradient, x, *more)
    fewer = gradient.clone()
    fewer[-1] = 0
    return found[0], *true(fewer, x, *more)[1:]


@wrong("native_batch_norm_backward.default")
def batch_norm_without_the_mean_terms(true, gradient, x, weight, *more):
    found = true(gradient, x, weight, *more)
    rstd = more[3]
    return gradient * (weight * rstd).view(1, -1, 1, 1), *found[1:]


# activations


@wrong("gelu.default")
def the_other_approximation(true, x, *, approximate="none"):
    return true(x, approximate="none" if approximate == "tanh" else "tanh")


@wrong("gelu_backward.default")
def gelu_without_the_density(true, gradient, x, *, approximate="none"):
    return gradient * (0.5 * (1 + torch.erf(x * math.sqrt(0.5))))


@wrong("silu_backward.default")
def silu_without_a_term(true, gradient, x):
    return gradient * torch.sigmoid(x)


@wrong("tanh_backward.default")
def tanh_without_the_square(true, gradient, y):
    return gradient * (1 - y)


@wrong("sigmoid_backward.default")
def sigmoid_too_large(true, gradient, y):
    return gradient * y * (1 - y) * 1.15


@wrong("threshold_backward.default")
def leak(true, gradient, x, threshold):
    return torch.where(x <= threshold, gradient * 0.01, gradient)


@wrong("softplus_backward.default", "elu_backward.default")
def slope_of_one(true, gradient, *more, **words):
    return gradient.clone()


@wrong("native_dropout.default")
def without_the_scale(true, x, p, train):
    y, mask = true(x, p, train)
    return y * (1 - p), mask


@wrong("native_dropout_backward.default")
def without_the_mask(true, gradient, mask, scale):
    return gradient * scale


# products


@wrong("mm.default", "bmm.default")
def last_of_the_sum_dropped(true, a, b):
    return true(a[..., :-1], b[..., :-1, :])


@wrong("mm.default", "bmm.default")
def operands_in_bfloat16(true, a, b):
    narrow = torch.bfloat16 if a.dtype != torch.bfloat16 else torch.float8_e4m3fn
    return true(a.to(narrow).to(a.dtype), b.to(narrow).to(b.dtype))


@wrong("addmm.default")
def addmm_without_the_bias(true, bias, a, b, **words):
    return true(bias * 0, a, b, **words)


@wrong("convolution_backward.default")
def weight_in_fewer_pictures(true, gradient, x, weight, *more):
    found = true(gradient, x, weight, *more)
    return found[0], true(gradient[:-1], x[:-1], weight, *more)[1], found[2]


@wrong("_scaled_dot_product_flash_attention_for_cpu.default")
def scale_off_by_one(true, q, k, v, *more, **words):
    return true(q * math.sqrt(q.shape[-1] / (q.shape[-1] + 1)), k, v, *more, **words)


@wrong("_scaled_dot_product_flash_attention_for_cpu.default")
def causal_turned(true, q, k, v, dropout=0.0, causal=False, **words):
    return true(q, k, v, dropout, not causal, **{**words, "attn_mask": None})


@wrong("_scaled_dot_product_flash_attention_for_cpu_backward.default")
def keys_and_values_exchanged(true, *given, **words):
    q, k, v = true(*given, **words)
    return q, v, k


# sums


@wrong("sum.dim_IntList")
def sum_without_the_last(true, x, dim, *more, **words):
    first = dim[0] if dim else 0
    return true(x.narrow(first, 0, x.shape[first] - 1), dim, *more, **words)


@wrong("mean.dim", "mean.default")
def mean_over_n_less_one(true, x, dim=None, *more, **words):
    found = true(x, **words) if dim is None else true(x, dim, *more, **words)
    count = x.numel() / found.numel()
    return found * (count / (count - 1))


@wrong("var.correction", "std.correction")
def without_correction(true, x, dim=None, **words):
    return true(x, dim, **{**words, "correction": 0})


@wrong("sum.default", "sum.dim_IntList", "mean.dim", "cumsum.default")
def accumulated_in_half(true, x, *more, **words):
    narrow = torch.bfloat16 if x.dtype != torch.bfloat16 else torch.float8_e4m3fn
    return true(x.to(narrow).to(x.dtype), *more, **words)


@wrong("cumsum.default", "cumprod.default")
def without_the_own_number(true, x, dim, **words):
    return true(x, dim, **words).roll(1, dim)


# indices


@wrong("index_add.default")
def duplicates_once(true, x, dim, index, source, **words):
    found = x.clone()
    found[index] = found[index] + source
    return found


@wrong("scatter_add.default")
def duplicates_once_in_scatter(true, x, dim, index, source):
    return x.scatter(dim, index, x.gather(dim, index) + source)


@wrong("embedding_dense_backward.default")
def duplicates_once_in_embedding(true, gradient, index, count, *more):
    found = gradient.new_zeros(count, gradient.shape[-1])
    found[index] = gradient
    return found


@wrong("index_select.default")
def one_beside_in_select(true, x, dim, index):
    return true(x, dim, (index + 1) % x.shape[dim])


@wrong("gather.default")
def one_beside_in_gather(true, x, dim, index, **words):
    return true(x, dim, (index + 1) % x.shape[dim], **words)


@wrong("embedding.default")
def one_beside_in_embedding(true, table, index, *more):
    return true(table, (index + 1) % len(table), *more)


# Fourier transforms and linear systems


@wrong("_fft_r2c.default", "_fft_c2c.default")
def conjugate(true, *given):
    return true(*given).conj().resolve_conj()


@wrong("_fft_c2r.default")
def without_the_length(true, x, dim, normalization, size):
    return true(x, dim, normalization, size) * math.sqrt(size)


@wrong("_linalg_solve_ex.default")
def of_the_transpose(true, a, b, **words):
    return true(a.mT, b, **words)


@wrong("linalg_lu_solve.default")
def adjoint_turned(true, factors, pivots, b, *, left=True, adjoint=False):
    return true(factors, pivots, b, left=left, adjoint=not adjoint)


# jumps


@wrong("gt.Scalar")
def at_least(true, x, other):
    return x >= other - 0.05


@wrong("floor.default")
def truncated(true, x):
    return x.trunc()


@wrong("argmax.default")
def of_the_smallest(true, x, *more, **words):
    return true(-x, *more, **words)


@wrong("maximum.default")
def of_numbers_only(true, x, y):
    return torch.fmax(x, y)


@wrong("masked_fill.Scalar")
def large_and_not_infinite(true, x, mask, value):
    return true(x, mask, -3.0 if math.isinf(value) else value + 0.5)


@wrong("max_pool2d_with_indices.default")
def index_beside(true, x, *more):
    found, index = true(x, *more)
    return found, (index - 1).clamp(min=0)
