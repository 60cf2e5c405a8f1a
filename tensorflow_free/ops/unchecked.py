"""Overloads of aten that are no ops, since their kernels trust their arguments. Found by trial: see docs/safety.md."""

from __future__ import annotations

from typing import Final

CONVICTED: Final = frozenset(
    """
    _compute_linear_combination _dyn_quant_matmul_4bit _dyn_quant_pack_4bit_weight
    _fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional _nnpack_spatial_convolution
    _padded_dense_to_jagged_forward _saturate_weight_to_fp16 _sobol_engine_ff_ _sobol_engine_initialize_state_
    _sparse_mm_reduce_impl _sparse_mm_reduce_impl_backward _thnn_differentiable_gru_cell_backward
    _thnn_differentiable_lstm_cell_backward mkldnn_rnn_layer mkldnn_rnn_layer_backward
    """.split()
)
"""They read or wrote outside their tensors, or crashed, for an index, a size or a shape that is wrong.

Tried on the CPU, with torch 2.13. A public op reaches the same kernels with checks before them.
"""

UNTRIED: Final = frozenset(
    """
    _amp_update_scale _amp_update_scale_ _batch_norm_impl_index_backward _coalesce _coalesced _coalesced_
    _convert_weight_to_int4pack_for_cpu _convolution_double_backward _convolution_mode _ctc_loss_backward
    _fake_quantize_learnable_per_channel_affine_backward _grid_sampler_2d_cpu_fallback
    _grid_sampler_2d_cpu_fallback_backward _grouped_mm _int_mm _mkldnn_reshape _mkldnn_transpose
    _mkldnn_transpose_ _native_multi_head_attention _nested_from_padded_and_nested_example
    _nested_select_backward _nested_sum_backward _nested_tensor_softmax_with_shape _rowwise_prune
    _sobol_engine_draw _sobol_engine_scramble_ _sparse_broadcast_to _sparse_broadcast_to_copy _sparse_csr_prod
    _sparse_csr_sum _sparse_log_softmax _sparse_log_softmax_backward_data _sparse_mask_projection
    _sparse_softmax _sparse_softmax_backward_data _sparse_sparse_matmul _sparse_sum _sparse_sum_backward
    _to_dense _transformer_encoder_layer_fwd _upsample_bicubic2d_aa_backward _upsample_lanczos2d_aa_backward
    _validate_sparse_bsc_tensor_args _validate_sparse_bsr_tensor_args _validate_sparse_compressed_tensor_args
    _validate_sparse_csr_tensor_args _weight_int4pack_mm_for_cpu _weight_int8pack_mm
    """.split()
)
"""Private ones with a kernel on the CPU, for which the trial found no valid call to begin from."""

UNCHECKED: Final = CONVICTED | UNTRIED
"""What aten calls by these names is no op."""
