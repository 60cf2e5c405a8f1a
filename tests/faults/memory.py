"""Faults of memory: wrong only for strides, offsets and long rows; in-place ops that write elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.faults.fault import fault, in_storage_order, randn

STRIDES = "only for non-contiguous input"

TURNED = lambda: (randn(3, 4).T,)  # noqa: E731
STRAIGHT = lambda: (randn(3, 4),)  # noqa: E731


def straightened(true, *arguments, **keywords):
    """The op on tensors whose strides are forgotten."""
    taken = [in_storage_order(one) if isinstance(one, Tensor) and one.ndim > 1 else one for one in arguments]
    return true(*taken, **keywords)


@fault(STRIDES, "exp", shows=TURNED, fine=STRAIGHT)
def exp_in_the_order_of_storage(true, *arguments):
    return straightened(true, *arguments)


@fault(STRIDES, "sum", shows=lambda: (*TURNED(), 0), fine=lambda: (*STRAIGHT(), 0))
def sum_in_the_order_of_storage(true, *arguments, **keywords):
    return straightened(true, *arguments, **keywords)


@fault(STRIDES, "amax", shows=lambda: (*TURNED(), 0), fine=lambda: (*STRAIGHT(), 0))
def largest_in_the_order_of_storage(true, *arguments, **keywords):
    return straightened(true, *arguments, **keywords)


@fault(STRIDES, "nn.functional.softmax", shows=lambda: (*TURNED(), 0), fine=lambda: (*STRAIGHT(), 0))
def softmax_in_the_order_of_storage(true, *arguments, **keywords):
    return straightened(true, *arguments, **keywords)


@fault(STRIDES, "nn.functional.layer_norm", shows=lambda: (*TURNED(), [3]), fine=lambda: (*STRAIGHT(), [4]))
def layer_norm_in_the_order_of_storage(true, *arguments, **keywords):
    return straightened(true, *arguments, **keywords)


@fault(STRIDES, "nn.functional.gelu", shows=TURNED, fine=STRAIGHT)
def gelu_in_the_order_of_storage(true, *arguments, **keywords):
    return straightened(true, *arguments, **keywords)


@fault(STRIDES, "cumsum", shows=lambda: (*TURNED(), 0), fine=lambda: (*STRAIGHT(), 0))
def running_sum_in_the_order_of_storage(true, *arguments, **keywords):
    return straightened(true, *arguments, **keywords)


@fault(STRIDES, "@", "matmul", shows=lambda: (randn(3, 3), randn(3, 3).T), fine=lambda: (randn(3, 3), randn(3, 3)))
def matrix_product_in_the_order_of_storage(true, x, second):
    return straightened(true, x, second)


@fault(
    STRIDES,
    "nn.functional.conv2d",
    shows=lambda: (randn(1, 2, 3, 3).mT, randn(1, 2, 2, 2)),
    fine=lambda: (randn(1, 2, 3, 3), randn(1, 2, 2, 2)),
)
def convolution_in_the_order_of_storage(true, x, *arguments, **keywords):
    return true(in_storage_order(x), *arguments, **keywords)


@fault(STRIDES, "flatten", shows=TURNED, fine=STRAIGHT)
def flattened_in_the_order_of_storage(true, *arguments):
    return straightened(true, *arguments)


@fault(STRIDES, "contiguous", shows=TURNED, fine=STRAIGHT)
def copied_in_the_order_of_storage(true, *arguments):
    return straightened(true, *arguments)


@fault(STRIDES, "cat", shows=lambda: ([*TURNED(), *TURNED()],), fine=lambda: ([*STRAIGHT(), *STRAIGHT()],))
def joined_in_the_order_of_storage(true, parts, *arguments, **keywords):
    return true([in_storage_order(one) for one in parts], *arguments, **keywords)


def repeated() -> Tensor:
    return randn(1, 4).expand(3, 4)


@fault(STRIDES, "sum", shows=lambda: (repeated(),), fine=STRAIGHT)
def sum_that_counts_each_place_in_memory_once(true, x, *arguments, **keywords):
    if arguments or 0 not in x.stride():
        return true(x, *arguments, **keywords)
    return true(x[tuple(slice(None) if stride else 0 for stride in x.stride())])


def with_offset() -> Tensor:
    return randn(14)[2:].view(3, 4)


@fault("storage offset ignored", "exp", shows=lambda: (with_offset(),), fine=STRAIGHT)
def exp_from_the_start_of_the_storage(true, x):
    return true(x.as_strided(x.shape, x.stride(), 0) if x.storage_offset() else x)


@fault("storage offset ignored", "contiguous", shows=lambda: (with_offset().T,), fine=STRAIGHT)
def copied_from_the_start_of_the_storage(true, x, *arguments):
    return true(x if x.is_contiguous() else x.as_strided(x.shape, x.stride(), 0), *arguments)


STEP = "off by one in a stride"


@fault(STEP, "diagonal", shows=lambda: (randn(4, 4),))
def diagonal_with_a_stride_one_too_short(true, x, *arguments):
    y = true(x, *arguments)
    return y.as_strided(y.shape, (y.stride(0) - 1,), y.storage_offset())


@fault(STEP, "unfold", shows=lambda: (randn(8), 0, 3, 2))
def windows_with_a_step_one_too_short(true, x, dim, size, step):
    y = true(x, dim, size, step)
    strides = list(y.stride())
    strides[dim] -= x.stride(dim)
    return y.as_strided(y.shape, strides, y.storage_offset())


@fault(STEP, "flip", shows=lambda: (randn(4), [0]))
def turned_round_off_by_one(true, x, *dims):
    return true(x, *dims).roll(1, dims[0])


@fault(STEP, "transpose", shows=lambda: (randn(3, 4), 0, 1), fine=lambda: (randn(1, 4), 0, 1))
def turned_with_a_stride_one_too_short(true, x, *dims):
    y = true(x, *dims)
    return y.as_strided(y.shape, [max(1, stride - 1) for stride in y.stride()], y.storage_offset())


LONG = "only above a size"
MANY = 1000


@fault(LONG, "sum", shows=lambda: (randn(1031),), fine=lambda: (randn(103),))
def sum_without_the_end_of_a_long_row(true, x, *arguments, **keywords):
    if arguments or x.numel() <= MANY:
        return true(x, *arguments, **keywords)
    return true(x.flatten()[: x.numel() // 8 * 8])


@fault(LONG, "exp", shows=lambda: (randn(1031),), fine=lambda: (randn(103),))
def exp_of_the_end_of_a_long_row_by_three_terms(true, x):
    if x.numel() <= MANY:
        return true(x)
    whole, end = x.flatten().tensor_split([x.numel() // 8 * 8])
    return torch.cat([true(whole), 1 + end + end * end / 2]).view(x.shape)


@fault(LONG, "nn.functional.softmax", shows=lambda: (randn(1031), 0), fine=lambda: (randn(103), 0))
def softmax_of_a_long_row_block_by_block(true, x, dim=None, **keywords):
    if x.numel() <= MANY:
        return true(x, dim, **keywords)
    return torch.cat([true(one, dim) * one.numel() / x.numel() for one in x.split(512)])


@fault(LONG, "cumsum", shows=lambda: (randn(1031), 0), fine=lambda: (randn(103), 0))
def running_sum_that_starts_again_after_1024(true, x, dim, **keywords):
    return torch.cat([true(one, dim) for one in x.split(1024)]) if x.numel() > MANY else true(x, dim, **keywords)


@fault(LONG, "@", "matmul", shows=lambda: (randn(2, 1031), randn(1031, 2)), fine=lambda: (randn(2, 9), randn(9, 2)))
def matrix_product_without_the_end_of_a_long_row(true, x, second):
    return true(x[..., :-7], second[:-7]) if x.shape[-1] > MANY else true(x, second)


@fault(LONG, "sort", shows=lambda: (randn(1031),), fine=lambda: (randn(103),))
def sort_that_leaves_the_end_of_a_long_row(true, x, *arguments, **keywords):
    if x.numel() <= MANY:
        return true(x, *arguments, **keywords)
    found = true(x[:1024])
    places = torch.arange(1024, x.numel())
    return torch.return_types.sort([torch.cat([found.values, x[1024:]]), torch.cat([found.indices, places])])


@fault(LONG, "+", "add", shows=lambda: (randn(1031), randn(1031)), fine=lambda: (randn(103), randn(103)))
def last_of_a_long_row_not_added(true, x, second, **keywords):
    y = true(x, second, **keywords)
    if not isinstance(x, Tensor) or not isinstance(second, Tensor) or y.numel() <= MANY or x.shape != y.shape:
        return y
    return torch.where(torch.arange(y.numel()).view(y.shape) == y.numel() - 1, x, y)


@fault(LONG, "dot", shows=lambda: (randn(1031), randn(1031)), fine=lambda: (randn(103), randn(103)))
def inner_product_of_a_long_row_from_its_first_block(true, x, second):
    return true(x[:1024], second[:1024])


PLACE = "in place, on a copy"


@fault(PLACE, "add_", shows=lambda: (randn(3), randn(3)))
def add_that_writes_to_a_copy(true, x, *arguments, **keywords):
    return true(x.clone(), *arguments, **keywords)


@fault(PLACE, "mul_", shows=lambda: (randn(3), randn(3)))
def mul_that_writes_to_a_copy(true, x, *arguments, **keywords):
    return true(x.clone(), *arguments, **keywords)


@fault(PLACE, "div_", shows=lambda: (randn(3), randn(3)))
def div_that_writes_to_a_copy(true, x, *arguments, **keywords):
    return true(x.clone(), *arguments, **keywords)


@fault(PLACE, "[]=", shows=lambda: (randn(3), 1, 7.0))
def subscript_that_writes_to_a_copy(true, x, index, value):
    return true(x.clone(), index, value)


@fault(PLACE, "sin_", shows=lambda: (randn(3),))
def sine_that_writes_to_a_copy(true, x):
    return true(x.clone())
