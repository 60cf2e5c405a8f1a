"""Faults of reductions: a wrong axis where sizes agree, a wrong count, ties, what comes out of a window."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.faults.fault import fault, numbers, randn, with_gradient_of


def is_square(x):
    return isinstance(x, Tensor) and x.ndim == 2 and x.shape[0] == x.shape[1]


def other(x, dim):
    """The other axis of a square matrix."""
    return 1 - dim % 2 if is_square(x) and isinstance(dim, int) else dim


def over_the_other_axis(true, x, dim=None, *arguments, **keywords):
    return true(x, *([] if dim is None else [other(x, dim)]), *arguments, **keywords)


AXIS = "wrong axis"


@fault(AXIS, "sum", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def sum_over_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "mean", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def mean_over_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "nn.functional.softmax", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def softmax_over_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "nn.functional.log_softmax", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def log_softmax_over_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "amax", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def largest_along_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "cumsum", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def running_sum_along_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "logsumexp", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def logsumexp_over_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "prod", shows=lambda: (randn(4, 4), 0), fine=lambda: (randn(4, 3), 0))
def product_over_the_other_axis(true, *arguments, **keywords):
    return over_the_other_axis(true, *arguments, **keywords)


@fault(AXIS, "nn.functional.layer_norm", shows=lambda: (randn(4, 4), [4]), fine=lambda: (randn(3, 4), [4]))
def layer_norm_over_the_other_axis(true, x, *arguments, **keywords):
    return true(x.T, *arguments, **keywords).T if is_square(x) else true(x, *arguments, **keywords)


COUNT = "wrong count"


@fault(COUNT, "cumsum", shows=lambda: (numbers(1.0, 2.0), 0))
def running_sum_that_lags_by_one(true, x, dim, **keywords):
    return true(x, dim, **keywords) - x


@fault(COUNT, "mean", shows=lambda: (randn(5),))
def mean_over_one_too_few(true, x, dim=None, keepdim=False, **keywords):
    size = x.numel() if dim is None else x.shape[dim]
    return true(x, dim, keepdim, **keywords) * (size / max(1, size - 1))


@fault(COUNT, "var", shows=lambda: (randn(5),), fine=lambda: (numbers(1.0, 1.0),))
def variance_that_ignores_correction(true, x, dim=None, **keywords):
    return true(x, dim, **{**keywords, "correction": 1 - keywords.get("correction", 1)})


@fault(COUNT, "std", shows=lambda: (randn(5),), fine=lambda: (numbers(1.0, 1.0),))
def deviation_without_correction(true, x, dim=None, **keywords):
    return true(x, dim, **{**keywords, "correction": 0})


@fault(COUNT, "median", shows=lambda: (numbers(1.0, 2.0, 4.0, 5.0),), fine=lambda: (numbers(1.0, 2.0, 4.0),))
def median_as_the_mean_of_the_middle_two(true, x):
    return torch.quantile(x.flatten().double(), 0.5).to(x.dtype)


@fault(COUNT, "diff", shows=lambda: (numbers(1.0, 3.0, 4.0),))
def differences_backwards(true, x):
    return x[:-1] - x[1:]


@fault(COUNT, "trace", shows=lambda: (randn(3, 3),))
def trace_of_the_other_diagonal(true, x):
    return true(x.flip(1))


TIES = "ties"


@fault(TIES, "argmax", shows=lambda: (numbers(2.0, 2.0), 0), fine=lambda: (numbers(1.0, 2.0), 0))
def argmax_that_takes_the_last(true, x, dim=None, **keywords):
    axes = range(x.ndim) if dim is None else [dim]
    size = x.numel() if dim is None else x.shape[dim]
    return size - 1 - true(x.flip(*axes), dim, **keywords)


@fault(TIES, "sort", shows=lambda: (numbers(2.0, 2.0),), fine=lambda: (numbers(3.0, 2.0),))
def sort_that_turns_ties_round(true, x, *, stable=False, dim=-1, descending=False):
    found = true(x.flip(dim), stable=True, dim=dim, descending=descending)
    return torch.return_types.sort([found.values, x.shape[dim] - 1 - found.indices])


@fault(
    TIES,
    "amax",
    shows=lambda: (numbers(2.0, 2.0, grad=True), 0),
    fine=lambda: (numbers(1.0, 2.0, grad=True), 0),
    back=True,
)
def amax_gradient_to_the_first_alone(true, x, dim=(), keepdim=False):
    if not isinstance(dim, int):
        return true(x, dim, keepdim)
    return with_gradient_of(true(x, dim, keepdim), x.max(dim, keepdim).values)


@fault(
    TIES, "max", shows=lambda: (numbers(2.0, 2.0, grad=True),), fine=lambda: (numbers(1.0, 2.0, grad=True),), back=True
)
def max_gradient_to_the_first_alone(true, x, *arguments):
    if arguments:
        return true(x, *arguments)
    return with_gradient_of(true(x), x.flatten().max(0).values)


@fault(
    TIES, "maximum", shows=lambda: (numbers(2.0, grad=True), numbers(2.0)),
    fine=lambda: (numbers(3.0, grad=True), numbers(2.0)), back=True,
)  # fmt: skip
def maximum_gradient_to_the_second_of_equal_ones(true, x, second):
    return with_gradient_of(true(x, second), torch.where(x > second, x, second))


@fault(
    TIES, "minimum", shows=lambda: (numbers(2.0, grad=True), numbers(2.0)),
    fine=lambda: (numbers(1.0, grad=True), numbers(2.0)), back=True,
)  # fmt: skip
def minimum_gradient_in_full_to_both_equal_ones(true, x, second):
    return with_gradient_of(true(x, second), x * (x <= second) + second * (second <= x))


@fault(
    TIES, "prod", shows=lambda: (numbers(2.0, 0.0, grad=True),), fine=lambda: (numbers(2.0, 3.0, grad=True),), back=True
)
def product_gradient_by_division(true, x, *arguments, **keywords):
    y = true(x, *arguments, **keywords)
    whole = true(x, *arguments, **{**keywords, "keepdim": True}).detach() if arguments else y.detach()
    wrong = (x * (whole / x).detach()).sum(*arguments, **keywords)
    return with_gradient_of(y, wrong)
