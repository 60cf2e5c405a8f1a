"""A tensor of any dtype and layout as plain arrays that safetensors can hold, and back. Does not touch files.

A tensor that is read back has its numbers bit for bit, its dtype, shape and layout; it is contiguous.
Two kinds are read back as plain numbers only: tensors of mkldnn's layout, and quantised ones of less than a byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch

from tensorflow_free.codec.arrays import DTYPES
from tensorflow_free.codec.values import constant_of, plain
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.memory import aligned, check_room

PAIRS: Final = {torch.complex128: torch.float64, torch.complex32: torch.float16}
"""Complex dtypes that safetensors has not, and the real ones that hold them as pairs in a last dimension of 2."""

HELD: Final = frozenset(DTYPES.values())
"""Dtypes that safetensors holds as they are. Any other is stored as its bytes."""

_INDICES: Final = {
    torch.sparse_csr: ("crow_indices", "col_indices"),
    torch.sparse_csc: ("ccol_indices", "row_indices"),
    torch.sparse_bsr: ("crow_indices", "col_indices"),
    torch.sparse_bsc: ("ccol_indices", "row_indices"),
}
"""What names the places of the numbers, by compressed layout."""

_UNCOALESCED: Final = ("uncoalesced_indices", "uncoalesced_values")

_NUMBERS: Final = ("", "values", _UNCOALESCED[1], "dense", "dequantized")
"""The parts that hold numbers; those of a nested tensor have positions for names."""

UNTAKEN: Final = (RuntimeError, MemoryError, TypeError, ValueError, LookupError, ArithmeticError)
"""What is raised where a value's numbers cannot be read: it lacks an op for the kind of tensor, or memory."""

Parts = Mapping[str, torch.Tensor]
"""Plain arrays by the name of the part; a plain tensor is the part ''."""


class MisfitError(ValueError):
    """Parts that make a tensor of another dtype or shape than what is said of it."""


def as_kept(value: Any) -> Any:
    """A value as files keep it: an array of numpy's is a tensor."""
    return torch.as_tensor(value) if type(value).__module__ == "numpy" else value


def is_plain(value: torch.Tensor) -> bool:
    """Whether a tensor is one array of numbers: strided, neither quantised nor nested."""
    return value.layout == torch.strided and not value.is_quantized and not value.is_nested


def parts_of(value: torch.Tensor) -> dict[str, torch.Tensor]:
    """A tensor's parts: contiguous, on the CPU, of dtypes that safetensors holds; copied only where they must be.

    Raises:
        MemoryError: this machine cannot hold it.
        RuntimeError: torch cannot take it apart.
    """
    return {part: _array(tensor) for part, tensor in _split(value.detach())}


def named_parts(name: str, value: torch.Tensor) -> dict[str, tuple[str, torch.Tensor]]:
    """The parts of the value of a name, each with a name of its own: `y`, or `y.indices` and `y.values`.

    Raises:
        MemoryError: this machine cannot hold it.
        RuntimeError: torch cannot take it apart.
    """
    return {part: (f"{name}.{part}" if part else name, array) for part, array in parts_of(value).items()}


def numbers_of(value: torch.Tensor) -> Iterator[torch.Tensor]:
    """The plain tensors that hold a tensor's numbers; none for a dtype whose numbers torch does not tell.

    Raises:
        MemoryError: this machine cannot hold it.
        RuntimeError: torch cannot take it apart.
    """
    for part, tensor in _split(value.detach()):
        is_number = part in _NUMBERS or part.isdigit()
        if is_number and (tensor.dtype in HELD or tensor.dtype in PAIRS):
            yield tensor


def _split(value: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    check_room(value)
    if is_plain(value):
        yield "", value
    elif value.is_quantized:
        yield from _split_quantized(value)
    elif value.is_nested:
        yield from ((str(position), inner) for position, inner in enumerate(value.unbind()))
    elif value.layout == torch.sparse_coo:
        names = ("indices", "values") if value.is_coalesced() else _UNCOALESCED
        # the public methods refuse what is not coalesced, and coalescing adds numbers up
        yield from zip(names, (value._indices(), value._values()), strict=True)  # noqa: SLF001
    elif value.layout in _INDICES:
        # the numbers of a sparse tensor are a view of it, and torch cannot view them once more before they are detached
        yield from ((part, getattr(value, part)().detach()) for part in (*_INDICES[value.layout], "values"))
    else:
        yield "dense", value.to_dense()


def _split_quantized(value: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    if value.dtype in (torch.quint4x2, torch.quint2x4):
        # several numbers lie in a byte of these, and nothing makes them again from their bytes
        yield "dequantized", value.dequantize()
        return
    yield "int_repr", value.int_repr()
    if value.qscheme() == torch.per_tensor_affine:
        yield "scale", torch.tensor(value.q_scale(), dtype=torch.float64)
        yield "zero_point", torch.tensor(value.q_zero_point())
    else:
        yield "scales", value.q_per_channel_scales()
        yield "zero_points", value.q_per_channel_zero_points()
        yield "axis", torch.tensor(value.q_per_channel_axis())


def _array(value: torch.Tensor) -> torch.Tensor:
    plain = value.cpu().resolve_conj().resolve_neg().contiguous()
    if plain.dtype in PAIRS:
        return torch.view_as_real(plain)
    return plain if plain.dtype in HELD else plain.flatten().view(torch.uint8)


def described(value: torch.Tensor) -> dict[str, Any]:
    """What a tensor is, beside its parts: the words of its dtype and layout, and its shape, None where it is nested."""
    shape = None if value.is_nested else list(value.shape)
    return {"dtype": word_of(value.dtype), "shape": shape, "layout": plain(value.layout)}


def without_numbers(dtype: torch.dtype, shape: Sequence[int]) -> torch.Tensor:
    """What stands for a tensor whose numbers are not there, on the device `meta`."""
    # torch leaves negative lengths in an `out` that could not take them
    return torch.empty([max(length, 0) for length in shape], dtype=dtype, device="meta")


def counts(value: torch.Tensor) -> tuple[int, int] | None:
    """How many elements are NaN, and how many infinite; None where they cannot be."""
    if not (value.is_floating_point() or value.is_complex()) or value.device.type == "meta":
        return None
    found = [_counted(numbers) for numbers in numbers_of(value)]
    return sum(nan for nan, _ in found), sum(inf for _, inf in found)


def _counted(numbers: torch.Tensor) -> tuple[int, int]:
    values = numbers.to(torch.float32) if numbers.dtype.itemsize == 1 else numbers
    parts = torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
    # most tensors hold neither, and their least and greatest number tell so in a small part of the time of counting
    if not parts.numel() or all(bound.isfinite() for bound in torch.aminmax(parts)):
        return 0, 0
    return int(values.isnan().count_nonzero()), int(values.isinf().count_nonzero())


def plain_form(dtype: torch.dtype, shape: list[int]) -> tuple[torch.dtype, list[int]]:
    """The dtype and shape of the one array that a plain tensor of this dtype and shape is taken apart to."""
    if dtype in PAIRS:
        return PAIRS[dtype], [*shape, 2]
    return (dtype, shape) if dtype in HELD else (torch.uint8, [math.prod(shape) * dtype.itemsize])


def whole_of(parts: Parts, dtype: torch.dtype, layout: str, shape: list[int] | None) -> torch.Tensor:
    """The tensor that `parts_of` took apart.

    Args:
        parts: what it gave.
        dtype: the tensor's dtype.
        layout: the tensor's layout, such as `sparse_coo`.
        shape: the tensor's shape; None for a nested one, which has none.

    Raises:
        MisfitError: the parts make a tensor of another dtype or shape.
        RuntimeError, KeyError, ValueError: they do not fit together.
    """
    value = _joined(parts, dtype, layout, shape)
    fits = value.dtype == dtype or "dequantized" in parts
    if not fits or (shape is not None and list(value.shape) != shape):
        raise MisfitError(f"it is {word_of(value.dtype)} {list(value.shape)}, not {word_of(dtype)} {shape}")
    return value


def _joined(parts: Parts, dtype: torch.dtype, layout: str, shape: list[int] | None) -> torch.Tensor:
    # an array of pairs is to be one of complex numbers, which are twice as long
    longest = dtype.itemsize if dtype in PAIRS else 1
    parts = {part: aligned(array, max(array.dtype.itemsize, longest)) for part, array in parts.items()}
    if "int_repr" in parts:
        return _quantized(parts)
    numbers = {part: _unpacked(tensor, dtype, shape) for part, tensor in parts.items()}
    for only in ("" if layout == "strided" else "dense", "dequantized"):
        if only in numbers:
            return numbers[only]
    kind: torch.layout = constant_of(layout, torch.layout)
    if shape is None:
        return torch.nested.nested_tensor(list(numbers.values()), dtype=dtype, layout=kind)
    if layout == "sparse_coo":
        return _coordinates(numbers, shape)
    outer, inner = (numbers[part] for part in _INDICES[kind])
    return torch.sparse_compressed_tensor(outer, inner, numbers["values"], shape, layout=kind)


def _unpacked(array: torch.Tensor, dtype: torch.dtype, shape: list[int] | None) -> torch.Tensor:
    """An array with the tensor's own dtype; indices have another, and stay as they are."""
    if array.dtype == PAIRS.get(dtype):
        return torch.view_as_complex(array)
    if array.dtype == torch.uint8 and dtype not in HELD and shape is not None:
        return array.view(dtype).reshape(shape)
    return array


def _coordinates(parts: Parts, shape: list[int]) -> torch.Tensor:
    if "indices" in parts:
        return torch.sparse_coo_tensor(parts["indices"], parts["values"], shape, is_coalesced=True)
    indices, values = (parts[part] for part in _UNCOALESCED)
    return torch.sparse_coo_tensor(indices, values, shape)


def _quantized(parts: Parts) -> torch.Tensor:
    # there is no public way from integers to a quantised tensor; quantising the numbers anew would round twice
    integers = parts["int_repr"]
    if "scale" in parts:
        scale, zero_point = parts["scale"].item(), int(parts["zero_point"].item())
        return torch._make_per_tensor_quantized_tensor(integers, scale, zero_point)  # noqa: SLF001
    scales, zero_points, axis = parts["scales"], parts["zero_points"], int(parts["axis"].item())
    return torch._make_per_channel_quantized_tensor(integers, scales, zero_points, axis)  # noqa: SLF001
