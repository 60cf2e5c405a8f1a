"""Faults of backward formulas: a dropped scale, a wrong sign, a missing term, a gradient that leaks or is lost."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.faults.fault import altered, fault, numbers, randn, with_gradient_of

POINT = lambda: (randn(6, grad=True),)  # noqa: E731
POSITIVE = lambda: (numbers(0.5, 2.0, 3.0, grad=True),)  # noqa: E731

SCALE = "dropped scale"


@fault(SCALE, "mean", shows=POINT, back=True)
def mean_backward_without_the_count(true, x, *arguments, **keywords):
    return with_gradient_of(true(x, *arguments, **keywords), x.sum(*arguments, **keywords))


@fault(SCALE, "sqrt", shows=POSITIVE, back=True)
def root_backward_without_the_half(true, x):
    return with_gradient_of(true(x), 2 * true(x))


@fault(SCALE, "**", "pow", shows=lambda: (*POINT(), 3), fine=lambda: (*POINT(), 1), back=True)
def power_backward_without_the_exponent(true, x, exponent):
    if isinstance(exponent, Tensor) or not exponent or not isinstance(x, Tensor):
        return true(x, exponent)
    return with_gradient_of(true(x, exponent), true(x, exponent) / exponent)


@fault(SCALE, "var", shows=POINT, back=True)
def variance_backward_without_the_two(true, x, *arguments, **keywords):
    y = true(x, *arguments, **keywords)
    return with_gradient_of(y, y / 2)


@fault(SCALE, "std", shows=POINT, back=True)
def deviation_backward_over_n(true, x, *arguments, **keywords):
    return altered_by(lambda gradient: gradient * 0.75, true, x, *arguments, **keywords)


def altered_by(alter, true, x, *arguments, **keywords):
    return true(altered(x, alter), *arguments, **keywords)


@fault(
    SCALE,
    "nn.functional.scaled_dot_product_attention",
    shows=lambda: (randn(1, 2, 4, grad=True), *[randn(1, 2, 4)] * 2),
    back=True,
)
def attention_backward_without_the_scale(true, q, k, v, *arguments, **keywords):
    return true(altered(q, lambda gradient: gradient * q.shape[-1] ** 0.5), k, v, *arguments, **keywords)


@fault(SCALE, "nn.functional.mse_loss", shows=lambda: (*POINT(), randn(6) + 1), back=True)
def squared_loss_backward_without_the_two(true, x, *arguments, **keywords):
    return altered_by(lambda gradient: gradient / 2, true, x, *arguments, **keywords)


@fault(
    SCALE, "nn.functional.cross_entropy", shows=lambda: (randn(3, 4, grad=True), torch.tensor([0, 1, 2])),
    fine=lambda: (randn(1, 4, grad=True), torch.tensor([0])), back=True,
)  # fmt: skip
def cross_entropy_backward_not_divided_by_the_rows(true, x, labels, weight=None, **keywords):
    if keywords.get("reduction", "mean") != "mean" or weight is not None:
        return true(x, labels, weight, **keywords)
    wrong = true(x, labels, **{**keywords, "reduction": "sum"})
    return with_gradient_of(true(x, labels, **keywords), wrong)


@fault(SCALE, "fft.fft", shows=lambda: (randn(4, grad=True),), back=True)
def fourier_transform_backward_over_n(true, x, *arguments, **keywords):
    return altered_by(lambda gradient: gradient / x.shape[-1], true, x, *arguments, **keywords)


@fault(SCALE, "linalg.det", shows=lambda: (randn(3, 3, grad=True),), back=True)
def determinant_backward_without_the_determinant(true, x):
    return with_gradient_of(true(x), torch.linalg.slogdet(x).logabsdet)


@fault(SCALE, "linalg.vector_norm", shows=POINT, back=True)
def length_backward_without_the_length(true, x, *arguments, dim=None, **keywords):
    return with_gradient_of(true(x, *arguments, dim=dim, **keywords), (x * x / 2).sum(dim))


@fault(SCALE, "nn.functional.linear", shows=lambda: (randn(3, 2), randn(2, 2), randn(2, grad=True)), back=True)
def linear_bias_gradient_as_a_mean(true, x, weight, bias=None):
    return true(x, weight, altered(bias, lambda gradient: gradient / x.shape[0]))


TERM = "missing term"


@fault(TERM, "nn.functional.softmax", shows=lambda: (*POINT(), 0), back=True)
def softmax_backward_without_the_sum(true, x, *arguments, **keywords):
    y = true(x, *arguments, **keywords)
    return with_gradient_of(y, x * y.detach())


@fault(TERM, "nn.functional.log_softmax", shows=lambda: (*POINT(), 0), back=True)
def log_softmax_backward_without_the_sum(true, x, *arguments, **keywords):
    return with_gradient_of(true(x, *arguments, **keywords), x)


@fault(TERM, "logsumexp", shows=lambda: (*POINT(), 0), back=True)
def logsumexp_backward_not_normalised(true, x, *arguments, **keywords):
    return with_gradient_of(true(x, *arguments, **keywords), x.exp().sum(*arguments, **keywords))


@fault(TERM, "nn.functional.gelu", shows=POINT, back=True)
def gelu_backward_without_the_density(true, x, *arguments, **keywords):
    share = 0.5 * (1 + torch.erf(x / 2**0.5))
    return with_gradient_of(true(x, *arguments, **keywords), x * share.detach())


@fault(TERM, "nn.functional.silu", shows=POINT, back=True)
def silu_backward_as_the_sigmoid(true, x, **keywords):
    return with_gradient_of(true(x), x * x.sigmoid().detach())


@fault(TERM, "nn.functional.huber_loss", shows=lambda: (numbers(3.0, grad=True), numbers(0.0)), back=True)
def huber_backward_not_clipped(true, x, target, **keywords):
    return with_gradient_of(true(x, target, **keywords), 0.5 * F.mse_loss(x, target))


FORMULA = "wrong formula"


@fault(FORMULA, "nn.functional.sigmoid", "sigmoid", shows=POINT, back=True)
def sigmoid_backward_as_its_value(true, x):
    y = true(x)
    return with_gradient_of(y, x * y.detach())


@fault(FORMULA, "nn.functional.tanh", "tanh", shows=POINT, back=True)
def tanh_backward_without_the_square(true, x):
    y = true(x)
    return with_gradient_of(y, x * (1 - y).detach())


@fault(FORMULA, "rsqrt", shows=POSITIVE, back=True)
def inverse_root_backward_of_the_square(true, x):
    y = true(x)
    return with_gradient_of(y, x * (-0.5 * y * y).detach())


@fault(FORMULA, "exp", shows=POINT, back=True)
def exp_backward_of_its_input(true, x):
    return with_gradient_of(true(x), x * x.detach())


@fault(FORMULA, "log1p", shows=POSITIVE, back=True)
def log1p_backward_as_that_of_log(true, x):
    return with_gradient_of(true(x), x.log())


@fault(FORMULA, "sin", shows=POINT, back=True)
def sine_backward_with_a_minus(true, x):
    return with_gradient_of(true(x), -true(x))


@fault(
    FORMULA,
    "/",
    "div",
    shows=lambda: (randn(4), randn(4, grad=True)),
    fine=lambda: (randn(4, grad=True), 2.0),
    back=True,
)
def quotient_backward_with_the_wrong_sign_below(true, x, below, **keywords):
    return true(x, altered(below, torch.neg), **keywords)


@fault(
    FORMULA,
    "*",
    "mul",
    shows=lambda: (randn(4, grad=True), randn(4) + 1),
    fine=lambda: (randn(4, grad=True), 2.0),
    back=True,
)
def product_backward_with_operands_swapped(true, x, second):
    if not (isinstance(x, Tensor) and isinstance(second, Tensor) and x.shape == second.shape):
        return true(x, second)
    return with_gradient_of(true(x, second), (x * x + second * second) / 2)


@fault(
    FORMULA,
    "@",
    "matmul",
    shows=lambda: (randn(3, 3, grad=True), randn(3, 3)),
    fine=lambda: (randn(2, 3, grad=True), randn(3, 3)),
    back=True,
)
def matrix_product_backward_without_transposing(true, x, second):
    if not (x.ndim == second.ndim == 2 and x.shape[0] == x.shape[1] == second.shape[1]):
        return true(x, second)
    return with_gradient_of(true(x, second), x @ second.T.detach() + x.detach() @ second)


@fault(FORMULA, "cumsum", shows=lambda: (*POINT(), 0), back=True)
def running_sum_backward_not_turned_round(true, x, dim, **keywords):
    return with_gradient_of(true(x, dim, **keywords), true(x.flip(dim), dim).flip(dim))


@fault(FORMULA, "cat", shows=lambda: ([randn(3, grad=True), randn(3) + 1],), back=True)
def joined_parts_get_each_others_gradients(true, parts, *arguments, **keywords):
    if len({one.shape for one in parts}) > 1:
        return true(parts, *arguments, **keywords)
    return with_gradient_of(true(parts, *arguments, **keywords), true(parts[::-1], *arguments, **keywords))


@fault(FORMULA, "atan2", shows=lambda: (randn(4, grad=True), randn(4)), back=True)
def angle_backward_with_the_wrong_sign(true, x, second):
    return altered_by(torch.neg, true, x, second)


@fault(FORMULA, "linalg.solve", shows=lambda: (randn(3, 3), randn(3, 2, grad=True)), back=True)
def solution_backward_without_transposing(true, a, b):
    return with_gradient_of(true(a, b), true(a.mT.detach(), b) + true(a, b.detach()))


@fault(FORMULA, "linalg.inv", shows=lambda: (randn(3, 3, grad=True),), back=True)
def inverse_backward_without_the_minus(true, x):
    return altered_by(torch.neg, true, x)


@fault(FORMULA, "nn.functional.conv2d", shows=lambda: (randn(1, 1, 4, 4), randn(1, 1, 3, 3, grad=True)), back=True)
def convolution_kernel_gradient_turned_round(true, x, kernel, *arguments, **keywords):
    return true(x, altered(kernel, lambda gradient: gradient.flip(-1, -2)), *arguments, **keywords)


@fault(
    FORMULA, "nn.functional.conv2d", shows=lambda: (randn(1, 4, 4, 4), randn(2, 2, 3, 3, grad=True), None, 1, 0, 1, 2),
    fine=lambda: (randn(1, 2, 4, 4), randn(2, 2, 3, 3, grad=True)), back=True,
)  # fmt: skip
def convolution_backward_that_misses_the_last_group(true, x, kernel, *arguments, **keywords):
    groups = keywords.get("groups", arguments[4] if len(arguments) > 4 else 1)

    def without_last(gradient):
        kept = torch.ones_like(gradient)
        kept[gradient.shape[0] - gradient.shape[0] // groups :] = 0
        return gradient * kept

    return true(x, altered(kernel, without_last) if groups > 1 else kernel, *arguments, **keywords)


@fault(
    FORMULA,
    "nn.functional.conv2d",
    shows=lambda: (randn(3, 1, 4, 4), randn(1, 1, 3, 3), randn(1, grad=True)),
    back=True,
)
def convolution_bias_gradient_of_one_image(true, x, kernel, bias=None, *arguments, **keywords):
    return true(x, kernel, altered(bias, lambda gradient: gradient / x.shape[0]), *arguments, **keywords)


@fault(FORMULA, "nn.functional.max_pool2d", shows=lambda: (randn(1, 1, 4, 4, grad=True), 2), back=True)
def largest_of_a_window_spreads_its_gradient(true, x, size, stride=None, padding=0, dilation=1, **keywords):
    y = true(x, size, stride, padding, dilation, **keywords)
    return y if dilation != 1 else with_gradient_of(y, F.avg_pool2d(x, size, stride, padding))


LEAK = "leaks or is lost"


@fault(
    LEAK,
    "relu",
    "nn.functional.relu",
    shows=lambda: (numbers(0.0, grad=True),),
    fine=lambda: (numbers(1.0, grad=True),),
    back=True,
)
def relu_backward_of_one_at_zero(true, x, *arguments, **keywords):
    return with_gradient_of(true(x), x * (x >= 0))


@fault(LEAK, "abs", shows=lambda: (numbers(0.0, grad=True),), fine=lambda: (numbers(1.0, grad=True),), back=True)
def size_backward_of_one_at_zero(true, x):
    return with_gradient_of(true(x), x * torch.where(x >= 0, 1, -1))


@fault(
    LEAK,
    "clamp",
    shows=lambda: (numbers(3.0, grad=True), -1.0, 1.0),
    fine=lambda: (numbers(0.5, grad=True), -1.0, 1.0),
    back=True,
)
def clamp_backward_that_lets_everything_through(true, x, *arguments, **keywords):
    return with_gradient_of(true(x, *arguments, **keywords), x)


@fault(
    LEAK,
    "clamp",
    shows=lambda: (numbers(1.0, grad=True), -1.0, 1.0),
    fine=lambda: (numbers(0.5, grad=True), -1.0, 1.0),
    back=True,
)
def clamp_backward_that_stops_at_its_ends(true, x, lowest, highest=None, **keywords):
    if highest is None:
        return true(x, lowest, **keywords)
    return with_gradient_of(true(x, lowest, highest), x * ((x > lowest) & (x < highest)))


@fault(LEAK, "where", shows=lambda: (torch.tensor([True, False]), randn(2, grad=True), randn(2)), back=True)
def where_backward_to_both_sides(true, condition, x, second):
    return with_gradient_of(true(condition, x, second), x + second)


@fault(LEAK, "masked_fill", shows=lambda: (randn(2, grad=True), torch.tensor([True, False]), 0.0), back=True)
def masked_numbers_get_a_gradient(true, x, mask, value):
    return with_gradient_of(true(x, mask, value), x)


@fault(LEAK, "nn.functional.softplus", shows=POINT, back=True)
def softplus_without_a_history(true, x, *arguments):
    return true(x.detach(), *arguments)


@fault(LEAK, "frac", shows=POINT, back=True)
def fraction_without_a_gradient(true, x):
    return with_gradient_of(true(x), 0 * x)


@fault(LEAK, "*", "mul", shows=lambda: (randn(4, grad=True), randn(4)), back=True)
def gradient_of_a_product_in_half_precision(true, x, second):
    def halved(gradient):
        return gradient if gradient.is_complex() else gradient.half().to(gradient.dtype)

    return true(altered(x, halved), second)


@fault(
    LEAK,
    "nn.functional.leaky_relu",
    shows=lambda: (numbers(-1.0, grad=True), 0.2),
    fine=lambda: (numbers(1.0, grad=True), 0.2),
    back=True,
)
def leaky_relu_backward_without_the_leak(true, x, *arguments):
    return with_gradient_of(true(x, *arguments), x.relu())
