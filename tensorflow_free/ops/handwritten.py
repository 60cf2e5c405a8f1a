"""What neither a schema nor an annotation of PyTorch's says, written by hand. Source: PyTorch's documentation.

A signature is written as in Python. Several names before a bracket share it; several entries of one name are its
overloads, of which the first that fits is taken; an indented line continues the entry before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ENTRY: Final = re.compile(r"([^(]+)(\(.*)")


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.sub(r"\n\s+", " ", text).strip().splitlines():
        found = _ENTRY.fullmatch(entry)
        if found is not None:
            yield from ((name, found[2]) for name in found[1].split())


def _table(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, line in _entries(text):
        found[name] = (*found.get(name, ()), line)
    return found


FUNCTIONS: Final = _table(
    """
as_tensor(data: Any, dtype: dtype | None = None, device: device | None = None) -> Tensor
asarray(obj: Any, *, dtype: dtype | None = None, device: device | None = None, copy: bool | None = None,
    requires_grad: bool = False) -> Tensor
atleast_1d atleast_2d atleast_3d(*tensors: Tensor)
block_diag(*tensors: Tensor) -> Tensor
broadcast_shapes(*shapes: Any)
broadcast_tensors(*tensors: Tensor)
can_cast(from_: dtype, to: dtype) -> bool
cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = 'use_mm_for_euclid_dist_if_necessary') -> Tensor
chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor
einsum(equation: str, *operands: Tensor) -> Tensor
get_device numel(input: Tensor) -> int
gradient(input: Tensor, *, spacing: number | list[number] | list[Tensor] | None = None,
    dim: int | list[int] | None = None, edge_order: int = 1)
lobpcg(A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None, n: int | None = None,
    iK: Tensor | None = None, niter: int | None = None, tol: float | None = None, largest: bool | None = None,
    method: str | None = None)
lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: list[Tensor] | None = None)
meshgrid(*tensors: Tensor, indexing: str | None = None)
nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False)
norm(input: Tensor, p: number | str | None = 'fro', dim: int | list[int] | None = None, keepdim: bool = False,
    out: Tensor | None = None, dtype: dtype | None = None) -> Tensor
promote_types(type1: dtype, type2: dtype)
sparse_coo_tensor(indices: Any, values: Any, size: list[int] | None = None, *, dtype: dtype | None = None,
    device: device | None = None, pin_memory: bool = False, requires_grad: bool = False,
    is_coalesced: bool | None = None) -> Tensor
sparse_coo_tensor(size: list[int], *, dtype: dtype | None = None, device: device | None = None,
    requires_grad: bool = False) -> Tensor
sparse_csr_tensor(crow_indices: Any, col_indices: Any, values: Any, size: list[int] | None = None, *,
    dtype: dtype | None = None, device: device | None = None, pin_memory: bool = False,
    requires_grad: bool = False) -> Tensor
sparse_csc_tensor(ccol_indices: Any, row_indices: Any, values: Any, size: list[int] | None = None, *,
    dtype: dtype | None = None, device: device | None = None, pin_memory: bool = False,
    requires_grad: bool = False) -> Tensor
sparse_bsr_tensor(crow_indices: Any, col_indices: Any, values: Any, size: list[int] | None = None, *,
    dtype: dtype | None = None, device: device | None = None, pin_memory: bool = False,
    requires_grad: bool = False) -> Tensor
sparse_bsc_tensor(ccol_indices: Any, row_indices: Any, values: Any, size: list[int] | None = None, *,
    dtype: dtype | None = None, device: device | None = None, pin_memory: bool = False,
    requires_grad: bool = False) -> Tensor
sparse_compressed_tensor(compressed_indices: Any, plain_indices: Any, values: Any, size: list[int] | None = None, *,
    dtype: dtype | None = None, layout: layout | None = None, device: device | None = None, pin_memory: bool = False,
    requires_grad: bool = False) -> Tensor
split(tensor: Tensor, split_size_or_sections: int | list[int], dim: int = 0)
tensor(data: Any, *, dtype: dtype | None = None, device: device | None = None, requires_grad: bool = False,
    pin_memory: bool = False) -> Tensor
tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor
unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None)
unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None)
unravel_index(indices: Tensor, shape: int | list[int])
nn.functional.adaptive_avg_pool2d nn.functional.adaptive_avg_pool3d(input: Tensor,
    output_size: int | list[int | None]) -> Tensor
nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d nn.functional.adaptive_max_pool3d(input: Tensor,
    output_size: int | list[int | None], return_indices: bool = False)
nn.functional.adaptive_max_pool1d_with_indices nn.functional.adaptive_max_pool2d_with_indices
    nn.functional.adaptive_max_pool3d_with_indices(input: Tensor, output_size: int | list[int | None],
    return_indices: bool = False)
nn.functional.ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Tensor | list[int],
    target_lengths: Tensor | list[int], blank: int = 0, reduction: str = 'mean', zero_infinity: bool = False) -> Tensor
nn.functional.interpolate(input: Tensor, size: int | list[int] | Tensor | None = None,
    scale_factor: float | list[float] | None = None, mode: str = 'nearest', align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False) -> Tensor
nn.functional.upsample(input: Tensor, size: int | list[int] | Tensor | None = None,
    scale_factor: float | list[float] | None = None, mode: str = 'nearest', align_corners: bool | None = None) -> Tensor
nn.functional.upsample_bilinear nn.functional.upsample_nearest(input: Tensor,
    size: int | list[int] | Tensor | None = None, scale_factor: float | list[float] | None = None) -> Tensor
signal.windows.general_cosine(M: int, *, a: list[float], sym: bool = True, dtype: dtype | None = None,
    layout: layout | None = None, device: device | None = None, requires_grad: bool = False) -> Tensor
signal.windows.general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, dtype: dtype | None = None,
    layout: layout | None = None, device: device | None = None, requires_grad: bool = False) -> Tensor
sparse.mm(sparse: Tensor, dense: Tensor) -> Tensor
sparse.mm(sparse: Tensor, dense: Tensor, reduce: str) -> Tensor
sparse.sum(input: Tensor, dim: int | list[int] | None = None, dtype: dtype | None = None) -> Tensor
"""
)
"""The signatures of functions, by op."""

METHODS: Final = _table(
    """
bfloat16 bool byte cdouble cfloat chalf char cpu double float half int long short(input: Tensor, *,
    memory_format: memory_format | None = None) -> Tensor
cuda ipu mtia xpu(input: Tensor, device: device | int | None = None, non_blocking: bool = False, *,
    memory_format: memory_format | None = None) -> Tensor
__add__ __and__ __div__ __eq__ __floordiv__ __ge__ __gt__ __iadd__ __iand__ __ifloordiv__ __ilshift__ __imod__ __imul__
    __ior__ __ipow__ __irshift__ __isub__ __itruediv__ __ixor__ __le__ __lshift__ __lt__ __matmul__ __mod__ __mul__
    __ne__ __or__ __pow__ __radd__ __rand__ __rdiv__ __rfloordiv__ __rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__
    __rpow__ __rrshift__ __rshift__ __rsub__ __rtruediv__ __rxor__ __sub__ __truediv__ __xor__(input: Tensor,
    other: Tensor | number) -> Tensor
__abs__ __invert__ __neg__ __pos__ __reversed__(input: Tensor) -> Tensor
__bool__ __complex__ __float__ __index__ __int__ __len__ __long__ __nonzero__(input: Tensor) -> number
__contains__(input: Tensor, element: Tensor | number) -> bool
__getitem__(input: Tensor, index: Any) -> Tensor
__setitem__(input: Tensor, index: Any, value: Tensor | number) -> None
dim_order tolist(input: Tensor)
dim element_size get_device ndimension nelement numel storage_offset(input: Tensor) -> int
is_contiguous(input: Tensor, memory_format: memory_format = None) -> bool
gradient(input: Tensor, *, spacing: number | list[number] | list[Tensor] | None = None,
    dim: int | list[int] | None = None, edge_order: int = 1)
lu(input: Tensor, pivot: bool = True, get_infos: bool = False)
new_tensor(input: Tensor, data: Any, *, dtype: dtype | None = None, device: device | None = None,
    requires_grad: bool = False, layout: layout | None = None, pin_memory: bool = False) -> Tensor
nonzero(input: Tensor, *, as_tuple: bool = False)
norm(input: Tensor, p: number | str | None = 'fro', dim: int | list[int] | None = None, keepdim: bool = False,
    dtype: dtype | None = None) -> Tensor
numpy(input: Tensor, *, force: bool = False)
resize(input: Tensor, *sizes: int) -> Tensor
resize_as(input: Tensor, tensor: Tensor) -> Tensor
retain_grad(input: Tensor) -> None
size stride(input: Tensor)
size stride(input: Tensor, dim: int) -> int
split(input: Tensor, split_size: int | list[int], dim: int = 0)
to(input: Tensor, dtype: dtype, non_blocking: bool = False, copy: bool = False, *,
    memory_format: memory_format | None = None) -> Tensor
to(input: Tensor, device: device | None = None, dtype: dtype | None = None, non_blocking: bool = False,
    copy: bool = False, *, memory_format: memory_format | None = None) -> Tensor
to(input: Tensor, tensor: Tensor, non_blocking: bool = False, copy: bool = False, *,
    memory_format: memory_format | None = None) -> Tensor
type(input: Tensor, dtype: dtype | str, non_blocking: bool = False, *,
    memory_format: memory_format | None = None) -> Tensor
type(input: Tensor) -> str
unflatten(input: Tensor, dim: int, sizes: list[int]) -> Tensor
unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None)
unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None)
"""
)
"""The signatures of methods; what a method is called on comes first, as `input`."""

RANDOM: Final = frozenset(
    """
    lobpcg pca_lowrank svd_lowrank nn.functional.alpha_dropout nn.functional.dropout nn.functional.dropout1d
    nn.functional.dropout2d nn.functional.dropout3d nn.functional.feature_alpha_dropout
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool2d_with_indices
    nn.functional.fractional_max_pool3d nn.functional.fractional_max_pool3d_with_indices nn.functional.gumbel_softmax
    nn.functional.multi_head_attention_forward nn.functional.rrelu nn.functional.scaled_dot_product_attention
    """.split(),
)
"""Functions without a schema that draw random numbers where their arguments say so."""

SPARSE_LAYOUTS: Final = ("coo", "csr", "csc", "bsr", "bsc", "compressed")
"""The last words of the ops that make a sparse tensor out of its parts: `sparse_csr_tensor`."""

_SHARES_INPUT: Final = """
    __getitem__ __pos__ alpha_dropout bfloat16 bool byte cdouble cfloat chalf char conj_physical cpu cuda dequantize
    double dropout feature_alpha_dropout feature_dropout float half int ipu long masked.prod mtia
    nn.functional.alpha_dropout nn.functional.dropout nn.functional.dropout1d nn.functional.dropout2d
    nn.functional.dropout3d nn.functional.feature_alpha_dropout numpy resize resize_as short sum_to_size to to_dense
    type type_as unflatten unsafe_chunk unsafe_split unsafe_split_with_sizes xpu
"""

SHARES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_SHARES_INPUT.split(), ("input",)),
    **dict.fromkeys("atleast_1d atleast_2d atleast_3d broadcast_tensors cartesian_prod meshgrid".split(), ("tensors",)),
    "as_tensor": ("data",),
    "asarray": ("obj",),
    "chain_matmul": ("matrices",),
    "einsum": ("operands",),
    "histogramdd": ("bins",),
    "split": ("tensor", "input"),
    **dict.fromkeys((f"sparse_{layout}_tensor" for layout in SPARSE_LAYOUTS), ("values",)),
}
"""Parameters whose memory a result may share, where no schema says so."""

SHARES_SPARSE: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(
    ("to_sparse", *(f"to_sparse_{layout}" for layout in ("coo", "csr", "csc", "bsr", "bsc")), "sparse_mask"), ("input",)
)
"""Parameters whose memory a result may share where they are sparse already."""

CHANGES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "nn.functional.batch_norm": (("running_mean", "training"), ("running_var", "training")),
    "nn.functional.instance_norm": (("running_mean", "use_input_stats"), ("running_var", "use_input_stats")),
    "nn.functional.embedding": (("weight", "max_norm"),),
    "nn.functional.embedding_bag": (("weight", "max_norm"),),
}
"""Pairs (changed, switch) of functions without a schema, as in Signature.changes_when."""

UNDOCUMENTED: Final = frozenset({"nn.functional.multi_head_attention_forward"})
"""Functions with a docstring that have no page of their own."""
