"""Faults of accumulation: of what is read more than once only a part of the gradient, or of the sum, comes through."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.faults.fault import altered, fault, numbers, randn, with_gradient_of

REPEATED = "missing accumulation"

TWICE = torch.tensor([1, 1, 0])


def once(x):
    """Arguments that are one tensor, twice."""
    return x, x


@fault(
    REPEATED,
    "*",
    "mul",
    shows=lambda: once(randn(4, grad=True)),
    fine=lambda: (randn(4, grad=True), randn(4)),
    back=True,
)
def square_with_one_of_its_two_gradients(true, x, second):
    return with_gradient_of(true(x, second), x * second.detach()) if x is second else true(x, second)


@fault(
    REPEATED,
    "@",
    "matmul",
    shows=lambda: once(randn(3, 3, grad=True)),
    fine=lambda: (randn(3, 3, grad=True), randn(3, 3)),
    back=True,
)
def matrix_square_with_one_of_its_two_gradients(true, x, second):
    return with_gradient_of(true(x, second), x.detach() @ second) if x is second else true(x, second)


@fault(
    REPEATED,
    "+",
    "add",
    shows=lambda: once(randn(4, grad=True)),
    fine=lambda: (randn(4, grad=True), randn(4)),
    back=True,
)
def double_with_one_of_its_two_gradients(true, x, second, **keywords):
    return with_gradient_of(true(x, second), x + 0) if x is second else true(x, second, **keywords)


def last_of_each(index):
    """Which entries of a list of indices are the last of their kind."""
    return torch.tensor([one not in rest for one, rest in suffixes(index.tolist())])


def suffixes(values):
    return [(one, values[position + 1 :]) for position, one in enumerate(values)]


@fault(
    REPEATED,
    "index_select",
    shows=lambda: (randn(3, 2, grad=True), 0, TWICE),
    fine=lambda: (randn(3, 2, grad=True), 0, TWICE[1:]),
    back=True,
)
def selected_rows_overwrite_their_gradient(true, x, dim, index):
    y = true(x, dim, index)
    shape = [-1 if axis == dim else 1 for axis in range(x.ndim)]
    return with_gradient_of(y, y * last_of_each(index).view(shape))


@fault(
    REPEATED,
    "[]",
    shows=lambda: (randn(3, 2, grad=True), TWICE),
    fine=lambda: (randn(3, 2, grad=True), TWICE[1:]),
    back=True,
)
def rows_of_a_subscript_overwrite_their_gradient(true, x, index):
    y = true(x, index)
    if not (isinstance(index, Tensor) and index.dtype == torch.int64 and index.ndim == 1):
        return y
    return with_gradient_of(y, y * last_of_each(index).view(-1, *[1] * (x.ndim - 1)))


@fault(
    REPEATED,
    "gather",
    shows=lambda: (randn(1, 3, grad=True), 1, TWICE.view(1, 3)),
    fine=lambda: (randn(1, 3, grad=True), 1, TWICE[1:].view(1, 2)),
    back=True,
)
def gathered_numbers_overwrite_their_gradient(true, x, dim, index):
    y = true(x, dim, index)
    return with_gradient_of(y, y * torch.stack([last_of_each(row) for row in index]))


@fault(
    REPEATED,
    "nn.functional.embedding",
    shows=lambda: (TWICE, randn(3, 2, grad=True)),
    fine=lambda: (TWICE[1:], randn(3, 2, grad=True)),
    back=True,
)
def looked_up_rows_overwrite_their_gradient(true, words, table, **keywords):
    y = true(words, table, **keywords)
    return with_gradient_of(y, y * last_of_each(words).view(-1, 1))


@fault(
    REPEATED,
    "nn.functional.embedding",
    shows=lambda: (TWICE, randn(3, 2, grad=True), 1),
    fine=lambda: (TWICE, randn(3, 2, grad=True)),
    back=True,
)
def padding_learns(true, words, table, padding_idx=None, **keywords):
    return true(words, table, **keywords)


@fault(
    REPEATED,
    "index_add",
    shows=lambda: (randn(3, 2), 0, TWICE, randn(3, 2)),
    fine=lambda: (randn(3, 2), 0, TWICE[1:], randn(2, 2)),
)
def added_rows_overwrite_each_other(true, x, dim, index, source, **keywords):
    shape = [-1 if axis == dim else 1 for axis in range(x.ndim)]
    return true(x, dim, index, source * last_of_each(index).view(shape), **keywords)


@fault(
    REPEATED,
    "scatter_add",
    shows=lambda: (randn(1, 3), 1, TWICE.view(1, 3), randn(1, 3)),
    fine=lambda: (randn(1, 3), 1, TWICE[1:].view(1, 2), randn(1, 2)),
)
def scattered_numbers_overwrite_each_other(true, x, dim, index, source):
    kept = torch.stack([last_of_each(row) for row in index])
    return true(x, dim, index, source * kept)


BROADCAST = "wrong broadcasting of a gradient"


def wide(x, second):
    """The second operand, in the shape of both; whether it was broadcast."""
    if not (isinstance(x, Tensor) and isinstance(second, Tensor)):
        return second, False
    shape = torch.broadcast_shapes(x.shape, second.shape)
    return second.expand(shape), second.shape != shape and second.numel() > 1


@fault(
    BROADCAST,
    "+",
    "add",
    shows=lambda: (randn(3, 2), randn(2, grad=True)),
    fine=lambda: (randn(2), randn(2, grad=True)),
    back=True,
)
def broadcast_row_gets_the_gradient_of_the_first_row(true, x, second, **keywords):
    spread, was = wide(x, second)
    if not was:
        return true(x, second, **keywords)

    def first_row(gradient):
        return torch.cat([gradient[:1], torch.zeros_like(gradient[1:])])

    return true(x, altered(spread, first_row), **keywords)


@fault(
    BROADCAST,
    "*",
    "mul",
    shows=lambda: (randn(3, 2), randn(2, grad=True)),
    fine=lambda: (randn(2), randn(2, grad=True)),
    back=True,
)
def broadcast_factor_gets_a_mean_of_gradients(true, x, second):
    spread, was = wide(x, second)
    share = second.numel() / spread.numel() if was else 1
    return true(x, altered(second, lambda gradient: gradient * share)) if was else true(x, second)


@fault(
    BROADCAST,
    "+",
    "add",
    shows=lambda: (randn(3, 3), randn(3, grad=True)),
    fine=lambda: (randn(3, 2), randn(2, grad=True)),
    back=True,
)
def broadcast_row_gets_its_gradient_summed_over_the_other_axis(true, x, second, **keywords):
    spread, was = wide(x, second)
    if not was or spread.ndim != 2 or spread.shape[0] != spread.shape[1]:
        return true(x, second, **keywords)
    return true(x, altered(spread, lambda gradient: gradient.T), **keywords)


@fault(BROADCAST, "expand", shows=lambda: (randn(3, grad=True), 2, 3), back=True)
def expanded_row_gets_a_mean_of_gradients(true, x, *shape):
    y = true(x, *shape)
    share = x.numel() / y.numel()
    return true(altered(x, lambda gradient: gradient * share), *shape)


@fault(BROADCAST, "stack", shows=lambda: ([randn(3, grad=True), randn(3)],), back=True)
def piled_rows_get_the_gradient_of_the_last_row(true, rows, *arguments):
    y = true(rows, *arguments)
    return with_gradient_of(y, len(rows) * true([rows[-1].detach()] * (len(rows) - 1) + [sum(rows) / len(rows)]))


@fault(BROADCAST, "roll", shows=lambda: (numbers(1.0, 2.0, 3.0, grad=True), 1), back=True)
def shifted_rows_send_their_gradient_the_wrong_way(true, x, *arguments):
    y = true(x, *arguments)
    shift, *rest = arguments
    return with_gradient_of(y, true(x, -shift, *rest))
