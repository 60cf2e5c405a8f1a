"""Checks for kernels over planes and sequences: padding, pooling, convolution, attention, Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

from tensorflow_free.ops.guards import single_kernels
from tensorflow_free.ops.guards.checks import (
    ArgumentRule,
    CallArguments,
    alike,
    among,
    dense,
    filled,
    rows_apart,
    same,
    shaped,
)
from tensorflow_free.ops.guards.dimensions import axes, ranks, sized

# paddings and poolings


def padded(name: str) -> tuple[ArgumentRule, ...]:
    """The backward pass of a padding."""
    dims = int(name[-2])
    return (
        sized("padding", 2 * dims, -(2**31)),
        shaped("grad_output", single_kernels.forward(name, "self padding"), of="the shape of what was padded"),
        alike("self grad_output"),
    )


def around(name: str) -> ArgumentRule:
    """A padding with what lies at the other end, which must be there: a negative number takes some away."""

    def rule(given: CallArguments) -> str | None:
        pad, shape = list(given["pad"]), given[name].shape
        if given.get("mode", "circular") not in _CIRCULAR:
            return None
        if len(pad) % 2 or len(pad) > 2 * len(shape):
            return f"'pad' is {pad}; it can hold two numbers for each of the last dimensions"
        for size, first, last in zip(shape[::-1], pad[::2], pad[1::2], strict=False):
            left = size + min(first, 0) + min(last, 0)
            if (first or last) and not 0 < left >= max(first, last):
                return f"'pad' holds {[first, last]} for {size} elements; it must leave one, and as many as it repeats"
        return None

    return rule


_CIRCULAR: Final = ("circular", 2)


def spread(dims: int) -> tuple[ArgumentRule, ...]:
    """The backward pass of an adaptive pooling that takes averages."""
    shape = single_kernels.adaptive(f"adaptive_max_pool{dims}d", dims)
    return shaped("grad_output", shape, of="the shape of what was pooled"), alike("self grad_output")


def sampled(dims: int) -> tuple[ArgumentRule, ...]:
    """The backward pass of a grid sampler."""
    words = "input grid interpolation_mode padding_mode align_corners"
    return (
        among("interpolation_mode", *range(4 - dims + 1)),
        among("padding_mode", 0, 1, 2),
        shaped(
            "grad_output", single_kernels.forward(f"grid_sampler_{dims}d", words), of="the shape of what was sampled"
        ),
        alike("input grid grad_output"),
    )


def _windows(given: CallArguments) -> Sequence[int]:
    whole = torch.empty(given["input_sizes"], device="meta")
    return whole.unfold(given["dim"], given["size"], given["step"]).shape


PLACES: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    **{
        f"{kind}_pad{dims}d_backward": padded(f"{kind}_pad{dims}d")
        for kind in ("reflection", "replication")
        for dims in (1, 2, 3)
    },
    **{f"{name}_avg_pool{dims}d_backward": spread(dims) for name in ("_adaptive", "adaptive") for dims in (2, 3)},
    "_grid_sampler_2d_cpu_fallback": (among("interpolation_mode", 0, 1, 2), among("padding_mode", 0, 1, 2)),
    "_grid_sampler_2d_cpu_fallback_backward": sampled(2),
    "grid_sampler_2d_backward": sampled(2),
    "grid_sampler_3d_backward": sampled(3),
    "unfold_backward": (shaped("grad_in", _windows, of="the shape of what was unfolded"),),
}

# convolutions


def convolution(dims: int, *, transposed: bool = False) -> tuple[ArgumentRule, ...]:
    """A convolution of one group by a kernel without oneDNN."""

    def weight(given: CallArguments) -> Sequence[int]:
        channels, others = given["self"].shape[-dims - 1], given["weight"].shape[1 if transposed else 0]
        pair = (channels, others) if transposed else (others, channels)
        kernel = given["kernel_size"]
        return (*pair, *(kernel if isinstance(kernel, (list, tuple)) else [kernel] * dims))

    def bias(given: CallArguments) -> Sequence[int]:
        return (given["weight"].shape[1 if transposed else 0],)

    return (
        ranks("self", dims + 1, dims + 2),
        sized("kernel_size", dims, 1),
        *(_if_given(sized(name, dims, least), name) for name, least in _STEPS),
        shaped("weight", weight, of="for the channels of 'self' and 'kernel_size'"),
        shaped("bias", bias, of="one number for each channel of the result"),
        alike("self weight bias"),
        dense("self weight bias"),
    )


_STEPS: Final = (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1))


def _if_given(rule: ArgumentRule, name: str) -> ArgumentRule:
    return lambda given: None if given.get(name) is None else rule(given)


def _convolved(given: CallArguments) -> Sequence[int]:
    meta = [given[name].to("meta") for name in ("self", "weight")]
    pairs = [given[name] for name in ("stride", "padding")]
    made: torch.Tensor = torch.ops.aten.convolution.default(*meta, None, *pairs, [1, 1], False, [0, 0], 1)
    return made.shape


def _general(given: CallArguments) -> Sequence[int]:
    words = ("stride", "padding", "dilation", "transposed", "output_padding", "groups")
    meta = [given[name].to("meta") for name in ("self", "weight")]
    made: torch.Tensor = torch.ops.aten.convolution.default(*meta, None, *(given[word] for word in words))
    return made.shape


CONVOLUTIONS: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    **dict.fromkeys(("thnn_conv2d", "_slow_conv2d_forward", "slow_conv_dilated2d"), convolution(2)),
    **dict.fromkeys(("slow_conv3d", "slow_conv3d_forward", "slow_conv_dilated3d"), convolution(3)),
    "slow_conv_transpose2d": convolution(2, transposed=True),
    "slow_conv_transpose3d": convolution(3, transposed=True),
    "_convolution_double_backward": (
        shaped("gO", _general, of="the shape of what was convolved"),
        *same("ggI", "self"),
        *same("ggW", "weight"),
        alike("self weight gO ggb"),
    ),
    "_slow_conv2d_backward": (
        *convolution(2),
        shaped("grad_output", _convolved, of="the shape of what was convolved"),
        alike("self grad_output"),
        dense("grad_output"),
    ),
}

# attention


def _divided(heads: str) -> ArgumentRule:
    """The embedding is divided among the heads."""

    def rule(given: CallArguments) -> str | None:
        count, size = given[heads], given["embed_dim"]
        if count > 0 and not size % count:
            return None
        return f"'{heads}' is {count}; it can be a number that divides 'embed_dim', {size}"

    return rule


_PROJECTIONS: Final = "qkv_weight qkv_bias proj_weight proj_bias"
_LAYER: Final = "norm_weight_1 norm_bias_1 norm_weight_2 norm_bias_2 ffn_weight_1 ffn_bias_1 ffn_weight_2 ffn_bias_2"

_ATTENTION: Final = "_scaled_dot_product_flash_attention_for_cpu"


def _keys(given: CallArguments) -> Sequence[int]:
    query, key = given["query"].shape, given["key"].shape
    return (*query[:2], key[2], query[3])


def _mask(given: CallArguments) -> str | None:
    mask = given.get("attn_mask")
    if mask is None:
        return None
    batch, heads, rows, _ = given["query"].shape
    whole = (batch, heads, rows, given["key"].shape[2])
    shape = tuple(mask.shape)
    fits = len(shape) in (2, 4) and all(one in (1, size) for one, size in zip(shape[::-1], whole[::-1], strict=False))
    return None if fits else f"'attn_mask' is of shape {list(shape)}; it can be of shape {list(whole)}, or 1 for a size"


_QUERY: Final = (
    ranks("query", 4),
    ranks("key", 4),
    shaped("key value", _keys, of="for the batch, the heads and the last size of 'query'"),
    _mask,
    filled("query key value"),
    alike("query key value"),
)
_IN_ORDER: Final = dense("query key value attn_mask")
"""What the backward kernel trusts; the forward one reads rows wherever they begin."""

ATTENTION: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    _ATTENTION: (*_QUERY, rows_apart("query key value"), rows_apart("attn_mask", apart=False)),
    f"{_ATTENTION}_backward": (
        *_QUERY,
        _IN_ORDER,
        *same("out grad_out", "query"),
        shaped("logsumexp", lambda given: given["query"].shape[:3], of="one number for each row of 'query'"),
        dense("out grad_out"),
    ),
    "_native_multi_head_attention": (_divided("num_head"), alike(_PROJECTIONS)),
    "_transformer_encoder_layer_fwd": (_divided("num_heads"), alike(f"{_PROJECTIONS} {_LAYER}")),
}

# spectra


def _halved(given: CallArguments) -> str | None:
    last, found = given["last_dim_size"], given["self"].shape[given["dim"][-1]]
    if last > 0 and last // 2 + 1 == found:
        return None
    return (
        f"'last_dim_size' is {last}; for {found} numbers in that dimension it can be {2 * found - 2} or {2 * found - 1}"
    )


_FOURIER: Final = (axes("dim", "self"), among("normalization", 0, 1, 2), dense("self"))

SPECTRA: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    "_fft_c2c": _FOURIER,
    "_fft_r2c": _FOURIER,
    "_fft_c2r": (*_FOURIER, _halved),
}
