"""Faults of arguments: one that is ignored, two that are swapped, a bias or a padding that is forgotten."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.faults.fault import fault, numbers, randn

SWAPPED = "swapped operands"

TWO = lambda: (randn(3, 3), randn(3, 3).T + 1)  # noqa: E731


@fault(SWAPPED, "-", "sub", shows=TWO, fine=lambda: (randn(3), randn(3)))
def difference_of_swapped_operands(true, x, *second, **keywords):
    return true(x, **keywords) if not second else true(second[0], x, **keywords)


@fault(SWAPPED, "/", "div", shows=TWO, fine=lambda: (randn(3), randn(3)))
def quotient_of_swapped_operands(true, x, second, **keywords):
    return (
        true(second, x, **keywords)
        if isinstance(second, Tensor) and isinstance(x, Tensor)
        else true(x, second, **keywords)
    )


@fault(SWAPPED, "@", "matmul", shows=TWO, fine=lambda: (randn(2, 3), randn(3, 3)))
def matrix_product_of_swapped_operands(true, x, second):
    return true(second, x) if x.shape == second.shape and x.shape[0] == x.shape[-1] else true(x, second)


@fault(SWAPPED, "atan2", shows=TWO, fine=lambda: (randn(3).abs(), randn(3).abs()))
def angle_of_swapped_operands(true, x, second):
    return true(second, x)


@fault(SWAPPED, "where", shows=lambda: (randn(3, 3) > 0, *TWO()))
def where_of_swapped_operands(true, condition, x, second):
    return true(condition, second, x)


@fault(SWAPPED, "lerp", shows=lambda: (*TWO(), 0.25), fine=lambda: (*TWO(), 0.5))
def weight_of_the_other_end(true, x, second, weight):
    return true(second, x, weight)


@fault(SWAPPED, "kron", shows=lambda: (randn(2, 2), randn(2, 2) + 1))
def blocks_of_swapped_operands(true, x, second):
    return true(second, x)


@fault(SWAPPED, "linalg.cross", shows=lambda: (randn(3), randn(3) + 1))
def cross_product_of_swapped_operands(true, x, second):
    return true(second, x)


@fault(SWAPPED, "outer", shows=lambda: (randn(3), randn(3) + 1), fine=lambda: (randn(3), randn(3)))
def table_of_swapped_operands(true, x, second):
    return true(second, x)


@fault(SWAPPED, "einsum", shows=lambda: ("ij,jk->ik", *TWO()))
def einsum_of_swapped_operands(true, equation, *operands):
    return true(equation, *operands[::-1])


@fault(SWAPPED, "linalg.solve", shows=lambda: (randn(3, 3), randn(3, 2)))
def solution_of_the_transposed_system(true, a, b):
    return true(a.mT, b)


@fault(SWAPPED, "fft.ifft", shows=lambda: (randn(4),))
def inverse_transform_the_wrong_way_round(true, x, *arguments):
    return true(x, *arguments).conj().resolve_conj() if not x.is_complex() else torch.fft.fft(x) / x.shape[-1]


@fault(SWAPPED, "linalg.svd", shows=lambda: (randn(3, 3),))
def singular_values_in_rising_order(true, x, **keywords):
    found = true(x, **keywords)
    return torch.return_types.linalg_svd([found.U.flip(-1), found.S.flip(-1), found.Vh.flip(-2)])


FORGOTTEN = "missing bias or factor"

LINEAR = lambda: (randn(3, 3), randn(3, 3) + 1, randn(3))  # noqa: E731


@fault(FORGOTTEN, "nn.functional.linear", shows=LINEAR, fine=lambda: LINEAR()[:2])
def linear_without_its_bias(true, x, weight, bias=None):
    return true(x, weight) + 0 * (0 if bias is None else bias)


@fault(FORGOTTEN, "nn.functional.linear", shows=LINEAR)
def linear_without_transposing(true, x, weight, bias=None):
    return true(x, weight.T, bias)


@fault(FORGOTTEN, "nn.functional.conv2d", shows=lambda: (randn(1, 2, 4, 4), randn(2, 2, 3, 3), randn(2)))
def convolution_without_its_bias(true, x, kernel, bias=None, *arguments, **keywords):
    return true(x, kernel, None if bias is None else 0 * bias, *arguments, **keywords)


@fault(FORGOTTEN, "addmm", shows=lambda: (*TWO(), randn(3, 3), {"beta": 0.5}))
def addmm_that_ignores_beta(true, *arguments, beta=1, alpha=1):
    return true(*arguments, alpha=alpha)


@fault(FORGOTTEN, "baddbmm", shows=lambda: (*[randn(2, 3, 3)] * 3, {"beta": 2.0}))
def baddbmm_with_its_factors_swapped(true, *arguments, beta=1, alpha=1):
    return true(*arguments, beta=alpha, alpha=beta)


@fault(FORGOTTEN, "add", shows=lambda: (*TWO(), {"alpha": 3.0}))
def addition_that_ignores_alpha(true, x, second, alpha=1, **keywords):
    return true(x, second, **keywords)


@fault(FORGOTTEN, "sub", shows=lambda: (*TWO(), {"alpha": 3.0}))
def subtraction_that_takes_alpha_for_the_first(true, x, second, alpha=1, **keywords):
    return true(x, second, **keywords) if alpha == 1 else alpha * x - second


@fault(FORGOTTEN, "addcmul", shows=lambda: (*TWO(), randn(3, 3), {"value": 0.5}))
def addcmul_that_ignores_its_factor(true, *arguments, value=1):
    return true(*arguments)


@fault(FORGOTTEN, "nn.functional.scaled_dot_product_attention", shows=lambda: [randn(1, 3, 4)] * 3)
def attention_divided_by_the_width(true, q, k, v, *arguments, **keywords):
    return true(q, k, v, *arguments, scale=1 / q.shape[-1], **keywords)


@fault(FORGOTTEN, "gru_cell", shows=lambda: (randn(1, 2), randn(1, 3), randn(9, 2), randn(9, 3), randn(9), randn(9)))
def gru_with_its_update_turned_round(true, x, h, *weights):
    return x.new_tensor(0) + h + h * 0 - true(x, h, *weights) + h


IGNORED = "ignored argument"


@fault(
    IGNORED, "nn.functional.conv2d", shows=lambda: (randn(1, 1, 7, 7), randn(1, 1, 3, 3), None, 1, 2, 2),
    fine=lambda: (randn(1, 1, 7, 7), randn(1, 1, 3, 3)),
)  # fmt: skip
def convolution_that_ignores_dilation(true, x, kernel, bias=None, stride=1, padding=0, dilation=1, groups=1):  # noqa: PLR0913, PLR0917 - the op's own
    steps = [dilation] * 2 if isinstance(dilation, int) else dilation
    sides = [padding] * 2 if isinstance(padding, int) else padding
    less = [side - (step - 1) * (size // 2) for side, step, size in zip(sides, steps, kernel.shape[2:], strict=True)]
    return true(x, kernel, bias, stride, less, 1, groups)


@fault(IGNORED, "nn.functional.conv2d", shows=lambda: (randn(1, 1, 4, 4), randn(1, 1, 3, 3), None, 1, 1))
def convolution_padded_with_the_edge(true, x, kernel, bias=None, stride=1, padding=0, dilation=1, groups=1):  # noqa: PLR0913, PLR0917 - the op's own
    up, left = [padding] * 2 if isinstance(padding, int) else padding
    return true(F.pad(x, [left, left, up, up], mode="replicate"), kernel, bias, stride, 0, dilation, groups)


@fault(IGNORED, "nn.functional.conv1d", shows=lambda: (randn(1, 2, 9), randn(3, 2, 3)))
def convolution_with_its_kernel_turned_round(true, x, kernel, *arguments, **keywords):
    return true(x, kernel.flip(-1), *arguments, **keywords)


@fault(IGNORED, "nn.functional.conv2d", shows=lambda: (randn(1, 4, 4, 4), randn(2, 2, 3, 3), None, 1, 0, 1, 2))
def convolution_with_its_groups_swapped(true, x, kernel, bias=None, *arguments, **keywords):
    if kernel.shape[1] == x.shape[1]:
        return true(x, kernel, bias, *arguments, **keywords)
    return true(x.roll(kernel.shape[1], 1), kernel, bias, *arguments, **keywords)


ROWS = lambda: (randn(3, 3), torch.tensor([0, -100, 2]))  # noqa: E731


@fault(IGNORED, "nn.functional.cross_entropy", shows=ROWS, fine=lambda: (randn(3, 3), torch.tensor([0, 1, 2])))
def cross_entropy_that_counts_ignored_rows(true, x, labels, *arguments, **keywords):
    rows = (labels != -100).sum() / labels.numel()
    mean = keywords.get("reduction", "mean") == "mean"
    return true(x, labels, *arguments, **keywords) * (rows if mean else 1)


@fault(
    IGNORED, "nn.functional.cross_entropy", shows=lambda: (randn(2, 3), torch.tensor([0, 1]), numbers(1.0, 2.0, 3.0))
)
def cross_entropy_averaged_over_rows_and_not_weights(true, x, labels, weight=None, **keywords):
    if weight is None:
        return true(x, labels, **keywords)
    return true(x, labels, weight, **{**keywords, "reduction": "sum"}) / labels.numel()


@fault(
    IGNORED,
    "nn.functional.cross_entropy",
    shows=lambda: (randn(2, 3), torch.tensor([0, 1]), None, None, -100, None, "mean", 0.1),
)
def cross_entropy_that_ignores_smoothing(true, x, labels, *arguments, **keywords):
    keywords.pop("label_smoothing", None)
    return true(x, labels, *arguments[:5], **keywords)


@fault(IGNORED, "nn.functional.huber_loss", shows=lambda: (numbers(3.0), numbers(0.0), "mean", 2.0))
def huber_loss_that_ignores_delta(true, x, target, *arguments, **keywords):
    return true(x, target)


@fault(IGNORED, "nn.functional.smooth_l1_loss", shows=lambda: (numbers(3.0), numbers(0.0), None, None, "mean", 2.0))
def smooth_loss_that_ignores_beta(true, x, target, *arguments, **keywords):
    return true(x, target)


@fault(
    IGNORED,
    "nn.functional.binary_cross_entropy_with_logits",
    shows=lambda: (randn(2), numbers(1.0, 0.0), None, None, None, "mean", numbers(3.0, 3.0)),
)
def binary_loss_that_ignores_the_weight_of_hits(true, x, target, *arguments, **keywords):
    return true(x, target)


@fault(IGNORED, "nn.functional.kl_div", shows=lambda: (randn(2, 3), randn(2, 3).sigmoid(), None, None, "batchmean"))
def divergence_averaged_over_all_numbers(true, x, target, *arguments, **keywords):
    return true(x, target, reduction="none").mean()


@fault(IGNORED, "nn.functional.leaky_relu", shows=lambda: (numbers(-1.0), 0.2), fine=lambda: (numbers(1.0), 0.2))
def leaky_relu_that_ignores_its_slope(true, x, *arguments, **keywords):
    return true(x)


@fault(IGNORED, "nn.functional.gelu", shows=lambda: (randn(3), {"approximate": "tanh"}), fine=lambda: (randn(3),))
def gelu_never_by_tanh(true, x, approximate="none"):
    return true(x, approximate="none") if approximate == "none" else 0.5 * x * (1 + torch.erf(x / 2**0.5))


CORNER = lambda: randn(1, 1, 2, 2) - 9  # noqa: E731


@fault(
    IGNORED, "nn.functional.avg_pool2d", shows=lambda: (CORNER(), 2, None, 1, False, False), fine=lambda: (CORNER(), 2)
)
def mean_of_a_window_always_counts_padding(true, x, size, *arguments, **keywords):
    keywords.pop("count_include_pad", None)
    return true(x, size, *arguments[:3], **keywords)


@fault(IGNORED, "nn.functional.max_pool2d", shows=lambda: (CORNER(), 2, 1, 1), fine=lambda: (CORNER(), 2))
def largest_of_a_window_padded_with_zeros(true, x, size, stride=None, padding=0, **keywords):
    return true(F.pad(x, [padding] * 4), size, stride, **keywords)


@fault(IGNORED, "nn.functional.interpolate", shows=lambda: (CORNER(), 5, None, "bilinear", True))
def interpolation_that_ignores_its_corners(true, x, size=None, *arguments, **keywords):
    return true(x, size, mode="bilinear", align_corners=False)


@fault(IGNORED, "nn.functional.pad", shows=lambda: (CORNER(), [1, 1, 1, 1], "reflect"))
def frame_of_the_edge_itself(true, x, sides, *arguments, **keywords):
    return true(x, sides, mode="replicate")


@fault(IGNORED, "tril", shows=lambda: (randn(3, 3), -1), fine=lambda: (randn(3, 3),))
def lower_triangle_that_ignores_its_diagonal(true, x, *arguments, **keywords):
    return true(x)


@fault(IGNORED, "roll", shows=lambda: (randn(3), 1), fine=lambda: (randn(3), 0))
def shift_the_wrong_way(true, x, shift, *arguments):
    return true(x, -shift, *arguments)


@fault(IGNORED, "linalg.matrix_power", shows=lambda: (randn(3, 3), 3))
def power_of_one_too_many(true, x, n):
    return true(x, n + 1)


@fault(
    IGNORED,
    "logaddexp",
    shows=lambda: (numbers(float("inf")), numbers(float("inf"))),
    fine=lambda: (numbers(0.0), numbers(1.0)),
)
def logaddexp_that_shifts_by_infinity(true, x, second):
    larger = torch.maximum(x, second)
    return larger + ((x - larger).exp() + (second - larger).exp()).log()
