"""Checks of the overloads that autograd and compilers call: backward passes, and the kernels inside public ops.

Public ops check their arguments before they call these; a recipe that names them calls them directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

from tensorflow_free.ops.guards import averaging, bags, single_kernels, sliding
from tensorflow_free.ops.guards.checks import (
    ArgumentRule,
    CallArguments,
    Shape,
    alike,
    among,
    dense,
    filled,
    finite,
    of_int64,
    same,
    shaped,
    within,
)
from tensorflow_free.ops.guards.dimensions import axis, paired, ranks, rising, sized


def _norms(tensor: str) -> Shape:
    """One number for each part that is normalized, with the dimensions of the tensor."""

    def shape(given: CallArguments) -> Sequence[int]:
        found: Sequence[int] = given[tensor].shape
        return [size if place == given["dim"] % len(found) else 1 for place, size in enumerate(found)]

    return shape


def _pairs(given: CallArguments) -> Sequence[int]:
    rows = given["self"].shape[0]
    return (rows * (rows - 1) // 2,)


def _square(given: CallArguments) -> Sequence[int]:
    *batch, rows, _ = given["self"].shape
    return (*batch, rows, rows)


def _ends(name: str) -> ArgumentRule:
    """The dimension is the first or the last of the tensor; the kernel knows no others."""

    def rule(given: CallArguments) -> str | None:
        dims = given[name].dim()
        if dims > 1 and given["dim"] in (0, dims - 1) and given[name].numel():
            return None
        shape = list(given[name].shape)
        return f"'dim' is {given['dim']}; '{name}' is of shape {shape}, so that it can be 0 or {dims - 1}"

    return rule


def _fused(given: CallArguments) -> str | None:
    """For the first and the last dimension there is a kernel of its own."""
    if given["dim"] not in (0, given["v"].dim() - 1):
        return None
    return shaped("g", _norms("v"), of="one number for each part of 'v'")(given)


def _heads(given: CallArguments) -> str | None:
    heads, shape = given["num_heads"], list(given["qkv"].shape)
    if len(shape) == len("BTE") and heads > 0 and shape[-1] and not shape[-1] % (3 * heads):
        return None
    return f"'num_heads' is {heads}; 'qkv' is of shape {shape}, and its last size is a multiple of 3 times 'num_heads'"


def _gathered(given: CallArguments) -> int:
    dims = given["self"].dim()
    return int(given["self"].shape[given["dim"]]) if dims else 1


def _some(name: str) -> ArgumentRule:
    return lambda given: None if given[name] else f"'{name}' is empty; it needs at least one tensor"


def _begun(given: CallArguments) -> str | None:
    begins, count = given["crow_indices"], given["col_indices"].numel()
    if begins.is_meta or (begins[0] == 0 and begins[-1] == count):
        return None
    return f"'crow_indices' holds {begins.tolist()}; it must begin with 0 and end with {count}"


def _segments(given: CallArguments) -> str | None:
    """The lengths of the segments, one way or the other, go together with the shapes."""
    data, told = given["data"], [given[name] for name in ("lengths", "offsets") if given.get(name) is not None]
    if len(told) != 1:
        return "'lengths' and 'offsets' say the same; one of them can be given"
    found = told[0] if given.get("offsets") is None else told[0].diff(dim=-1)
    place = found.dim() - 1
    if given["axis"] != place or place < 0 or place >= data.dim() or found.shape[:-1] != data.shape[:place]:
        return f"'axis' is {given['axis']}; it is the last dimension of the lengths, which begin as 'data' does"
    if not found.is_meta and (bool((found < 0).any()) or bool((found.sum(-1) != data.shape[place]).any())):
        return f"the lengths are {found.tolist()}; they must not be negative, and their sum must be {data.shape[place]}"
    shape = (*found.shape, *data.shape[place + 1 :])
    return shaped("grad output", lambda _: shape, of="for the segments of 'data'")(given)


def grouped(name: str) -> ArgumentRule:
    """Where the groups of a product end: in order, and the last with the size that is divided into groups."""

    def rule(given: CallArguments) -> str | None:
        ends, mat = given.get("offs"), given["mat2" if "mat2" in given else "mat_b"]
        if ends is None or ends.is_meta:
            return None
        total = mat.shape[-1] if given[name].dim() == _BATCHED else given[name].shape[0 if mat.dim() == _BATCHED else 1]
        found = ends.reshape(-1).tolist()
        if found == sorted(found) and found and found[0] >= 0 and found[-1] == total:
            return None
        return f"'offs' holds {found}; it must never fall, and end with {total}"

    return rule


def _packed(given: CallArguments) -> str | None:
    """The sizes of the batches of a packed sequence: rows of the data in order, never more than before."""
    data, sizes = given["data"], given["batch_sizes"]
    if data.is_meta or sizes.is_meta:
        return None
    found = sizes.tolist()
    if found and found[-1] > 0 and found == sorted(found, reverse=True) and data.dim() and sum(found) == len(data):
        return None
    rows = f"its sum must be the first size of 'data', which is of shape {list(data.shape)}"
    return f"'batch_sizes' holds {found}; it must be above 0 and never rise, and {rows}"


_BATCHED: Final = 3


def _scales(given: CallArguments) -> Sequence[int]:
    inner = given["self"].shape[1]
    return (inner // given["qGroupSize"], given["mat2"].shape[0], 2)


def _solid(given: CallArguments) -> str | None:
    size, value = list(given["size"]), next(given[name] for name in ("self", "input") if name in given)
    if value.layout == torch.strided or 0 not in size:
        return None
    return f"'size' is {size}; a sparse tensor needs at least one element in each dimension"


_DIM: Final = axis("dim", "self")
_RUNNING: Final = (
    *same("values", "self"),
    shaped("indices", lambda given: given["self"].shape, of="that of 'self'"),
    of_int64("indices"),
    within("dim", lambda given: max(1, given["self"].dim()), of="dimensions"),
    filled("self"),
)
_NOISE: Final = (*same("noise out", "self"), dense("self noise"))
_WEIGHT_NORM: Final = (
    *same("grad_w", "saved_v"),
    shaped("saved_g saved_norms", _norms("saved_v"), of="one number for each part of 'saved_v'"),
    _ends("saved_v"),
    alike("saved_v saved_g"),
    dense("grad_w saved_v saved_g saved_norms"),
)
_SGD: Final = (paired("self", "grads", "momentum_buffer_list"),)

OTHERS: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    "_log_softmax": (_DIM,),
    "_log_softmax_backward_data": (
        axis("dim", "grad_output"),
        *same("output", "grad_output"),
        dense("grad_output output"),
    ),
    "_masked_softmax_backward": (
        axis("dim", "grad_output"),
        *same("output", "grad_output"),
        shaped("mask", lambda given: given["grad_output"].shape, of="that of 'grad_output'"),
        dense("grad_output output mask"),
    ),
    "_logcumsumexp": (_DIM, alike("self out")),
    "_linalg_eigvals": (finite("self"),),
    "_cholesky_solve_helper": (
        shaped("A", _square, of="a square matrix for the rows of 'self'"),
        alike("self A"),
    ),
    "_stack": (_some("tensors"), dense("tensors")),
    "_pdist_backward": (
        *same("pdist", "grad"),
        shaped("grad", _pairs, of="one number for each pair of rows"),
        filled("self"),
        alike("self grad"),
        dense("self grad pdist"),
    ),
    "gather_backward": (
        _DIM,
        within("index", _gathered, of="elements in that dimension of 'self'"),
        shaped("grad", single_kernels.forward("gather", "self dim index"), of="the shape of what was gathered"),
        alike("self grad"),
    ),
    "_weight_norm": (filled("v g"), _fused),
    "_weight_norm_interface": (
        shaped("g", _norms("v"), of="one number for each part of 'v'"),
        _ends("v"),
        alike("v g"),
        dense("v g"),
    ),
    "_weight_norm_interface_backward": _WEIGHT_NORM,
    "_weight_norm_differentiable_backward": _WEIGHT_NORM,
    "rrelu_with_noise": _NOISE,
    "rrelu_with_noise_": _NOISE,
    "rrelu_with_noise_functional": _NOISE,
    "rrelu_with_noise_backward": (*same("grad_output noise", "self"), dense("grad_output self noise")),
    "_foreach_copy": (paired("self", "src"),),
    "_foreach_copy_": (paired("self", "src"),),
    "_fused_sgd": _SGD,
    "_fused_sgd_": _SGD,
    "_transform_bias_rescale_qkv": (
        _heads,
        filled("qkv"),
        shaped("qkv_bias", lambda given: given["qkv"].shape[-1:], of="the last size of 'qkv'"),
        alike("qkv qkv_bias"),
        dense("qkv qkv_bias"),
    ),
    "_cummax_helper": _RUNNING,
    "_cummin_helper": _RUNNING,
    "_pad_circular": (sliding.around("self"),),
    "_convert_indices_from_coo_to_csr": (
        ranks("self", 1),
        sized("size", 1, 0),
        dense("self"),
        within("self", lambda given: int(given["size"]), of="rows"),
        rising("self"),
    ),
    "_convert_indices_from_csr_to_coo": (
        ranks("crow_indices", 1),
        ranks("col_indices", 1),
        alike("crow_indices col_indices"),
        filled("crow_indices"),
        dense("crow_indices col_indices"),
        rising("crow_indices"),
        _begun,
    ),
    "_segment_reduce_backward": (
        single_kernels.segments,
        _segments,
        alike("data grad output"),
        dense("data grad output lengths offsets"),
    ),
    "_grouped_mm": (grouped("self"),),
    "_rowwise_prune": (dense("weight mask"),),
    "_weight_int8pack_mm": (dense("self mat2 scales"),),
    "_weight_int4pack_mm_for_cpu": (
        among("qGroupSize", 32, 64, 128, 256),
        shaped("qScaleAndZeros", _scales, of="two for each group of each column"),
        dense("self mat2 qScaleAndZeros"),
    ),
    **dict.fromkeys(("_sparse_broadcast_to", "broadcast_to"), (_solid,)),
    "_neg_view_copy": (dense("self"),),
    "_pack_padded_sequence_backward": (dense("grad"),),
    "_pad_packed_sequence": (ranks("batch_sizes", 1), of_int64("batch_sizes"), _packed),
}

RULES: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    **averaging.NORMS,
    **averaging.LOSSES,
    **averaging.CTC,
    **sliding.PLACES,
    **sliding.CONVOLUTIONS,
    **sliding.ATTENTION,
    **sliding.SPECTRA,
    **bags.BAGS,
    **OTHERS,
}
"""The checks of overloads of aten, by their names without the overload."""
