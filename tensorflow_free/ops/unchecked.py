"""Overloads of aten that are no ops, since their kernels trust their arguments. Found by trial: see docs/safety.md."""

from __future__ import annotations

from typing import Final

CONVICTED: Final = frozenset(
    """
    _adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward _batch_norm_no_update
    _batch_norm_with_update_functional _cholesky_solve_helper _compute_linear_combination
    _convert_indices_from_coo_to_csr _convert_indices_from_csr_to_coo _cummax_helper _cummin_helper
    _dyn_quant_matmul_4bit _dyn_quant_pack_4bit_weight _embedding_bag _embedding_bag_backward
    _embedding_bag_dense_backward _embedding_bag_forward_only _embedding_bag_per_sample_weights_backward
    _embedding_bag_sparse_backward _fft_c2c _fft_c2r _fft_r2c _foreach_copy _foreach_copy_
    _fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional _fused_sgd _fused_sgd_
    _linalg_eigvals _log_softmax _log_softmax_backward_data _logcumsumexp _masked_softmax_backward
    _native_batch_norm_legit_functional _native_batch_norm_legit_no_training _neg_view_copy
    _nnpack_spatial_convolution _pack_padded_sequence_backward _pad_circular _padded_dense_to_jagged_forward
    _pdist_backward _saturate_weight_to_fp16 _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_flash_attention_for_cpu_backward _segment_reduce_backward _slow_conv2d_backward
    _sobol_engine_ff_ _sobol_engine_initialize_state_ _sparse_mm_reduce_impl _sparse_mm_reduce_impl_backward
    _stack _thnn_differentiable_gru_cell_backward _thnn_differentiable_lstm_cell_backward
    _transform_bias_rescale_qkv _weight_norm_interface _weight_norm_interface_backward
    adaptive_avg_pool3d_backward batch_norm_backward binary_cross_entropy binary_cross_entropy_backward
    gather_backward grid_sampler_2d_backward grid_sampler_3d_backward mkldnn_rnn_layer mkldnn_rnn_layer_backward
    multi_margin_loss_backward multilabel_margin_loss_backward native_batch_norm_backward
    native_group_norm_backward native_layer_norm_backward nll_loss2d_backward nll_loss_backward
    reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward replication_pad1d_backward
    replication_pad2d_backward replication_pad3d_backward rrelu_with_noise rrelu_with_noise_
    rrelu_with_noise_backward rrelu_with_noise_functional slow_conv3d slow_conv3d_forward slow_conv_dilated2d
    slow_conv_dilated3d slow_conv_transpose2d slow_conv_transpose3d thnn_conv2d unfold_backward
    """.split()
)
"""They read or wrote outside their tensors, or crashed, for an index, a size or a shape that is wrong.

Tried on the CPU, with torch 2.13. A public op reaches the same kernels with checks before them.
"""

UNTRIED: Final = frozenset(
    """
    _amp_update_scale _amp_update_scale_ _batch_norm_impl_index _batch_norm_impl_index_backward _coalesce
    _coalesced _coalesced_ _conv_depthwise2d _convert_weight_to_int4pack _convert_weight_to_int4pack_for_cpu
    _convolution_double_backward _convolution_mode _copy_from _copy_from_and_resize _cslt_compress
    _cslt_sparse_mm _cslt_sparse_mm_search _ctc_loss_backward _cudnn_attention_backward _cudnn_attention_forward
    _cudnn_ctc_loss _cudnn_init_dropout_state _cudnn_rnn _cudnn_rnn_backward _cudnn_rnn_flatten_weight
    _efficient_attention_backward _fake_quantize_learnable_per_channel_affine_backward
    _fill_mem_eff_dropout_mask_ _flash_attention_backward _flash_attention_forward_no_dropout_inplace
    _fused_dropout _fused_rms_norm_backward _grid_sampler_2d_cpu_fallback _grid_sampler_2d_cpu_fallback_backward
    _grouped_mm _int_mm _lstm_mps _masked_scale _mixed_dtypes_linear _mkldnn_reshape _mkldnn_transpose
    _mkldnn_transpose_ _mps_convolution _mps_convolution_transpose _native_multi_head_attention
    _nested_from_padded_and_nested_example _nested_from_padded_tensor _nested_get_jagged_dummy
    _nested_get_max_seqlen _nested_get_min_seqlen _nested_get_ragged_idx _nested_get_values
    _nested_get_values_copy _nested_select_backward _nested_sum_backward _nested_tensor_softmax_with_shape
    _philox_key_fold_in _philox_key_split _philox_normal _philox_normal_ _philox_uniform _philox_uniform_
    _pin_memory _resize_output _resize_output_ _rowwise_prune _scaled_dot_product_attention_math_for_mps
    _scaled_dot_product_cudnn_attention _scaled_dot_product_cudnn_attention_backward
    _scaled_dot_product_efficient_attention _scaled_dot_product_efficient_attention_backward
    _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_backward
    _scaled_dot_product_fused_attention_overrideable _scaled_dot_product_fused_attention_overrideable_backward
    _scaled_grouped_mm _scaled_grouped_mm_v2 _slow_conv2d_forward _sobol_engine_draw _sobol_engine_scramble_
    _sparse_broadcast_to _sparse_broadcast_to_copy _sparse_csr_prod _sparse_csr_sum _sparse_log_softmax
    _sparse_log_softmax_backward_data _sparse_mask_projection _sparse_semi_structured_addmm
    _sparse_semi_structured_apply _sparse_semi_structured_apply_dense _sparse_semi_structured_linear
    _sparse_semi_structured_mm _sparse_semi_structured_tile _sparse_softmax _sparse_softmax_backward_data
    _sparse_sparse_matmul _sparse_sum _sparse_sum_backward _spsolve _thnn_fused_gru_cell
    _thnn_fused_gru_cell_backward _thnn_fused_lstm_cell _thnn_fused_lstm_cell_backward
    _thnn_fused_lstm_cell_backward_impl _to_dense _to_sparse_semi_structured _transformer_encoder_layer_fwd
    _triton_multi_head_attention _triton_scaled_dot_attention _upsample_bicubic2d_aa_backward
    _upsample_lanczos2d_aa_backward _use_cudnn_ctc_loss _use_miopen_ctc_loss _validate_sparse_bsc_tensor_args
    _validate_sparse_bsr_tensor_args _validate_sparse_compressed_tensor_args _validate_sparse_csr_tensor_args
    _weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int4pack_mm_with_scales_and_zeros
    _weight_int8pack_mm
    """.split()
)
"""Private ones for which the trial found no valid call to begin from, on the CPU."""

UNCHECKED: Final = CONVICTED | UNTRIED
"""What aten calls by these names is no op."""
