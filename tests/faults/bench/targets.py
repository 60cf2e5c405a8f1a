"""What can be wrong in each host: its steps, the nodes of its compiled graphs, the kernels that it runs through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tensorflow_free.composition.reader import read_yaml
from tests.faults.bench.fault import HOSTS, Host, Target
from tests.faults.bench.manners import ALL

DTYPES: Final[Mapping[str, tuple[str, ...]]] = {
    # no kernels in half precision
    "fourier": ("float32",),
    "solve": ("float32",),
    "large": ("float32", "bfloat16"),
}
"""The dtypes of hosts that do not have all."""

RIGHT_OPS: Final = frozenset("backward grad zero_ chunk triu".split())
"""Ops of steps in which no faults are put."""

NODES: Final[Mapping[str, tuple[str, str]]] = {
    "activations": (
        "silu sigmoid tanh gelu softplus elu mean",
        "elu_backward softplus_backward gelu_backward tanh_backward sigmoid_backward silu_backward div.Scalar",
    ),
    "attention": (
        "_scaled_dot_product_flash_attention_for_cpu mul.Tensor",
        "_scaled_dot_product_flash_attention_for_cpu_backward",
    ),
    "conv_block": (
        "convolution _native_batch_norm_legit_functional max_pool2d_with_indices avg_pool2d mean",
        "avg_pool2d_backward max_pool2d_with_indices_backward native_batch_norm_backward convolution_backward",
    ),
    "cross_entropy": ("_log_softmax nll_loss_forward", "nll_loss_backward _log_softmax_backward_data"),
    "cumulative": ("cumsum cumprod logcumsumexp cummax", "cumsum scatter_add where.self div.Tensor"),
    "elementary": (
        "exp log sqrt rsqrt reciprocal div.Tensor pow.Tensor_Tensor erf atan2 cos lgamma",
        "digamma sin reciprocal neg mul.Scalar",
    ),
    "fourier": ("_fft_r2c _fft_c2r _fft_c2c abs", "_fft_c2c _fft_r2c sgn slice_scatter"),
    "gpt_block": (
        "native_layer_norm mm bmm masked_fill.Scalar _softmax gelu",
        "mm gelu_backward native_layer_norm_backward bmm _softmax_backward_data masked_fill.Scalar",
    ),
    "in_place": ("tanh select_scatter slice_scatter clamp", "tanh_backward sum.dim_IntList where.self"),
    "indexing": (
        "embedding index_select index_add gather scatter_add",
        "scatter_add index_add embedding_dense_backward index_select gather",
    ),
    "large": ("silu sum.dim_IntList", "silu_backward"),
    "llama_block": (
        "mean.dim rsqrt cos mm cat _scaled_dot_product_flash_attention_for_cpu silu",
        "mm silu_backward sum.dim_IntList _scaled_dot_product_flash_attention_for_cpu_backward slice_backward",
    ),
    "lstm": ("addmm mm sigmoid tanh stack", "tanh_backward sigmoid_backward mm sum.dim_IntList"),
    "norms": (
        "native_group_norm native_layer_norm linalg_vector_norm",
        "native_layer_norm_backward native_group_norm_backward sum.dim_IntList",
    ),
    "not_numbers": (
        "isnan eq.Tensor maximum amax sum.dim_IntList cumsum clamp relu nan_to_num div.Tensor exp _softmax where.self",
        "",
    ),
    "reductions": ("sum mean var.correction std.correction linalg_vector_norm logsumexp", "mul.Scalar sub.Tensor"),
    "rms_norm": ("pow.Tensor_Scalar mean.dim rsqrt", "sum.dim_IntList pow.Tensor_Scalar"),
    "rope": ("pow.Scalar cos sin cat neg", "neg cat"),
    "softmax_mean": ("_softmax mean", "_softmax_backward_data div.Scalar"),
    "solve": (
        "_linalg_solve_ex linalg_cholesky_ex linalg_solve_triangular linalg_inv_ex",
        "linalg_lu_solve linalg_solve_triangular tril bmm",
    ),
}
"""The nodes of a host's forward and of its backward graph that are rewritten.

Not those of `dropout`: compiled, its mask is another one than in float64, and there is nothing to measure an error from.
"""

KERNELS: Final[Mapping[str, str]] = {
    "activations": "silu silu_backward sigmoid_backward gelu_backward tanh softplus elu_backward",
    "adam": "mv lerp_.Scalar addcdiv_ sqrt",
    "attention": "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention_for_cpu_backward",
    "conv_block": "convolution convolution_backward native_batch_norm native_batch_norm_backward "
    "max_pool2d_with_indices avg_pool2d threshold_backward",
    "cross_entropy": "_log_softmax _log_softmax_backward_data nll_loss_forward nll_loss_backward",
    "cumulative": "cumsum logcumsumexp cummax",
    "double_backward": "mm tanh tanh_backward linalg_vector_norm",
    "dropout": "mm sigmoid_backward bernoulli_.float",
    "elementary": "exp log rsqrt pow.Tensor_Tensor erf digamma atan2",
    "fourier": "_fft_r2c _fft_c2r _fft_c2c",
    "gpt_block": "native_layer_norm native_layer_norm_backward mm bmm _softmax _softmax_backward_data gelu_backward",
    "in_place": "tanh_ tanh_backward clamp_",
    "indexing": "index_select index_add gather scatter_add embedding_dense_backward",
    "large": "silu_backward",
    "llama_block": "mm silu silu_backward rsqrt _scaled_dot_product_flash_attention_for_cpu",
    "losses": "_log_softmax smooth_l1_loss",
    "lstm": "mm addmm tanh sigmoid tanh_backward",
    "masks": "masked_fill.Scalar _softmax where.self masked_select gt.Scalar",
    "mlp": "addmm gelu gelu_backward mse_loss mse_loss_backward",
    "norms": "native_group_norm native_group_norm_backward native_layer_norm",
    "integers": "argmax floor bucketize.Tensor round gt.Scalar",
    "not_numbers": "maximum amax relu clamp nan_to_num exp cumsum",
    "pictures": "upsample_bilinear2d upsample_bilinear2d_backward reflection_pad2d avg_pool2d",
    "products": "bmm mm mv dot addmm baddbmm",
    "reductions": "sum mean var.correction linalg_vector_norm logsumexp",
    "rms_norm": "mean.dim rsqrt pow.Tensor_Scalar sum.dim_IntList",
    "rope": "cos sin cat",
    "softmax_mean": "_softmax _softmax_backward_data",
    "solve": "_linalg_solve_ex linalg_cholesky_ex linalg_inv_ex linalg_lu_solve",
    "strided": "mm sum.dim_IntList exp amax cat",
    "training": "addmm softplus softplus_backward mse_loss_backward",
}
"""The CPU's kernels that are overridden for a host."""


def hosts() -> Iterator[Host]:
    """Every host, in each of its cases and dtypes."""
    for path in sorted(HOSTS.glob("*.yaml")):
        for case in recipe_of(path.stem).get("cases") or ("",):
            for dtype in DTYPES.get(path.stem, ALL):
                yield Host(path.stem, case, dtype)


def recipe_of(host: str) -> dict[str, Any]:
    """A host's recipe, as it is written."""
    path = HOSTS / f"{host}.yaml"
    return read_yaml(path.read_text("utf-8"), path.name)


def steps_of(host: str) -> dict[str, dict[str, Any]]:
    """The steps of a host that are written out, by their paths; those of blocks, too."""
    return dict(_written_out(recipe_of(host)["steps"], ""))


def _written_out(steps: Mapping[str, Any], before: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, step in steps.items():
        if isinstance(step, Mapping) and "steps" in step:
            yield from _written_out(step["steps"], f"{before}{name}.steps.")
        elif isinstance(step, Mapping) and step["op"] not in RIGHT_OPS:
            yield f"{before}{name}", dict(step)


def targets_of(host: str) -> Iterator[Target]:
    """What can be wrong in a host."""
    for path, step in steps_of(host).items():
        yield Target("op", step["op"], step=path)
    for graph, nodes in zip(("forward", "backward"), NODES.get(host, ("", "")), strict=True):
        for node in nodes.split():
            yield Target("compiler", _overload(node), graph=graph)
    for kernel in KERNELS.get(host, "").split():
        yield Target("kernel", _overload(kernel))


def _overload(op: str) -> str:
    return op if "." in op else f"{op}.default"
