"""Ops that return uninitialised memory: it is filled, as that of the init `empty` is.

Such memory holds old data of the process, which no recipe may read. Which ops these are was found by trying: PyTorch's
operator database was run in two processes whose allocators fill memory with different bytes (tests/test_unwritten.py).

Private names of torch used here, of torch._C: _set_deterministic_algorithms, _get_deterministic_algorithms,
_get_deterministic_algorithms_warn_only, which compilers follow. Tried with torch 2.11 and 2.13.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.ops.guards.handouts import base_of
from tensorflow_free.tensors.memory import extent_of, fill_of

MAKING: Final = frozenset(
    """
    empty empty_like empty_permuted empty_quantized empty_strided new_empty new_empty_strided
    _empty_affine_quantized _empty_per_channel_affine_quantized
    """.split()
)
"""Ops whose result is new uninitialised memory."""

GROWING: Final = frozenset(
    """
    resize resize_ resize_as resize_as_ resize_as_sparse resize_as_sparse_ sparse_resize sparse_resize_
    sparse_resize_and_clear sparse_resize_and_clear_ _resize_output _resize_output_
    """.split()
)
"""Ops that may add such memory to a tensor."""

LEAVING: Final = frozenset(
    """
    _ctc_loss _embedding_bag _embedding_bag_forward_only embedding_bag col2im fold mkldnn_rnn_layer mse_loss
    smooth_l1_loss
    """.split()
)
"""Ops that leave a part of a result, or of the storage behind it, unwritten."""

QUANTIZED_AS: Final = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}
"""The integers that quantised numbers are stored as; those of less than a byte are bytes."""


_SWITCHES: Final[Any] = torch.utils.deterministic
"""The module's attribute is a property, which torch's stubs leave out."""


def filled(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """What is called for the op `name`: the function itself, or one that leaves no memory unwritten."""
    base = base_of(name)
    if base in MAKING:
        return partial(_made, function)
    if base in GROWING:
        return partial(_grown, function)
    return partial(_left, function) if base in LEAVING else function


def _written(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call the function while torch itself fills what it allocates, whatever the recipe's settings say of that."""
    before = torch._C._get_deterministic_algorithms()  # noqa: SLF001 - the public setter loads the compiler
    warn_only = torch._C._get_deterministic_algorithms_warn_only()  # noqa: SLF001
    fills = _SWITCHES.fill_uninitialized_memory
    torch._C._set_deterministic_algorithms(True, warn_only=True)  # noqa: SLF001
    if not fills:
        _SWITCHES.fill_uninitialized_memory = True
    try:
        return function(*args, **kwargs)
    finally:
        if not fills:
            _SWITCHES.fill_uninitialized_memory = False
        torch._C._set_deterministic_algorithms(before, warn_only=warn_only)  # noqa: SLF001


def _made(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A new tensor, filled to the last byte of its storage."""
    made = _written(function, *args, **kwargs)
    if kwargs.get("out") is not None or made.is_meta:
        return made
    with torch.no_grad():
        if torch.compiler.is_compiling():
            made.fill_(fill_of(made.dtype))
        else:
            _fill(made)
    return made


def _grown(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A tensor that may have been made larger; torch fills all but quantised ones."""
    operand = args[0] if args else kwargs["self"]
    if not operand.is_quantized:
        return _written(function, *args, **kwargs)
    before = operand.untyped_storage().nbytes()
    grown = function(*args, **kwargs)
    whole = _stored(grown)
    # what gives a tensor of its own copies what was there first
    whole[before // whole.itemsize :].fill_(fill_of(whole.dtype))
    return grown


def _left(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Results of which torch fills what it allocates, and we what lies behind them in a storage that is too large."""
    made = _written(function, *args, **kwargs)
    if kwargs.get("out") is None and not torch.compiler.is_compiling():
        for one in made if isinstance(made, tuple) else (made,):
            whole = None if one.is_meta else _stored(one)
            extent = extent_of(one.shape, one.stride(), int(one.storage_offset()))
            if whole is not None and whole.numel() > extent:
                whole[extent:].fill_(fill_of(whole.dtype))
    return made


def _fill(made: torch.Tensor) -> None:
    """Fill what torch itself leaves: quantised numbers, gaps between strides, places of a sparse tensor's numbers."""
    if made.layout in (torch.sparse_csr, torch.sparse_bsr):
        _close(made, made.crow_indices())
    elif made.layout in (torch.sparse_csc, torch.sparse_bsc):
        _close(made, made.ccol_indices())
    elif made.layout == torch._mkldnn:  # type: ignore[attr-defined]  # noqa: SLF001 - the layout has no other name
        made.copy_(torch.full(made.shape, fill_of(made.dtype), dtype=made.dtype).to_mkldnn())
    elif made.layout == torch.strided and not made.is_nested and not _is_dense(made):
        whole = _stored(made)
        whole.fill_(fill_of(whole.dtype))


def _close(made: torch.Tensor, bounds: torch.Tensor) -> None:
    """Rows of a compressed tensor that holds no number end where they begin."""
    if made._nnz() == 0:  # noqa: SLF001 - how many numbers a sparse tensor holds has no other name
        bounds.zero_()


def _is_dense(made: torch.Tensor) -> bool:
    """Whether a tensor's numbers are all that its storage holds, and torch can fill them."""
    extent = extent_of(made.shape, made.stride(), int(made.storage_offset()))
    return not made.is_quantized and extent == made.numel()


def _stored(made: torch.Tensor) -> torch.Tensor:
    """A tensor's whole storage as plain numbers."""
    dtype = QUANTIZED_AS.get(made.dtype, torch.uint8) if made.is_quantized else made.dtype
    return torch.empty(0, dtype=dtype, device=made.device).set_(made.untyped_storage())
