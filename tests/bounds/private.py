"""Valid calls, written out by hand, of private overloads of aten for sparse tensors, matrices and whole layers."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bounds.inner import Line, ints, x


def calls() -> Iterator[Line]:
    """The overload's name and its arguments by name."""
    yield from _sparse()
    yield from _indices()
    yield from _matrices()
    yield from _losses_and_layers()
    yield from _attention()


def _sparse() -> Iterator[Line]:
    coo = torch.tensor([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0]]).to_sparse()
    call = {"self": coo, "dim": 1, "half_to_float": False, "dtype": None, "output": coo, "grad_output": coo}
    for name in ("_sparse_softmax", "_sparse_log_softmax"):
        for overload in (call, {**call, "dtype": torch.float32}):
            yield name, overload
        yield f"{name}_backward_data", call
    yield "_coalesce", {"self": torch.sparse_coo_tensor([[0, 0, 1]], x(3), [2])}
    for name in ("_coalesced", "_coalesced_"):
        yield name, {"self": coo, "coalesced": True}
    for dims in ([0], [1], [0, 1]):
        yield "_sparse_sum", {"self": coo, "dim": dims, "dtype": torch.float32}
    yield "_sparse_sum_backward", {"grad": torch.tensor([1.0, 2.0]).to_sparse(), "self": coo, "dim": [1]}
    yield "_sparse_sum_backward", {"grad": x(), "self": coo, "dim": [0, 1]}
    yield "_sparse_mask_projection", {"self": coo, "mask": coo, "accumulate_matches": False}
    yield "_to_dense", {"self": coo}
    yield "_to_dense", {"self": coo.to_sparse_csr()}
    for name in ("_sparse_broadcast_to", "_sparse_broadcast_to_copy"):
        yield name, {"self": coo, "size": [4, 2, 3]}
    for other in (coo.t().coalesce(),):
        yield "_sparse_sparse_matmul", {"self": coo, "other": other}
    for name in ("_sparse_csr_sum", "_sparse_csr_prod"):
        for dims in ([0], [1], [0, 1]):
            yield name, {"self": coo.to_sparse_csr(), "dim": dims, "keepdim": True}


def _indices() -> Iterator[Line]:
    csr = {"compressed_indices": ints(0, 1, 2), "plain_indices": ints(0, 1), "values": x(2), "size": [2, 3]}
    csr |= {"crow_indices": csr["compressed_indices"], "col_indices": csr["plain_indices"], "layout": torch.sparse_csr}
    yield "_validate_sparse_compressed_tensor_args", csr
    yield "_validate_sparse_csr_tensor_args", csr
    blocks = {**csr, "ccol_indices": ints(0, 1, 2), "row_indices": ints(0, 1), "values": x(2, 1, 1), "size": [2, 2]}
    yield "_validate_sparse_bsr_tensor_args", blocks
    yield "_validate_sparse_bsc_tensor_args", blocks


def _matrices() -> Iterator[Line]:
    whole = torch.arange(15 * 16).to(torch.int8).reshape(15, 16)
    yield "_int_mm", {"self": whole, "mat2": whole.T.contiguous(), "out": torch.zeros(15, 15, dtype=torch.int32)}
    half = x(4, 64).bfloat16()
    yield (
        "_weight_int8pack_mm",
        {"self": half, "mat2": torch.ones(32, 64, dtype=torch.int8), "scales": x(32).bfloat16()},
    )
    yield "_grouped_mm", {"self": x(2, 4, 16).bfloat16(), "mat2": x(2, 16, 8).bfloat16()}
    yield "_grouped_mm", {"self": x(4, 16).bfloat16(), "mat2": x(2, 16, 8).bfloat16(), "offs": ints(1, 4).int()}
    yield "_grouped_mm", {"self": x(4, 16).bfloat16(), "mat2": x(16, 8).bfloat16(), "offs": ints(8, 16).int()}
    packed = {"self": torch.ones(32, 64, dtype=torch.int32), "innerKTiles": 2}
    yield "_convert_weight_to_int4pack_for_cpu", packed
    four = {"self": half, "mat2": torch.ones(32, 32, dtype=torch.uint8), "qGroupSize": 32}
    yield "_weight_int4pack_mm_for_cpu", {**four, "qScaleAndZeros": x(2, 32, 2).bfloat16()}
    plain = torch.ones(2, 3, 4).to_mkldnn()
    yield "_mkldnn_reshape", {"self": plain, "shape": [4, 6]}
    for name in ("_mkldnn_transpose", "_mkldnn_transpose_"):
        yield name, {"self": plain, "dim0": 0, "dim1": 1}
    yield (
        "_pad_packed_sequence",
        {"data": x(3, 2), "batch_sizes": ints(2, 1), "batch_first": True, "padding_value": 0.0, "total_length": -1},
    )
    mask = torch.tensor([True, False, True])
    yield "_rowwise_prune", {"weight": x(3, 2), "mask": mask, "compressed_indices_dtype": torch.int64}


def _losses_and_layers() -> Iterator[Line]:
    image = {"input": x(1, 2, 5, 5), "self": x(1, 2, 5, 5), "weight": x(3, 2, 2, 2), "bias": x(3), "stride": [1, 1]}
    image |= {"dilation": [1, 1], "groups": 1}
    for padding in ("same", "valid"):
        yield "_convolution_mode", {**image, "padding": padding}
    double = {**image, "padding": [0, 0], "transposed": False, "output_padding": [0, 0], "output_mask": [True] * 3}
    double |= {"gO": x(1, 3, 4, 4), "ggI": x(1, 2, 5, 5), "ggW": x(3, 2, 2, 2), "ggb": x(3)}
    yield "_convolution_double_backward", double
    logs = x(5, 2, 4).log_softmax(-1)
    for lengths in (
        {"input_lengths": [5, 4], "target_lengths": [2, 3]},
        {"input_lengths": ints(5, 4), "target_lengths": ints(2, 3)},
    ):
        for targets in (ints(1, 2, 3, 1, 2, 3).view(2, 3), ints(1, 2, 1, 2, 3)):
            loss, alpha = torch.ops.aten._ctc_loss(logs, targets, [5, 4], [2, 3])
            call = {"log_probs": logs, "targets": targets, **lengths, "neg_log_likelihood": loss, "log_alpha": alpha}
            yield "_ctc_loss_backward", {**call, "grad": x(2), "blank": 0, "zero_infinity": False}
    scaled = {
        "self": x(1),
        "growth_tracker": torch.zeros(1, dtype=torch.int32),
        "found_inf": x(1),
        "growth_interval": 2,
    }
    for name in ("_amp_update_scale", "_amp_update_scale_"):
        yield name, {**scaled, "scale_growth_factor": 2.0, "scale_backoff_factor": 0.5}
    learnt = {"grad": x(2, 3), "self": x(2, 3), "scale": x(2) + 1, "zero_point": x(2), "axis": 0, "quant_min": 0}
    yield "_fake_quantize_learnable_per_channel_affine_backward", {**learnt, "quant_max": 7, "grad_factor": 1.0}
    grid = {"input": x(1, 2, 4, 4), "grid": x(1, 3, 3, 2), "grad_output": x(1, 2, 3, 3), "interpolation_mode": 0}
    for name in ("_grid_sampler_2d_cpu_fallback", "_grid_sampler_2d_cpu_fallback_backward"):
        yield name, {**grid, "padding_mode": 0, "align_corners": False}
    resized = {"grad_output": x(1, 2, 3, 3), "output_size": [3, 3], "input_size": [1, 2, 4, 5], "align_corners": False}
    for name in ("bicubic", "lanczos"):
        yield f"_upsample_{name}2d_aa_backward", {**resized, "grad_input": x(1, 2, 4, 5)}
    norms = {"impl_index": 0, "input": x(2, 3, 4), "grad_output": x(2, 3, 4), "weight": x(3), "running_mean": x(3)}
    norms |= {"running_var": x(3) + 1, "save_mean": x(3), "save_var_transform": x(3) + 1, "train": True, "eps": 1e-5}
    kept = {"output_mask": [True] * 3, "reservedSpace": torch.zeros(0, dtype=torch.uint8)}
    yield "_batch_norm_impl_index_backward", {**norms, **kept}


def _attention() -> Iterator[Line]:
    weights = {"qkv_weight": x(24, 8), "qkv_bias": x(24), "proj_weight": x(8, 8), "proj_bias": x(8), "embed_dim": 8}
    weights |= {"num_head": 2, "num_heads": 2, "need_weights": True, "average_attn_weights": True}
    for mask in ({}, {"mask": torch.tensor([[False, True, False]] * 2), "mask_type": 1}):
        same = x(2, 3, 8)
        yield "_native_multi_head_attention", {**weights, "query": same, "key": same, "value": same, **mask}
        layer = {"src": x(2, 3, 8), "use_gelu": False, "norm_first": False, "eps": 1e-5, "norm_weight_1": x(8)}
        layer |= {"norm_bias_1": x(8), "norm_weight_2": x(8), "norm_bias_2": x(8), "ffn_weight_1": x(5, 8)}
        layer |= {"ffn_bias_1": x(5), "ffn_weight_2": x(8, 5), "ffn_bias_2": x(8), **mask}
        yield "_transformer_encoder_layer_fwd", {**weights, **layer}
    nested = torch.nested.nested_tensor([x(2, 3), x(3, 3)])
    yield "_nested_from_padded_and_nested_example", {"padded": x(2, 3, 3), "nt_example": nested}
    yield "_nested_select_backward", {"grad_output": x(2, 3), "self": nested, "dim": 0, "index": 0}
    yield (
        "_nested_sum_backward",
        {"grad": torch.nested.nested_tensor([x(2, 1), x(3, 1)]), "self": nested, "dim": [2], "keepdim": True},
    )
