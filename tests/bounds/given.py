"""Valid calls written out by hand, of ops that the operator database has no samples of and that guessing does not find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch

from bounds import inner, private
from bounds.inner import ints, x

Line = tuple[str, dict[str, Any]]

PACKED: Final = [3, 2, 1]
"""The batch sizes of a packed sequence."""


def given() -> Iterator[Line]:
    """The op's name and the arguments by the names of a signature's parameters, as an aten overload or the public op."""
    yield from inner.calls()
    yield from private.calls()
    yield from _recurrent()
    yield from _losses_and_layers()
    yield from _quantised()
    yield from _sparse()


def _recurrent() -> Iterator[Line]:
    flags = {"has_biases": True, "num_layers": 1, "dropout": 0.0, "train": False, "bidirectional": False}
    for name, gates in (("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)):
        params = [x(4 * gates, 3), x(4 * gates, 4), x(4 * gates), x(4 * gates)]
        hx = [x(1, 3, 4), x(1, 3, 4)] if name == "lstm" else x(1, 3, 4)
        yield name, {"input": x(2, 3, 3), "hx": hx, "params": params, "batch_first": False, **flags}
        yield name, {"data": x(6, 3), "batch_sizes": ints(*PACKED), "hx": hx, "params": params, **flags}
        hidden = [x(2, 4), x(2, 4)] if name == "lstm" else x(2, 4)
        weights = dict(zip(("w_ih", "w_hh", "b_ih", "b_hh"), params, strict=True))
        yield f"{name}_cell", {"input": x(2, 3), "hx": hidden, **weights}


def _losses_and_layers() -> Iterator[Line]:
    logs = x(5, 2, 4).log_softmax(-1)
    lengths = {"input_lengths": ints(5, 4), "target_lengths": ints(2, 3)}
    listed = {"input_lengths": [5, 4], "target_lengths": [2, 3]}
    for targets in (torch.ones(2, 3, dtype=torch.int64), ints(1, 2, 1, 2, 3)):
        for one in (lengths, listed):
            yield "ctc_loss", {"log_probs": logs, "targets": targets, **one}
            yield "nn.functional.ctc_loss", {"log_probs": logs, "targets": targets, **one}
            yield "_ctc_loss", {"log_probs": logs, "targets": targets, **one}
    flags = {"interpolation_mode": 0, "padding_mode": 0, "align_corners": False}
    yield "grid_sampler", {"input": x(1, 2, 4, 4), "grid": x(1, 3, 3, 2), **flags}
    yield "grid_sampler", {"input": x(1, 2, 4, 4, 4), "grid": x(1, 3, 3, 3, 3), **flags}
    yield "affine_grid_generator", {"theta": x(1, 2, 3), "size": [1, 2, 3, 4], "align_corners": False}
    yield "nn.functional.affine_grid", {"theta": x(1, 2, 3), "size": [1, 2, 3, 4]}
    yield "nn.functional.fold", {"input": x(1, 12, 6), "output_size": [3, 4], "kernel_size": [2, 2]}
    yield "col2im", {"self": x(1, 12, 6), "output_size": [3, 4], "kernel_size": [2, 2], "dilation": [1, 1],
                     "padding": [0, 0], "stride": [1, 1]}  # fmt: skip
    for name in ("conv_tbc", "nn.functional.conv_tbc"):
        yield (
            name,
            {
                "self" if "." not in name else "input": x(5, 2, 3),
                "input": x(5, 2, 3),
                "weight": x(2, 3, 4),
                "bias": x(4),
                "pad": 1,
            },
        )
    for mode in ("reflection", "replication"):
        yield f"{mode}_pad3d", {"self": x(1, 2, 4, 4, 4), "padding": [1, 1, 1, 1, 1, 1]}
    for mode in ("circular", "reflect", "replicate", "constant"):
        yield "nn.functional.pad", {"input": x(1, 2, 4, 4), "pad": [1, 1, 1, 1], "mode": mode}
        yield "nn.functional.pad", {"input": x(1, 2, 4), "pad": [1, 1], "mode": mode}
    for mode, dims in (("nearest", 1), ("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3), ("area", 2),
                       ("nearest-exact", 2)):  # fmt: skip
        yield "nn.functional.interpolate", {"input": x(1, 2, *[4] * dims), "size": [3] * dims, "mode": mode}
        yield "nn.functional.interpolate", {"input": x(1, 2, *[4] * dims), "scale_factor": 1.5, "mode": mode}
    yield (
        "max_unpool2d",
        {"self": x(1, 1, 2, 2), "indices": ints(0, 3, 8, 10).reshape(1, 1, 2, 2), "output_size": [4, 4]},
    )
    for dims in (1, 2, 3):
        call = {"input": x(1, 1, *[2] * dims), "indices": torch.arange(2**dims).reshape(1, 1, *[2] * dims)}
        yield f"nn.functional.max_unpool{dims}d", {**call, "kernel_size": 2}
    yield "nll_loss2d", {"self": x(1, 3, 2, 2), "target": torch.ones(1, 2, 2, dtype=torch.int64)}
    yield "batch_norm_stats", {"input": x(2, 3, 4), "eps": 1e-5}
    yield "native_norm", {"input": x(3), "p": 2}
    yield "bincount", {"self": ints(0, 1, 2), "input": ints(0, 1, 2), "weights": x(3), "minlength": 4}
    for bins in (4, x(5)):
        yield "histogram", {"input": x(6), "self": x(6), "bins": bins}
    yield "_unsafe_index", {"self": x(3, 4), "indices": [ints(0, 2)]}
    yield "_unsafe_index_put", {"self": x(3, 4), "indices": [ints(0, 2)], "values": x(2, 4)}
    yield "_index_put_impl_", {"self": x(3, 4), "indices": [ints(0, 2)], "values": x(2, 4), "unsafe": True}
    yield "embedding_dense_backward", {"grad_output": x(3, 4), "indices": ints(0, 1, 4), "num_weights": 5,
                                       "padding_idx": -1, "scale_grad_by_freq": True}  # fmt: skip
    yield "_pack_padded_sequence", {"input": x(3, 3, 2), "lengths": ints(3, 2, 1), "batch_first": True}


def _quantised() -> Iterator[Line]:
    grid = {"scale": 0.5, "zero_point": 1, "dtype": torch.quint8}
    yield "quantize_per_tensor", {"input": x(2, 3), "self": x(2, 3), **grid}
    channels = {"scales": torch.tensor([0.5, 0.25]), "zero_points": ints(0, 1), "axis": 0, "dtype": torch.qint8}
    yield "quantize_per_channel", {"input": x(2, 3), "self": x(2, 3), **channels}
    yield (
        "quantize_per_tensor_dynamic",
        {"input": x(2, 3), "self": x(2, 3), "dtype": torch.qint8, "reduce_range": False},
    )
    made = torch.quantize_per_tensor(x(1, 2, 4, 4), 0.5, 1, torch.quint8)
    per_channel = torch.quantize_per_channel(x(2, 3), torch.tensor([0.5, 0.25]), ints(0, 1), 0, torch.qint8)
    for name in (
        "int_repr",
        "dequantize",
        "q_scale",
        "q_zero_point",
        "clone",
        "reshape",
        "sum",
        "relu",
        "mean",
        "index_select",
    ):
        yield name, {"input": made, "self": made, "shape": [2, 16], "dim": 1, "index": ints(0, 1)}
    for name in ("q_per_channel_axis", "q_per_channel_scales", "q_per_channel_zero_points", "dequantize", "int_repr"):
        yield name, {"input": per_channel, "self": per_channel}
    yield "quantized_max_pool2d", {"input": made, "self": made, "kernel_size": [2, 2], "stride": [2, 2]}
    flat = torch.quantize_per_tensor(x(1, 2, 4), 0.5, 1, torch.quint8)
    yield "quantized_max_pool1d", {"input": flat, "self": flat, "kernel_size": [2], "stride": [2]}
    stats = {
        "weight": x(2),
        "bias": x(2),
        "mean": x(2),
        "var": x(2),
        "eps": 1e-5,
        "output_scale": 0.5,
        "output_zero_point": 1,
    }
    yield "quantized_batch_norm", {"input": made, **stats}
    mask = {"scale": x(2), "zero_point": ints(0, 1).int(), "axis": 0, "quant_min": 0, "quant_max": 7}
    yield "fake_quantize_per_channel_affine", {"input": x(2, 3), "self": x(2, 3), **mask}


def _sparse() -> Iterator[Line]:
    dense = torch.tensor([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0]])
    coo, csr = dense.to_sparse(), dense.to_sparse_csr()
    yield "sparse_coo_tensor", {"indices": ints(0, 1, 1, 0).reshape(2, 2), "values": x(2), "size": [2, 3]}
    parts = {"crow_indices": ints(0, 1, 2), "col_indices": ints(0, 1), "values": x(2), "size": [2, 3]}
    yield "sparse_csr_tensor", parts
    yield "sparse_compressed_tensor", {"compressed_indices": ints(0, 1, 2), "plain_indices": ints(0, 1), "values": x(2),
                                       "size": [2, 3], "layout": torch.sparse_csr}  # fmt: skip
    yield (
        "sparse_csc_tensor",
        {"ccol_indices": ints(0, 1, 2), "row_indices": ints(0, 1), "values": x(2), "size": [3, 2]},
    )
    blocks = {"values": x(2, 1, 1), "size": [2, 2]}
    yield "sparse_bsr_tensor", {"crow_indices": ints(0, 1, 2), "col_indices": ints(0, 1), **blocks}
    yield "sparse_bsc_tensor", {"ccol_indices": ints(0, 1, 2), "row_indices": ints(0, 1), **blocks}
    for one in (coo, csr):
        call = {"input": one, "self": one, "sparse": one, "mat1": one, "mat2": x(3, 2), "mat": x(3, 2), "other": x(3, 2),
                "dense": x(3, 2), "vec": x(3), "dim": 1, "dtype": None, "index": ints(0, 1), "start": 0, "end": 1,
                "length": 1, "size": [3, 4], "sparse_dim": 2, "dense_dim": 0, "half_to_float": False}  # fmt: skip
        for name in ("coalesce", "values", "indices", "crow_indices", "col_indices", "is_coalesced", "to_dense", "mm",
                     "matmul", "mv", "sum", "select", "index_select", "narrow_copy", "transpose", "sparse_resize_",
                     "sparse_resize_and_clear_", "sparse.mm", "sparse.sum", "sparse.softmax", "sparse.log_softmax", "neg",
                     "relu", "mul", "clone", "smm", "hspmm", "resize_", "to_sparse", "sparse_dim", "t", "unsqueeze"):  # fmt: skip
            yield name, call
        yield "addmm", {**call, "input": x(2, 2), "self": x(2, 2)}
        yield "sparse.addmm", {**call, "mat": x(2, 2)}
        yield "sspaddmm", {**call, "mat1": one, "mat2": x(3, 3)}
        yield "sparse_mask", {**call, "input": x(2, 3), "self": x(2, 3), "mask": one}
        yield "copy_sparse_to_sparse_", {**call, "src": one}
        yield "resize_as_sparse_", {**call, "the_template": one}
    nested = torch.nested.nested_tensor([x(2, 3), x(3, 3)])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    yield "_nested_tensor_from_mask", {"t": x(2, 3, 4), "mask": mask, "mask_check": True}
    yield "_nested_from_padded", {"padded": x(2, 3, 4), "cpu_nested_shape_example": torch.tensor([[2, 4], [3, 4]])}
    yield "to_padded_tensor", {"input": nested, "self": nested, "padding": 0.0, "output_size": [2, 4, 4]}
    yield "nested_to_padded_tensor", {"self": nested, "padding": 0.0}
