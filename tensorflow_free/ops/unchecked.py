"""Overloads of aten that are not ops, since their kernels trust their arguments. Found by trial: see docs/safety.md."""

from __future__ import annotations

from typing import Final

FOUND_UNSAFE: Final = frozenset(
    """
    _compute_linear_combination _dyn_quant_matmul_4bit _dyn_quant_pack_4bit_weight
    _fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional _nested_select_backward
    _nnpack_spatial_convolution _padded_dense_to_jagged_forward _saturate_weight_to_fp16 _sobol_engine_ff_
    _sobol_engine_initialize_state_ _sparse_mm_reduce_impl _sparse_mm_reduce_impl_backward
    _thnn_differentiable_gru_cell_backward _thnn_differentiable_lstm_cell_backward mkldnn_rnn_layer
    mkldnn_rnn_layer_backward
    """.split()
)
"""They read or wrote outside their tensors, or crashed, for an index, a size or a shape that is wrong.

Tried on the CPU, with torch 2.13. A public op reaches the same kernels with checks before them.
"""

UNTRIED: Final = frozenset(
    """
    _coalesced _coalesced_ _nested_from_padded_and_nested_example _nested_sum_backward
    _nested_tensor_softmax_with_shape _sobol_engine_draw _sobol_engine_scramble_
    """.split()
)
"""Private ones with a kernel on the CPU, for which the trial found no valid call to begin from; and those that say of a
sparse tensor that it is coalesced, which others then trust."""

UNCHECKED: Final = FOUND_UNSAFE | UNTRIED
"""What aten calls by these names is no op."""
