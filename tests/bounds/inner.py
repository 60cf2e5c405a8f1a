"""Valid calls, written out by hand, of overloads of aten that autograd and compilers call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

Line = tuple[str, dict[str, Any]]


def x(*size: int) -> torch.Tensor:
    """Uneven small numbers."""
    return torch.arange(torch.Size(size).numel()).float().remainder(7).div(4).reshape(size)


def ints(*numbers: int) -> torch.Tensor:
    """Integers as a tensor."""
    return torch.tensor(numbers)


def calls() -> Iterator[Line]:
    """The overload's name and its arguments by name."""
    yield from _convolutions()
    yield from _bags()
    yield from _norms()
    yield from _losses()
    yield from _others()
    yield from _layouts()
    yield from _optimizers()


def _convolutions() -> Iterator[Line]:
    two = {"self": x(2, 3, 5, 6), "weight": x(4, 3, 2, 3), "kernel_size": [2, 3], "bias": x(4)}
    two |= {"stride": [1, 2], "padding": [1, 0], "dilation": [1, 1]}
    three = {"self": x(1, 2, 3, 4, 5), "weight": x(3, 2, 2, 1, 2), "kernel_size": [2, 1, 2], "bias": x(3)}
    three |= {"stride": [1, 1, 2], "padding": [1, 0, 0], "dilation": [1, 1, 1]}
    for name in ("thnn_conv2d", "_slow_conv2d_forward", "slow_conv_dilated2d"):
        yield name, {**two, "output": x(0), "out": x(0)}
    for name in ("slow_conv3d", "slow_conv3d_forward", "slow_conv_dilated3d"):
        yield name, {**three, "output": x(0), "out": x(0)}
    yield "slow_conv_transpose2d", {**two, "weight": x(3, 4, 2, 3), "output_padding": [0, 1], "out": x(0)}
    yield "slow_conv_transpose3d", {**three, "weight": x(2, 3, 2, 1, 2), "output_padding": [0, 0, 1], "out": x(0)}
    back = {**two, "grad_output": x(2, 4, 6, 2), "output_mask": [True, True, True]}
    outputs = {name: x(0) for name in ("grad_input", "grad_weight", "grad_bias", "out0", "out1", "out2")}
    yield "_slow_conv2d_backward", {**back, **outputs}


def _bags() -> Iterator[Line]:
    given = {"weight": x(6, 3), "indices": ints(0, 5, 1, 2), "offsets": ints(0, 1)}
    given |= {"scale_grad_by_freq": False, "sparse": False, "num_weights": 6, "grad": x(2, 3)}
    for mode in (0, 1, 2):
        for last in (False, True):
            offsets = ints(0, 1, 4) if last else ints(0, 1)
            call = {**given, "offsets": offsets, "mode": mode, "include_last_offset": last, "per_sample_weights": None}
            yield "_embedding_bag", call
            yield "_embedding_bag_forward_only", call
        kept = {
            "offset2bag": ints(0, 1, 1, 1),
            "bag_size": ints(1, 3),
            "maximum_indices": ints(0, 0, 0, 5, 1, 2).view(2, 3),
        }
        for name in ("dense", "sparse"):
            yield f"_embedding_bag_{name}_backward", {**given, **kept, "mode": mode, "per_sample_weights": None}
        for found in (ints(0, 1, 1, 1), x(0).long()):
            yield (
                "_embedding_bag_backward",
                {**given, **kept, "offset2bag": found, "mode": mode, "per_sample_weights": None},
            )
    weighted = {**given, "mode": 0, "per_sample_weights": x(4)}
    for name in ("_embedding_bag", "_embedding_bag_forward_only"):
        yield name, {**weighted, **{f"out{place}": x(0) if not place else x(0).long() for place in range(4)}}
    for name in ("dense_", "sparse_", "", "per_sample_weights_"):
        yield f"_embedding_bag_{name}backward", {**weighted, **kept, "out": x(0)}


def _norms() -> Iterator[Line]:
    for dim, size in ((0, (3, 1, 1)), (2, (1, 1, 4))):
        call = {"v": x(3, 2, 4) + 1, "g": x(*size) + 1, "dim": dim, "saved_v": x(3, 2, 4) + 1, "saved_g": x(*size)}
        call |= {"saved_norms": x(*size) + 1, "grad_w": x(3, 2, 4), "out0": x(0), "out1": x(0)}
        for name in ("interface", "interface_backward", "differentiable_backward"):
            yield f"_weight_norm_{name}", call
    batch = {"input": x(2, 3, 4), "weight": x(3), "bias": x(3), "running_mean": x(3), "running_var": x(3) + 1}
    batch |= {
        "momentum": 0.1,
        "eps": 1e-5,
        "training": True,
        "cudnn_enabled": False,
        **{f"out{n}": x(0) for n in range(5)},
    }
    for name in ("native_batch_norm_legit_functional", "native_batch_norm_legit_no_training", "batch_norm_no_update",
                 "batch_norm_with_update_functional", "batch_norm_impl_index"):  # fmt: skip
        yield f"_{name}", batch
    saved = {"save_mean": x(3), "save_invstd": x(3) + 1, "save_var": x(3) + 1, "reserve": x(0), "grad_out": x(2, 3, 4)}
    for flag in (True, False):
        call = {**batch, **saved, "train": flag, "update": flag, "output_mask": [True, True, True]}
        yield "native_batch_norm_backward", call
        yield "batch_norm_backward", call
    rows = {"input": x(2, 3, 4), "grad_out": x(2, 3, 4), "mean": x(2, 1, 1), "rstd": x(2, 1, 1) + 1, "weight": x(3, 4)}
    outputs = {f"out{place}": x(0) for place in range(3)}
    mask = {"output_mask": [True, True, True], **outputs}
    yield "native_layer_norm_backward", {**rows, "normalized_shape": [3, 4], "bias": x(3, 4), **mask}
    yield (
        "native_layer_norm_backward",
        {**rows, "normalized_shape": [3, 4], "weight": None, "bias": None, **mask, "output_mask": [True, False, False]},
    )
    groups = {"input": x(2, 4, 3), "grad_out": x(2, 4, 3), "mean": x(2, 2), "rstd": x(2, 2) + 1, "weight": x(4)}
    yield "native_group_norm_backward", {**groups, "N": 2, "C": 4, "HxW": 3, "group": 2, **mask}


def _losses() -> Iterator[Line]:
    for reduction in (0, 1):
        loss = {"self": x(2, 3), "target": ints(0, 2), "weight": x(3), "reduction": reduction, "p": 1, "margin": 1.0}
        loss |= {
            "grad_output": x(2) if not reduction else x(),
            "ignore_index": -100,
            "total_weight": x() + 1,
            "grad_input": x(0),
        }
        yield "multi_margin_loss_backward", loss
        yield "nll_loss_backward", loss
        many = {**loss, "target": ints(0, 2, -1, 1, -1, -1).view(2, 3), "is_target": (x(2, 3) > 1).float()}
        yield "multilabel_margin_loss_backward", many
        planes = {
            "self": x(2, 3, 2, 2),
            "target": torch.ones(2, 2, 2).long(),
            "grad_output": x(2, 2, 2) if not reduction else x(),
        }
        yield "nll_loss2d_backward", {**loss, **planes}
        binary = {
            "self": x(2, 3) / 2,
            "target": x(2, 3) / 2,
            "weight": None,
            "reduction": reduction,
            "grad_input": x(0),
            "out": x(0),
        }
        for weight in (None, x(2, 3), x(3)):
            call = {**binary, "weight": weight, "grad_output": x(2, 3) if not reduction else x()}
            yield "binary_cross_entropy", call
            yield "binary_cross_entropy_backward", call


def _others() -> Iterator[Line]:
    yield "_transform_bias_rescale_qkv", {"qkv": x(2, 3, 12), "qkv_bias": x(12), "num_heads": 2}
    yield "rrelu_with_noise", {"self": x(5), "noise": x(5), "training": True, "out": x(5)}
    yield "rrelu_with_noise_backward", {"grad_output": x(5), "self": x(5), "noise": x(5), "lower": 0.1, "upper": 0.3,
                                        "training": True, "self_is_result": False, "out": x(5)}  # fmt: skip
    call = {"self": x(3, 4), "grad": x(2, 4), "dim": 0, "index": ints(0, 2, 1, 0, 1, 0, 2, 2).view(2, 4)}
    for flag in (True, False):
        yield "gather_backward", {**call, "sparse_grad": flag}
    for name in ("reflection", "replication"):
        for dims in (1, 2, 3):
            call = {"self": x(1, 2, *[4] * dims), "grad_output": x(1, 2, *[6] * dims), "padding": [1] * 2 * dims}
            yield f"{name}_pad{dims}d_backward", {**call, "grad_input": x(0)}
    soft = {"grad_output": x(2, 3), "output": x(2, 3), "mask": x(2, 3) > 1, "dim": 1, "input_dtype": torch.float32}
    for name in ("_log_softmax_backward_data", "_masked_softmax_backward"):
        yield name, {**soft, "out": x(0)}
    yield "_pdist_backward", {"grad": x(3), "self": x(3, 2), "p": 2.0, "pdist": x(3) + 1, "out": x(0)}
    queries = {
        "query": x(2, 3, 4, 8),
        "key": x(2, 3, 5, 8),
        "value": x(2, 3, 5, 8),
        "dropout_p": 0.0,
        "is_causal": False,
    }
    back = {"grad_out": x(2, 3, 4, 8), "out": x(2, 3, 4, 8), "logsumexp": x(2, 3, 4)}
    for mask in (None, x(4, 5), x(2, 1, 4, 5)):
        yield "_scaled_dot_product_flash_attention_for_cpu", {**queries, "attn_mask": mask}
        yield "_scaled_dot_product_flash_attention_for_cpu_backward", {**queries, **back, "attn_mask": mask}
    heads = x(2, 4, 3, 24).transpose(1, 2).split(8, -1)
    apart = {**queries, **dict(zip(("query", "key", "value"), heads, strict=True))}
    yield "_scaled_dot_product_flash_attention_for_cpu", {**apart, "attn_mask": x(4, 4).expand(2, 1, 4, 4)}


def _layouts() -> Iterator[Line]:
    yield "_convert_indices_from_coo_to_csr", {"self": ints(0, 1, 1, 3), "size": 4, "out": torch.zeros(5).long()}
    rows = {"crow_indices": ints(0, 1, 3, 4), "col_indices": ints(0, 2, 1, 0), "out": torch.zeros(2, 4).long()}
    for flag in (False, True):
        yield "_convert_indices_from_csr_to_coo", {**rows, "transpose": flag}
    for pad in ([1, 2], [-1, 1], [1, 0, 2, 1]):
        call = {"self": x(1, 2, 4) if len(pad) < 3 else x(1, 2, 4, 3), "pad": pad, "mode": "circular"}
        yield "_pad_circular", call
        yield "nn.functional.pad", {**call, "input": call["self"]}
        yield "pad", call
        yield "_pad_enum", {**call, "mode": 2}
    flow = {"data": x(5), "grad": x(2), "output": x(2), "reduce": "sum", "axis": 0, "out": x(0)}
    for reduce in ("sum", "max", "prod", "mean"):
        yield "_segment_reduce_backward", {**flow, "reduce": reduce, "lengths": ints(2, 3)}
        yield "_segment_reduce_backward", {**flow, "reduce": reduce, "offsets": ints(0, 2, 5)}


def _optimizers() -> Iterator[Line]:
    lists = {"self": [x(3), x(2, 2)], "grads": [x(3), x(2, 2)], "momentum_buffer_list": [x(3), x(2, 2)]}
    rates = {"weight_decay": 0.1, "momentum": 0.5, "dampening": 0.0, "nesterov": False, "maximize": False}
    for lr in (0.1, x() + 0.1):
        for name in ("_fused_sgd", "_fused_sgd_"):
            yield name, {**lists, **rates, "lr": lr, "is_first_step": False, "out": [x(3), x(2, 2)]}
    for name in ("_foreach_copy", "_foreach_copy_"):
        yield name, {"self": [x(3), x(2, 2)], "src": [x(3), x(2, 2)], "out": [x(3), x(2, 2)]}
