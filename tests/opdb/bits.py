"""Whether two values are the same, bit for bit, and if not, how they differ."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import torch

PARTS = {
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}
"""The methods that give the parts of a tensor that is not strided."""


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors of one dtype and shape hold the same bits, those of NaN too."""
    if one.layout in PARTS:
        return all(same_bits(getattr(one, part)(), getattr(other, part)()) for part in PARTS[one.layout])
    return torch.equal(_bits(one), _bits(other))


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    plain = tensor.detach().resolve_conj().resolve_neg().reshape(-1)
    numbers = torch.view_as_real(plain) if plain.is_complex() else plain
    return numbers.clone(memory_format=torch.contiguous_format).view(torch.uint8)


def differences(name: str, actual: Any, expected: Any, *, defined: bool = True) -> Iterator[str]:
    """How `actual` differs from `expected`; not at all in numbers that nobody has written (`defined` is False)."""
    if not isinstance(expected, torch.Tensor) or not isinstance(actual, torch.Tensor):
        if not _same_plain(actual, expected):
            yield f"{name} is {_shown(actual)}, not {_shown(expected)}"
        return
    mine, its = _form(actual), _form(expected)
    if mine != its:
        yield f"{name} is {mine}, not {its}"
    elif defined and not same_bits(actual, expected):
        yield f"{name} differs in its bits: {_shown(actual)} and {_shown(expected)}"


def _form(tensor: torch.Tensor) -> tuple[Any, ...]:
    return (tensor.dtype, tuple(tensor.shape), tensor.layout, str(tensor.device), tensor.is_conj(), tensor.is_neg())


def _same_plain(actual: Any, expected: Any) -> bool:
    if type(actual) is not type(expected):
        return False
    if isinstance(expected, float):
        return struct.pack("d", actual) == struct.pack("d", expected)
    if isinstance(expected, complex):
        return _same_plain(actual.real, expected.real) and _same_plain(actual.imag, expected.imag)
    return bool(actual == expected)


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {str(value).replace(chr(10), ' ')[:120]}"
