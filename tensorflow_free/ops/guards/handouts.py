"""Ops that return, or keep, the indices of a sparse tensor, or the sizes of a nested one.

PyTorch's kernels trust them: a change in place would have them read and write memory that is not the tensor's. So
what is returned is a copy, and so is what is kept; binding refuses what would change them in place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.ops.guards.hidden_sharing import with_visible_sharing
from tensorflow_free.ops.handwritten import SPARSE_LAYOUTS
from tensorflow_free.tensors.memory import is_of_integers

HANDING: Final = frozenset(
    """
    indices crow_indices col_indices ccol_indices row_indices _indices
    _nested_tensor_size _nested_tensor_strides _nested_tensor_storage_offsets _nested_get_offsets _nested_get_lengths
    """.split()
)
"""Ops whose result is what says where a tensor's numbers lie."""

COPYING: Final = frozenset({"q_per_channel_scales", "q_per_channel_zero_points"})
"""Ops whose result is a quantised tensor's own, though no schema says so; changes of it are changes of a copy."""

KEEPING: Final = {f"sparse_{layout}_tensor": 1 if layout == "coo" else 2 for layout in SPARSE_LAYOUTS}
"""How many of its first parameters such an op keeps as a sparse tensor's indices."""


def base_of(name: str) -> str:
    """The name of an op without its namespace and overload."""
    parts = name.split(".")
    return parts[1] if parts[0] == "aten" else parts[-1]


def with_copies(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """What is called for the op `name`: the function itself, or one that returns and keeps copies."""
    base = base_of(name)
    if base in HANDING or base in COPYING:
        return partial(_copied, function)
    if base == "numpy":
        return partial(_array, function)
    return partial(_kept, function, KEEPING[base]) if base in KEEPING else with_visible_sharing(base, function)


def _copied(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    made = function(*args, **kwargs)
    return made if made is None or kwargs.get("out") is not None else made.clone()


def _array(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """An array of integers is a copy: autograd would not see changes of the indices that a forward pass has kept."""
    made = function(*args, **kwargs)
    return made if made.dtype.kind in "fc" else made.copy()


def _kept(function: Callable[..., Any], count: int, *args: Any, **kwargs: Any) -> Any:
    copies = [one.clone() if isinstance(one, torch.Tensor) else one for one in args[:count]]
    values = [_own(one) for one in args[count:]]
    named = {key: one.clone() if _are_indices(key, one) else _own(one) for key, one in kwargs.items()}
    return function(*copies, *values, **named)


def _are_indices(key: str, value: Any) -> bool:
    return key.endswith("indices") and isinstance(value, torch.Tensor)


def _own(value: Any) -> Any:
    """Numbers of a sparse tensor: a copy where they are integers, since autograd would not see that these change."""
    return value.clone() if isinstance(value, torch.Tensor) and is_of_integers(value) else value


def check_unshared(changed: Any, *held: Any) -> None:
    """Refuse a change in place of memory that holds a tensor's indices.

    Raises:
        RuntimeError: the memory of `changed` is that of one of the `held` tensors.
    """
    memories = {one for value in held for one in _memories(value)}
    if memories.intersection(_memories(changed)):
        raise RuntimeError(
            "what it changes in place holds the indices of a sparse tensor; change a copy of them, such as x.clone()"
        )


def _memories(value: Any) -> list[int]:
    if isinstance(value, (tuple, list)):
        return [one for part in value for one in _memories(part)]
    is_plain = isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_nested
    return [value.untyped_storage().data_ptr()] if is_plain and not value.is_meta and value.numel() else []


def check_indices(*values: Any) -> None:
    """Refuse sparse tensors whose indices another's change in place has put out of their bounds.

    Raises:
        RuntimeError: one of the values is such a tensor.
    """
    for value in values:
        if isinstance(value, torch.Tensor) and value.layout in (torch.sparse_coo, *COMPRESSED):
            try:
                _check_indices(value.detach())
            except RuntimeError as error:
                why = "it shares its indices with the tensor that is changed in place, and they no longer fit its size"
                raise RuntimeError(f"a sparse tensor of {list(value.shape)} is corrupt: {why}: {error}") from error


COMPRESSED: Final = {
    torch.sparse_csr: ("crow_indices", "col_indices"),
    torch.sparse_bsr: ("crow_indices", "col_indices"),
    torch.sparse_csc: ("ccol_indices", "row_indices"),
    torch.sparse_bsc: ("ccol_indices", "row_indices"),
}
"""The names of a compressed sparse tensor's indices, by its layout."""


def _check_indices(value: torch.Tensor) -> None:
    # torch's checks of sparse tensors have no public names
    if value.layout == torch.sparse_coo:
        torch._validate_sparse_coo_tensor_args(value._indices(), value._values(), value.shape)  # noqa: SLF001
        return
    compressed, plain = (getattr(value, name)() for name in COMPRESSED[value.layout])
    torch._validate_sparse_compressed_tensor_args(compressed, plain, value.values(), value.shape, value.layout)  # noqa: SLF001
