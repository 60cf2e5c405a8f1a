"""Values of a run as pictures: a tensor of any dtype, layout and device, or what else a step gave."""

from __future__ import annotations

from typing import Any, Final

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.judging.as_tensors import kind_of, tensor_of
from tensorflow_free.picturing.value_pictures import AnyNumbers, Bounds, Picture, number_texts, picture_of
from tensorflow_free.report.value_summary import summary
from tensorflow_free.text.phrases import shown

ON_DEMAND: Final = 4096
"""Numbers up to which a page holds each of a value's, to be shown when they are asked for."""

_WIDER: Final = {torch.bfloat16: torch.float32, torch.complex32: torch.complex64}
"""What holds the numbers of dtypes that NumPy has not; those of eight bits are held by float32."""


def picture_of_value(value: Any, *, unstored: str | None = None, scale: Bounds | None = None) -> Picture:
    """The picture of a value.

    Args:
        value: a tensor, or any other value of a run.
        unstored: why its numbers are not there, as of `Record`.
        scale: as of `picture_of`.
    """
    words = shown(f"not stored: {unstored}") if unstored else summary(value)
    is_shaped = isinstance(value, torch.Tensor) and not value.is_nested
    shape = list(value.shape) if is_shaped else None
    numbers = None if unstored else numbers_of_value(value)
    if numbers is None:
        return Picture(words, kind_of(value), shape)
    return picture_of(numbers, words=words, dtype=kind_of(value), shape=shape, scale=scale)


def all_numbers(value: Any) -> list[str] | None:
    """Each number of a value as text, the last dimension fastest; None where there are none, or more than 4,096."""
    numbers = numbers_of_value(value)
    return None if numbers is None or numbers.size > ON_DEMAND else number_texts(numbers)


def numbers_of_value(value: Any) -> AnyNumbers | None:
    """The numbers of a value as an array of NumPy's that holds them exactly; None where it has none.

    Of sparse tensors all numbers, zeros among them; of nested ones those of its parts, one behind another.
    """
    try:
        tensor = tensor_of(value)
        return None if tensor is None else _array(tensor)
    except UNTAKEN:
        return None


def _array(tensor: torch.Tensor) -> AnyNumbers:
    plain = tensor.detach().resolve_conj().resolve_neg()
    is_small = plain.is_floating_point() and plain.dtype.itemsize == 1
    array: AnyNumbers = plain.to(torch.float32 if is_small else _WIDER.get(plain.dtype, plain.dtype)).numpy()
    return array
