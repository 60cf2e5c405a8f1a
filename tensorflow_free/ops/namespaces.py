"""The closed tables of names: which of PyTorch's functions, methods and attributes are ops. Knows no parameters.

A name is an op if PyTorch's own list of public functions over tensors (torch.overrides.get_testing_overrides) holds
what the name stands for, or if a table here lists it; unless a table here excludes it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, Final

import torch
import torch.masked
import torch.signal.windows
import torch.sparse
from torch.overrides import get_testing_overrides

from tensorflow_free.tensors.devices import own_kind

MODULES: Final[dict[str, ModuleType]] = {
    "": torch,
    "nn.functional.": torch.nn.functional,
    "linalg.": torch.linalg,
    "fft.": torch.fft,
    "special.": torch.special,
    "signal.windows.": torch.signal.windows,
    "masked.": torch.masked,
    "sparse.": torch.sparse,
}
"""The namespaces of functions, by the prefix of their ops' names."""

LISTED: Final[dict[str, frozenset[str]]] = {
    "": frozenset(
        """
        arange as_strided as_tensor asarray bartlett_window blackman_window broadcast_shapes can_cast empty
        empty_permuted empty_strided eye fill full hamming_window hann_window kaiser_window linspace logspace normal
        ones promote_types rand rand_like randint randint_like randn randn_like randperm range result_type
        scalar_tensor sparse_bsc_tensor sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor
        sparse_csr_tensor tensor tril_indices triu_indices vander zeros
        """.split()
    ),
    "nn.functional.": frozenset(
        """
        celu_ elu_ grouped_mm hardsigmoid hardswish hardtanh_ leaky_relu_ relu_ rrelu_ selu_ sigmoid tanh threshold_
        upsample upsample_bilinear upsample_nearest
        """.split()
    ),
    "fft.": frozenset({"fftfreq", "rfftfreq"}),
    "signal.windows.": frozenset(torch.signal.windows.__all__),
    # all that torch.masked lists, but what makes or knows a MaskedTensor, which is no plain tensor
    "masked.": frozenset(
        """
        amax amin argmax argmin cumprod cumsum log_softmax logaddexp logsumexp mean median norm normalize prod softmax
        softmin std sum var
        """.split()
    ),
    "sparse.": frozenset("addmm log_softmax mm sampled_addmm softmax spdiags spsolve sum".split()),
}
"""Functions that torch's list leaves out, mostly because they take no tensor."""

LISTED_METHODS: Final = frozenset(
    """
    new_empty new_empty_strided new_full new_ones new_tensor new_zeros stride to_padded_tensor to_sparse_bsc
    to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr unflatten
    """.split()
)
"""Methods of Tensor that torch's list leaves out."""

DUNDERS: Final = frozenset(
    f"__{name}__"
    for name in """
    abs add and bool complex contains div eq float floordiv ge getitem gt iadd iand ifloordiv ilshift imod imul index
    int invert ior ipow irshift isub itruediv ixor le len long lshift lt matmul mod mul ne neg nonzero or pos pow radd
    rand rdiv reversed rfloordiv rlshift rmatmul rmod rmul ror rpow rrshift rshift rsub rtruediv rxor setitem sub
    truediv xor
    """.split()
)
"""Special methods that are ops too; no other name with a leading underscore is."""

ATTRIBUTES: Final = frozenset(
    """
    T H mT mH real imag data shape dtype device layout grad_dtype grad_fn requires_grad is_leaf retains_grad output_nr
    ndim itemsize nbytes is_cpu is_cuda is_meta is_mkldnn is_mps is_mtia is_nested is_quantized is_sparse
    is_sparse_csr is_xpu
    """.split()
)
"""Attributes of Tensor. `grad` is left to the runner's own op of that name, and to the reference `x.grad`."""

EXCLUDED: Final = frozenset(
    """
    is_distributed dsmm hsmm saddmm spmm fbgemm_linear_fp16_weight fbgemm_linear_fp16_weight_fp32_activation
    fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation fbgemm_linear_quantize_weight
    fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix miopen_batch_norm miopen_convolution
    miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose miopen_depthwise_convolution
    miopen_rnn quantized_gru_cell quantized_lstm_cell quantized_rnn_relu_cell quantized_rnn_tanh_cell sym_float
    sym_ite sym_max sym_min sym_not sym_sqrt sym_sum sym_int
    """.split()
)
"""Functions that are none of a recipe's.

Packed weights are raw pointers, dsmm and the like second names of mm, miopen is one vendor's, sym_* take no tensors.
"""

EXCLUDED_METHODS: Final = frozenset(
    """
    apply_ map_ map2_ register_hook register_post_accumulate_grad_hook backward index as_subclass module_load
    reinforce record_stream set_ storage storage_type untyped_storage data_ptr const_data_ptr share_memory_ is_shared
    is_distributed new name qscheme volatile align_as align_to has_names refine_names rename rename_
    """.split()
)
"""Methods that take a callable, reach a storage or its address, or change what is not the tensor's own.

`index` is for functorch's dimensions, `rename` and the like for named ones, which PyTorch gave up after 2.11.
"""


def public(prefix: str, name: str, value: object) -> bool:
    """Whether `value`, which the namespace `prefix` calls `name`, is an op."""
    if name.startswith("_") or name in EXCLUDED or isinstance(value, type) or not callable(value):
        return False
    return name in LISTED.get(prefix, ()) or value in get_testing_overrides()


def public_method(name: str, value: object) -> bool:
    """Whether `value`, the method `name` of Tensor, is an op."""
    if name.startswith("_"):
        return name in DUNDERS
    if name in EXCLUDED_METHODS or name in ATTRIBUTES or not callable(value):
        return False
    return name in LISTED_METHODS or name == own_kind() or value in get_testing_overrides()


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for prefix, module in MODULES.items():
        for name, value in vars(module).items():
            if isinstance(value, FunctionType | _BUILTIN) and public(prefix, name, value):
                yield prefix + name, value


_BUILTIN: Final = type(torch.add)


@functools.cache
def functions() -> dict[str, Callable[..., Any]]:
    """Every function that is an op, by the op's name."""
    return dict(_functions())


@functools.cache
def methods() -> dict[str, Callable[..., Any]]:
    """Every method of Tensor that is an op, by its name."""
    found = ((name, getattr(torch.Tensor, name)) for name in dir(torch.Tensor))
    return {name: value for name, value in found if public_method(name, value)}


def told_as(name: str) -> str:
    """The method under whose name the tables tell of another: `x.npu()` is told as `x.cuda()`, where torch has it."""
    return "cuda" if name == own_kind() else name


@functools.cache
def attributes() -> frozenset[str]:
    """Every attribute of Tensor that is an op and that this torch has."""
    return frozenset(name for name in (*ATTRIBUTES, f"is_{own_kind()}") if hasattr(torch.Tensor, name))
