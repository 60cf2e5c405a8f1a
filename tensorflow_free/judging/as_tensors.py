"""A value of any kind as one plain tensor on the CPU, to compare its numbers; and what its kind is called."""

from __future__ import annotations

from typing import Any, Final

import torch

from tensorflow_free.codec.numbers import bits
from tensorflow_free.codec.parts import numbers_of
from tensorflow_free.judging.closeness import dense
from tensorflow_free.judging.verdicts import NO_VALUE
from tensorflow_free.tensors.dtypes import word_of

NUMBERS: Final[dict[type, torch.dtype]] = {float: torch.float64, complex: torch.complex128}


def same_bits(mine: torch.Tensor, its: torch.Tensor) -> bool:
    """Whether two tensors of one dtype and shape are equal bit for bit, so that NaN is NaN, and -0.0 is not 0.0."""
    return mine.numel() == 0 or torch.equal(bits(dense(mine)), bits(dense(its)))


def as_tensor(value: Any) -> Any:
    """An array or a number of NumPy's as a tensor; all else as it is."""
    return torch.as_tensor(value) if type(value).__module__ == "numpy" else value


def type_name(value: Any) -> str:
    """The name of an object's type; what stands for one that no file can hold says of which type it was."""
    return str(getattr(value, "type", None) or type(value).__name__)


def tensor_of(value: Any) -> torch.Tensor | None:
    """A tensor or a number as one plain tensor on the CPU; None for what is neither."""
    value = as_tensor(value)
    if isinstance(value, torch.Tensor):
        return None if value.is_meta else readable(value)
    dtype = {bool: torch.bool, int: torch.int64, **NUMBERS}.get(type(value))
    return None if dtype is None else torch.tensor(value, dtype=dtype)


def readable(value: torch.Tensor) -> torch.Tensor:
    """The numbers of a tensor as one plain tensor on the CPU, whatever its layout."""
    if value.is_nested:
        parts = [dense(part).flatten() for part in numbers_of(value)]
        return torch.cat(parts) if parts else torch.empty(0)
    return dense(value.detach())


def family_of(dtype: torch.dtype) -> str:
    """What a dtype must agree in across cells: that of floating and complex numbers follows the recipe."""
    return "floating" if dtype.is_floating_point else "complex" if dtype.is_complex else str(dtype)


def kind_of(value: Any) -> str:
    """What a value is: its dtype, its type, or that there is none."""
    if value is None:
        return NO_VALUE
    return word_of(value.dtype) if isinstance(value, torch.Tensor) else type(value).__name__
