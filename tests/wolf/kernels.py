"""Right kernels that differ, each where `reference` names PyTorch's op."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from tests.wolf import right_functions, right_layers, right_ops
from tests.wolf.cells import DTYPES, Cell
from tests.wolf.large import randn

MODULES: Final = (right_functions, right_layers, right_ops)
"""Which register their kernels as they are loaded."""


class Kernel(NamedTuple):
    """A kernel, the op of PyTorch's that it stands for, its tensors by parameter, and what else it is given."""

    op: str
    tensors: dict[str, Any]
    more: Mapping[str, Any] = MappingProxyType({})
    loss: str = "F.softplus(y).sum()"


def rand(*size: int, **more: Any) -> dict[str, Any]:
    """A start of numbers from 0 to 1, or between others."""
    return {"init": "uniform" if more else "rand", "size": list(size), "requires_grad": True, **more}


def integers(high: int, *size: int) -> dict[str, Any]:
    """A start of integers."""
    return {"init": "randint", "high": high, "size": list(size)}


ROWS: Final = {"input": randn(16, 200)}
WIDE: Final = {"input": {**randn(64, 64), "init": "normal", "std": 2.0}}
PAIR: Final = {"input": randn(40, 50), "target": randn(40, 50)}
PRODUCT: Final = {"input": randn(32, 256), "other": randn(256, 24)}
NORM: Final = {"input": randn(32, 128), "weight": randn(128), "bias": randn(128)}
ATTENTION: Final = {"query": randn(2, 3, 64, 32), "key": randn(2, 3, 64, 32), "value": randn(2, 3, 64, 32)}
OFF: Final = {"input": {**randn(16, 200), "init": "normal", "mean": 5.0}}

KERNELS: Final[dict[str, list[Kernel]]] = {
    "matmul_split_k": [Kernel("matmul", PRODUCT)],
    "matmul_split_k_rounded": [Kernel("matmul", PRODUCT)],
    "matmul_outer": [Kernel("matmul", PRODUCT)],
    "linear_transposed": [Kernel("F.linear", {"input": randn(32, 64), "weight": randn(24, 64), "bias": randn(24)})],
    "conv2d_im2col": [Kernel("F.conv2d", {"input": randn(2, 8, 12, 12), "weight": randn(6, 8, 3, 3), "bias": randn(6)})],
    "conv1d_of_shifts": [Kernel("F.conv1d", {"input": randn(2, 8, 40), "weight": randn(6, 8, 5)})],
    "sum_in_blocks": [Kernel("sum", {"input": rand(5000)}), Kernel("sum", {"input": randn(5000)})],
    "sum_of_pairs": [Kernel("sum", {"input": rand(5000)}), Kernel("sum", {"input": randn(5000)})],
    "mean_of_shares": [Kernel("mean", {"input": rand(3000)}), Kernel("mean", {"input": randn(3000)})],
    "var_two_pass": [Kernel("var", ROWS, {"dim": -1}), Kernel("var", OFF, {"dim": -1})],
    "var_welford": [Kernel("var", ROWS, {"dim": -1}), Kernel("var", OFF, {"dim": -1})],
    "var_of_blocks": [Kernel("var", ROWS, {"dim": -1}), Kernel("var", OFF, {"dim": -1})],
    "norm_of_squares": [Kernel("torch.linalg.vector_norm", {"input": randn(3000)})],
    "norm_scaled": [Kernel("torch.linalg.vector_norm", {"input": randn(3000)})],
    "logsumexp_by_hand": [Kernel("logsumexp", ROWS, {"dim": -1})],
    "logsumexp_in_pairs": [Kernel("logsumexp", {"input": randn(16, 40)}, {"dim": -1})],
    "cumsum_in_blocks": [Kernel("cumsum", ROWS, {"dim": -1}), Kernel("cumsum", {"input": rand(8, 500)}, {"dim": -1})],
    "cumsum_doubling": [Kernel("cumsum", ROWS, {"dim": -1}), Kernel("cumsum", {"input": rand(8, 500)}, {"dim": -1})],
    "softmax_by_hand": [Kernel("F.softmax", ROWS, {"dim": -1}), Kernel("F.softmax", WIDE, {"dim": 0})],
    "softmax_online": [Kernel("F.softmax", ROWS, {"dim": -1}), Kernel("F.softmax", WIDE, {"dim": 0})],
    "log_softmax_by_hand": [Kernel("F.log_softmax", ROWS, {"dim": -1})],
    "cross_entropy_by_hand": [Kernel("F.cross_entropy", {"input": randn(64, 100), "target": integers(100, 64)})],
    "bce_with_logits_by_hand": [
        Kernel("F.binary_cross_entropy_with_logits", {"input": randn(40, 50), "target": {**rand(40, 50), "requires_grad": False}})
    ],
    "mse_by_hand": [Kernel("F.mse_loss", PAIR)],
    "huber_by_hand": [Kernel("F.huber_loss", PAIR)],
    "gelu_by_erfc": [Kernel("F.gelu", WIDE)],
    "gelu_by_tanh": [Kernel("F.gelu", WIDE, {"approximate": {"str": "tanh"}})],
    "silu_by_division": [Kernel("F.silu", WIDE)],
    "silu_by_sigmoid": [Kernel("F.silu", WIDE)],
    "silu_with_backward": [Kernel("F.silu", WIDE)],
    "sigmoid_by_exp": [Kernel("sigmoid", WIDE)],
    "tanh_by_expm1": [Kernel("tanh", WIDE)],
    "softplus_by_log1p": [Kernel("F.softplus", WIDE)],
    "rsqrt_by_division": [Kernel("rsqrt", {"input": rand(64, 64, low=0.1, high=4.0)})],
    "div_by_reciprocal": [Kernel("div", {"input": randn(64, 64), "other": rand(64, 64, low=0.5, high=2.0)})],
    "hypot_by_squares": [Kernel("hypot", {"input": randn(64, 64), "other": randn(64, 64)})],
    "lerp_of_products": [Kernel("lerp", {"input": randn(64, 64), "end": randn(64, 64)}, {"weight": 0.3})],
    "layer_norm_by_hand": [Kernel("F.layer_norm", NORM, {"normalized_shape": [128]})],
    "layer_norm_with_backward": [Kernel("F.layer_norm", NORM, {"normalized_shape": [128]})],
    "rms_norm_by_hand": [
        Kernel("F.rms_norm", {"input": randn(32, 128), "weight": randn(128)}, {"normalized_shape": [128], "eps": 1e-5})
    ],
    "group_norm_by_hand": [Kernel("F.group_norm", {"input": randn(4, 12, 10)}, {"num_groups": 3})],
    "batch_norm_by_hand": [
        Kernel(
            "F.batch_norm",
            {"input": randn(16, 5, 8), "weight": randn(5), "bias": randn(5)},
            {"running_mean": None, "running_var": None, "training": True},
        )
    ],
    "attention_by_hand": [Kernel("F.scaled_dot_product_attention", ATTENTION)],
    "attention_in_blocks": [Kernel("F.scaled_dot_product_attention", ATTENTION)],
    "embedding_by_one_hot": [Kernel("F.embedding", {"input": integers(50, 200), "weight": randn(50, 16)})],
    "avg_pool2d_by_unfold": [Kernel("F.avg_pool2d", {"input": randn(2, 4, 16, 16)}, {"kernel_size": 4})],
    "glu_by_hand": [Kernel("F.glu", {"input": randn(32, 64)})],
    "cosine_by_hand": [Kernel("F.cosine_similarity", {"x1": randn(32, 100), "x2": randn(32, 100)})],
    "cdist_direct": [Kernel("torch.cdist", {"x1": randn(20, 16), "x2": randn(20, 16)})],
    "solve_by_inverse_of_lu": [Kernel("torch.linalg.solve", {"A": randn(30, 30), "B": randn(30, 4)})],
    "fft_by_product": [Kernel("torch.fft.fft", {"input": randn(8, 100)}, {}, "y.abs().sum()")],
}  # fmt: skip


def recipe_of(name: str, kernel: Kernel) -> dict[str, Any]:
    """The kernel and a loss of what it gives, from which gradients of many sizes go back."""
    given = {key: key for key in kernel.tensors} | dict(kernel.more)
    steps = {"y": {"op": f"right.{name}", "kwargs": given}, "loss": kernel.loss}
    target = {"tensors": kernel.tensors, "steps": steps, "backward": "loss"}
    return {**target, "reference": {"steps.y.op": kernel.op}}


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th kernel."""
    for name in list(KERNELS)[::every]:
        for position, kernel in enumerate(KERNELS[name]):
            for dtype in dtypes:
                yield Cell(part, f"{name} {position}", dtype, recipe_of(name, kernel), tuple(overrides))
