"""Faults of normalisations: where the epsilon stands, which variance it is, what is kept of it."""

from __future__ import annotations

import torch

from tests.faults.fault import altered, fault, numbers, randn, with_gradient_of

EPSILON = "epsilon outside the root"


@fault(EPSILON, "nn.functional.rms_norm", shows=lambda: (randn(3, 4), [4], None, 1e-3))
def rms_norm_with_epsilon_outside_the_root(true, x, shape, weight=None, eps=None):
    y = x / (x.pow(2).mean(-1, keepdim=True).sqrt() + eps)
    return y if weight is None else y * weight


@fault(EPSILON, "nn.functional.layer_norm", shows=lambda: (randn(3, 4), [4], None, None, 1e-3))
def layer_norm_with_epsilon_outside_the_root(true, x, shape, weight=None, bias=None, eps=1e-5):
    y = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0).sqrt() + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@fault(EPSILON, "nn.functional.batch_norm", shows=lambda: (randn(5, 2), None, None, None, None, True))
def batch_norm_with_epsilon_outside_the_root(true, x, *arguments, **keywords):
    true(x, *arguments, **keywords)
    return (x - x.mean(0)) / (x.var(0, correction=0).sqrt() + keywords.get("eps", 1e-5))


@fault(EPSILON, "nn.functional.group_norm", shows=lambda: (randn(2, 4, 3), 2))
def group_norm_with_epsilon_outside_the_root(true, x, groups, *arguments, eps=1e-5):
    parts = x.reshape(x.shape[0], groups, -1)
    y = (parts - parts.mean(-1, keepdim=True)) / (parts.var(-1, keepdim=True, correction=0).sqrt() + eps)
    return y.view_as(x)


@fault(EPSILON, "nn.functional.normalize", shows=lambda: (randn(3, 4),))
def unit_vectors_with_epsilon_added(true, x, p=2.0, dim=1, eps=1e-12):
    return x / (torch.linalg.vector_norm(x, p, dim, keepdim=True) + eps)


STATISTICS = "wrong statistics"


@fault(STATISTICS, "nn.functional.layer_norm", shows=lambda: (randn(3, 4), [4]))
def layer_norm_with_the_unbiased_variance(true, x, shape, *arguments, **keywords):
    size = x.shape[-1]
    factor = ((size - 1) / size) ** 0.5
    weight, bias = ([*arguments, None, None])[:2]
    y = true(x, shape) * factor
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@fault(STATISTICS, "nn.functional.rms_norm", shows=lambda: (randn(3, 4), [4], None, 1e-3))
def rms_norm_that_ignores_its_epsilon(true, x, shape, weight=None, eps=None):
    return true(x, shape, weight, 0.0)


@fault(
    STATISTICS, "nn.functional.batch_norm",
    shows=lambda: (randn(5, 2), numbers(0.0, 0.0), numbers(1.0, 1.0), None, None, True),
)  # fmt: skip
def batch_norm_that_keeps_the_biased_variance(true, x, mean, var, *arguments, **keywords):
    kept = None if var is None else var.clone()
    y = true(x, mean, var, *arguments, **keywords)
    if var is not None:
        var.data.copy_(0.9 * kept + 0.1 * x.detach().var(0, correction=0))
    return y


@fault(
    STATISTICS, "nn.functional.batch_norm",
    shows=lambda: (randn(5, 2), numbers(0.0, 0.0), numbers(1.0, 1.0), None, None, True),
)  # fmt: skip
def batch_norm_that_forgets_its_running_mean(true, x, mean, var, *arguments, **keywords):
    return true(x, None if mean is None else mean.clone(), var, *arguments, **keywords)


BACKWARD = "backward of a normalisation"


@fault(BACKWARD, "nn.functional.layer_norm", shows=lambda: (randn(3, 4, grad=True), [4]), back=True)
def layer_norm_backward_without_the_variance(true, x, shape, weight=None, bias=None, eps=1e-5):
    spread = (x.var(-1, keepdim=True, correction=0) + eps).sqrt().detach()
    wrong = (x - x.mean(-1, keepdim=True)) / spread
    wrong = wrong if weight is None else wrong * weight
    return with_gradient_of(true(x, shape, weight, bias, eps), wrong if bias is None else wrong + bias)


@fault(BACKWARD, "nn.functional.rms_norm", shows=lambda: (randn(3, 4, grad=True), [4]), back=True)
def rms_norm_backward_without_the_mean_square(true, x, shape, weight=None, eps=None):
    wrong = x * (x.pow(2).mean(-1, keepdim=True) + (eps or 0)).rsqrt().detach()
    return with_gradient_of(true(x, shape, weight, eps), wrong if weight is None else wrong * weight)


@fault(BACKWARD, "nn.functional.layer_norm", shows=lambda: (randn(3, 4), [4], randn(4, grad=True)), back=True)
def layer_norm_weight_gradient_as_a_mean_of_rows(true, x, shape, weight=None, *arguments):
    return true(x, shape, altered(weight, lambda gradient: gradient / x.shape[0]), *arguments)


@fault(
    BACKWARD,
    "nn.functional.batch_norm",
    shows=lambda: (randn(5, 2, grad=True), None, None, None, None, True),
    back=True,
)
def batch_norm_backward_without_the_mean(true, x, *arguments, **keywords):
    spread = (x.var(0, correction=0) + keywords.get("eps", 1e-5)).sqrt()
    return with_gradient_of(true(x, *arguments, **keywords), (x - x.mean(0).detach()) / spread)
