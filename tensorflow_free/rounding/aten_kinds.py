"""What each ATen op does to rounding errors: a closed table of what rounds nothing, and how long its sums are.

An op is asked for by its base name, `add` for `aten.add_.Tensor`. What no table has is asked of its schema's tags and
of PyTorch's own decompositions.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from functools import cache
from math import prod
from typing import Any, Final

import torch
from torch._decomp import decomposition_table
from torch._ops import OpOverload


class Kind(Enum):
    """What rounding does in an op."""

    EXACT = auto()
    """It rounds nothing: what it returns are operands, integers or booleans, or was drawn or made."""
    POINTWISE = auto()
    """Each number of its result is rounded once, and is a function of one number of each operand."""
    COMPOSED = auto()
    """It is run as PyTorch decomposes it, each inner op as its own kind."""
    INNER = auto()
    """It adds up: its inner error is like that of other operands."""


EXACT: Final = frozenset(
    """
    abs absolute alias all amax amin aminmax any arange argmax argmin argsort as_strided as_strided_scatter bernoulli
    bitwise_and bitwise_not bitwise_or bitwise_xor block_diag broadcast_in_dim bucketize cat cauchy ceil
    chunk clamp clamp_max clamp_min clone col2im_view collapse_view _conj conj_physical constant_pad_nd contiguous
    convert_element_type copy _copy_from copysign count_nonzero cummax cummin detach device_put diag diag_embed diagonal
    diagonal_backward diagonal_scatter embedding empty empty_like empty_permuted empty_strided eq equal expand
    exponential eye fill flip floor fmax fmin frexp full full_like gather ge geometric gt hardtanh
    hardtanh_backward heaviside histc im2col index index_copy index_fill index_select iota is_same_size isfinite isin
    isinf isnan isneginf isposinf kthvalue le lift lift_fresh lift_fresh_copy linear_index
    _local_scalar_dense log_normal logical_and logical_not logical_or logical_xor lt masked_fill masked_scatter
    masked_select max max_pool2d_with_indices max_pool3d_with_indices maximum median min minimum mode
    multinomial nan_to_num nanmedian narrow_copy native_dropout ne neg negative _neg_view new_empty
    new_empty_strided new_full new_ones new_zeros nextafter nonzero normal normal_functional one_hot ones ones_like
    permute permute_copy positive put rand rand_like randint randint_like randn randn_like random randperm real imag
    reflection_pad1d reflection_pad2d reflection_pad3d relu repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d resize resize_as _reshape_alias resolve_conj resolve_neg roll rot90 round
    scalar_tensor scatter searchsorted select_backward select_copy select_scatter set sgn sign signbit slice_backward
    slice_copy slice_scatter sort squeeze squeeze_copy stack take threshold threshold_backward _to_copy to topk
    transpose transpose_copy tril tril_indices triu triu_indices trunc unbind_copy unfold unfold_copy uniform unique
    _unique2 unique_consecutive unique_dim _unsafe_index _unsafe_view unsqueeze unsqueeze_copy
    value_selecting_reduction_backward view view_as_complex view_as_real view_copy view_of where zero zeros zeros_like
    channel_shuffle pixel_shuffle pixel_unshuffle max_pool1d relu6 numpy_T is_nonzero _sparse_coo_tensor_unsafe
    _coalesce _to_dense _to_sparse to_sparse indices values _indices _values crow_indices col_indices
    _nested_tensor_from_tensor_list _nested_from_padded _pack_padded_sequence
    max_pool2d_with_indices_backward max_pool3d_with_indices_backward _masked_scale_mask adaptive_max_pool2d
    adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d max_unpool2d max_unpool3d binomial poisson
    """.split()
)
"""Ops that select, move, compare, draw or make numbers, and round none."""

JUMPS: Final = frozenset(
    """
    argmax argmin argsort bucketize ceil cummax cummin eq floor floor_divide fmod
    fractional_max_pool2d fractional_max_pool3d ge gt hardtanh_backward
    heaviside histc kthvalue le lt max max_pool1d max_pool2d_with_indices
    max_pool3d_with_indices median min mode ne nonzero nanmedian remainder round searchsorted sgn sign sort
    threshold_backward topk trunc unique _unique2 unique_consecutive leaky_relu_backward _prelu_kernel_backward
    """.split()
)
"""Ops whose result jumps where an operand moves a little, so that few nudged runs may not tell of it."""

EXACT_UNLESS_ADDED: Final = frozenset({"index_put", "_index_put_impl", "_unsafe_index_put", "put"})
"""Ops that round only where they are asked to accumulate."""

COMPOSED: Final = frozenset(
    """
    addcdiv addcmul celu elu gelu gelu_backward glu glu_backward hardsigmoid hardswish lerp logaddexp logaddexp2 logit
    logit_backward mish mish_backward selu sigmoid_backward silu silu_backward softplus softplus_backward
    softshrink tanh_backward elu_backward hardswish_backward hardsigmoid_backward
    """.split()
)
"""Pointwise ops of several roundings: their decomposition tells the error of their inner ones."""

WHOLE: Final = frozenset(
    """
    addbmm addmm addmv addr baddbmm bmm convolution convolution_backward convolution_overrideable cumprod cumsum dot
    embedding_dense_backward grid_sampler_3d gru index_add logcumsumexp lstm mean mm mv nansum prod
    rnn_relu rnn_tanh _scaled_dot_product_flash_attention_for_cpu scatter_add sum trace unfold_backward vdot
    """.split()
)
"""Ops that add up and are not decomposed: longer nudges of their operands tell their error, and cost less. The
decomposition of attention is for inference alone: it does not return the logsumexp that its backward reads."""

STATISTICS: Final = frozenset(
    """
    _fused_rms_norm _fused_rms_norm_backward linalg_vector_norm native_group_norm native_group_norm_backward
    native_layer_norm native_layer_norm_backward norm renorm std std_mean var var_mean _weight_norm_interface
    """.split()
)
"""Ops whose inner numbers cancel where an operand is nearly constant, or underflow where it is small. Their kernels
compute them in float32 in half precision, and round the result once; that of batch_norm keeps its mean in half."""

CONTRACTIONS: Final = frozenset(
    """
    addbmm addmm addmv addr baddbmm bmm convolution convolution_backward convolution_overrideable dot mm mv vdot
    """.split()
)
"""Ops that multiply and add up; those that TF32 and the like may shorten."""

FLAGS: Final = {"multilabel_margin_loss_backward": (4,)}
"""The positions of operands whose floating numbers are flags, 0 or 1, which kernels check: they are handed on as they
are."""

NORMWISE: Final = frozenset({"_linalg_svd", "_linalg_eigh", "linalg_eig", "_linalg_eigvals"})
"""Ops whose backward error is small beside a matrix' norm, not beside each of its numbers: LAPACK Users' Guide,
1999, sections 4.7 to 4.9."""

WRITTEN_UNSAID: Final = frozenset(
    {
        *("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"),
        *("_native_batch_norm_legit", "_batch_norm_with_update"),
    }
)
"""Ops that change running statistics without their schema saying so: these operands are handed on as they are."""


@cache
def base_name(op: OpOverload) -> str:
    """The op's name without its namespace and the underscore of its in-place form."""
    name = str(op._schema.name).partition("::")[2]  # noqa: SLF001 - the schema has no other door
    return name if name.startswith("__") else name.rstrip("_")


@cache
def kind_of_op(op: OpOverload) -> Kind:
    """What rounding does in an op."""
    name = base_name(op)
    if op.is_view or name in EXACT:
        return Kind.EXACT
    is_changing = op._schema.is_mutable  # noqa: SLF001
    is_known = op in decomposition_table and not is_changing
    if torch.Tag.pointwise in op.tags:
        return Kind.COMPOSED if name in COMPOSED and is_known else Kind.POINTWISE
    if op.namespace == "prims":
        return Kind.INNER if name in _PRIMS_THAT_ADD else Kind.POINTWISE
    return Kind.COMPOSED if is_known and name not in WHOLE else Kind.INNER


_PRIMS_THAT_ADD: Final = frozenset({"sum", "prod", "var", "xor_sum", "fft_r2c", "fft_c2r", "fft_c2c"})


def is_exact_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether this call of an op, by its base name, rounds nothing, although others of the op do."""
    if name in _REDUCES_AS_TOLD:
        return any(isinstance(one, str) and one in _SELECTING for one in (*args, *kwargs.values()))
    return name in EXACT_UNLESS_ADDED and not _accumulates(args, kwargs)


_REDUCES_AS_TOLD: Final = frozenset({"index_reduce", "scatter_reduce", "segment_reduce"})

_SELECTING: Final = frozenset({"amax", "amin", "max", "min"})
"""Reductions that select a number, which their backward looks for again."""


def _accumulates(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call of `index_put` adds to what is there."""
    return bool(args[3] if len(args) > 3 else kwargs.get("accumulate", False))  # noqa: PLR2004 - as in its schema


def inner_length(op: OpOverload, args: tuple[Any, ...]) -> int:
    """Over how many products or numbers one number of an op's result adds up; 1 where that is not known.

    Args:
        op: the op.
        args: what it is called with by position.
    """
    name = base_name(op)
    try:
        length = _LENGTHS[name](args) if name in _LENGTHS else _factored(name, args) or _reduced(op, args)
    except (IndexError, AttributeError, TypeError):
        return 1
    return max(1, int(length))


_LENGTHS: Final[dict[str, Callable[[tuple[Any, ...]], int]]] = {
    "mm": lambda args: args[0].shape[-1],
    "bmm": lambda args: args[0].shape[-1],
    "mv": lambda args: args[0].shape[-1],
    "dot": lambda args: args[0].numel(),
    "vdot": lambda args: args[0].numel(),
    "addmm": lambda args: args[1].shape[-1],
    "addmv": lambda args: args[1].shape[-1],
    "baddbmm": lambda args: args[1].shape[-1],
    "addbmm": lambda args: args[1].shape[-1] * args[1].shape[0],
    "convolution": lambda args: args[1][0].numel(),
    "convolution_overrideable": lambda args: args[1][0].numel(),
    "convolution_backward": lambda args: max(_per_channel(args[0]), _per_channel(args[2])),
    "cumsum": lambda args: args[0].shape[args[1]],
    "cumprod": lambda args: args[0].shape[args[1]],
    "logcumsumexp": lambda args: args[0].shape[args[1]],
    "index_add": lambda args: args[2].numel(),
    "index_put": lambda args: max(one.numel() for one in args[1] if one is not None),
    "_index_put_impl": lambda args: max(one.numel() for one in args[1] if one is not None),
    "scatter_add": lambda args: args[2].shape[args[1]],
    "embedding_dense_backward": lambda args: args[1].numel(),
    "_embedding_bag": lambda args: args[1].numel() // max(1, args[2].numel()),
    "_embedding_bag_forward_only": lambda args: args[1].numel() // max(1, args[2].numel()),
    "_embedding_bag_backward": lambda args: args[1].numel(),
    "trace": lambda args: args[0].shape[0],
}


def _per_channel(one: torch.Tensor) -> int:
    return one.numel() // max(1, one.shape[1])


def _factored(name: str, args: tuple[Any, ...]) -> int:
    """Four times the size of the matrix that an op of linear algebra factors, or the keys of an attention.

    The componentwise backward error of LAPACK's LU is 4 to 6 epsilons at n = 200, and 7.5 at 400 (measured), which is
    about sqrt(n) / 4.
    """
    if "scaled_dot_product" in name or "_attention" in name:
        return max(one.shape[-2] for one in args if isinstance(one, torch.Tensor) and one.dim() > 2)  # noqa: PLR2004
    is_matrix = name.startswith(("linalg_", "_linalg_")) or name in _MATRICES
    return _OF_FACTORS * args[0].shape[-1] if is_matrix and "norm" not in name else 0


_OF_FACTORS: Final = 4

_MATRICES: Final = frozenset(
    {"triangular_solve", "cholesky", "cholesky_inverse", "cholesky_solve", "lu_unpack", "geqrf"}
)


def _reduced(op: OpOverload, args: tuple[Any, ...]) -> int:
    """Over how many numbers a reduction goes, by its argument `dim`; 1 of an op that is none."""
    if base_name(op) not in _REDUCTIONS:
        return 1
    where = [number for number, one in enumerate(op._schema.arguments) if one.name == "dim"]  # noqa: SLF001
    dims = args[where[0]] if where and where[0] < len(args) else None
    shape = args[0].shape
    if dims is None or dims == []:
        return prod(shape)
    return prod(shape[one] for one in ([dims] if isinstance(dims, int) else dims)) if shape else 1


_REDUCTIONS: Final = frozenset(
    {
        *("sum", "nansum", "mean", "var", "var_mean", "std", "std_mean", "logsumexp", "linalg_vector_norm", "prod"),
        "norm",
    }
)
