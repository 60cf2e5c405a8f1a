"""A plain array's numbers as exact, readable text, and back. Imports torch, and does not touch files.

A floating number is the shortest decimal that reads back to its bits in its own dtype; what has none (a NaN with a
payload) is written as its bits: "0x7fc00001". The words are "nan", "-nan", "inf", "-inf".
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch

from tensorflow_free.tensors.dtypes import word_of

WORDS: Final = {word: float(word) for word in ("nan", "-nan", "inf", "-inf")}

MOST_DIGITS: Final = 9
"""Decimal digits that tell any two numbers of 32 bits or fewer apart. Source: IEEE 754-2019, 5.12.2."""


def bits(values: torch.Tensor) -> torch.Tensor:
    """A tensor's bytes, a last dimension of them for each element."""
    return values.contiguous().unsqueeze(-1).view(torch.uint8)


def listed(array: torch.Tensor) -> Any:
    """The numbers of a plain, contiguous array as nested lists; a complex one has a last dimension of re and im."""
    if array.is_complex():
        array = torch.view_as_real(array)
    texts = iter(_texts(array.flatten()))
    return _nested(texts, array.shape)


def _nested(texts: Iterator[Any], shape: Sequence[int]) -> Any:
    if not shape:
        return next(texts)
    return [_nested(texts, shape[1:]) for _ in range(shape[0])]


def _texts(flat: torch.Tensor) -> list[Any]:
    if not flat.is_floating_point():
        whole: list[Any] = flat.tolist()
        return whole
    exact: list[float] = flat.to(torch.float64).tolist()
    wanted = bits(flat)
    texts: list[Any] = exact if flat.dtype == torch.float64 else _shortened(exact, wanted, flat.dtype)
    texts = [text if math.isfinite(text) else _word(text) for text in texts]
    # whatever a decimal cannot say, for whatever reason, its bits can
    for position in _unlike(texts, wanted, flat.dtype):
        texts[position] = hexadecimal(wanted[position])
    return texts


def _shortened(exact: list[float], wanted: torch.Tensor, dtype: torch.dtype) -> list[float]:
    """Each number with no more digits than tell it from the others of its dtype."""
    texts, left = list(exact), [position for position, number in enumerate(exact) if math.isfinite(number)]
    for digits in range(1, MOST_DIGITS + 1):
        tried = [float(f"{exact[position]:.{digits}g}") for position in left]
        unlike = set(_unlike(tried, wanted[left], dtype))
        for index, position in enumerate(left):
            if index not in unlike:
                texts[position] = tried[index]
        left = [position for index, position in enumerate(left) if index in unlike]
        if not left:
            break
    return texts


def _unlike(texts: Sequence[Any], wanted: torch.Tensor, dtype: torch.dtype) -> list[int]:
    """The positions at which the texts do not read back to the wanted bits, a row of bytes each."""
    if not texts:
        return []
    found: list[int] = (bits(_array(texts, dtype)) != wanted).any(-1).nonzero().flatten().tolist()
    return found


def _word(number: float) -> str:
    return f"{'-' if math.copysign(1.0, number) < 0 else ''}{'nan' if math.isnan(number) else 'inf'}"


def hexadecimal(element: torch.Tensor) -> str:
    """The bytes of an element as one number, its highest digit first: `0x7fc00001`."""
    raw = bytes(element.tolist())
    return "0x" + (raw[::-1] if sys.byteorder == "little" else raw).hex()


def array_of(value: Any, dtype: torch.dtype, shape: Sequence[int]) -> torch.Tensor:
    """The array that `listed` told of.

    Raises:
        ValueError: the numbers are not of this shape and dtype; the message says why.
    """
    if dtype.is_complex:
        return torch.view_as_complex(array_of(value, dtype.to_real(), [*shape, 2]))
    flat = _flat([value], (1, *shape))
    # every element is looked at, but the kinds of numbers that nearly all are, all at once
    if not set(map(type, flat)) <= _kinds(dtype):
        wrong = next((one for one in flat if not _fits(one, dtype)), None)
        if wrong is not None:
            raise ValueError(f"'{wrong}' is not a number of {word_of(dtype)}")
    try:
        return _array(flat, dtype).reshape(list(shape))
    except (RuntimeError, OverflowError, ValueError) as error:
        raise ValueError(f"its numbers do not fit {word_of(dtype)}: {error}") from error


def _flat(rows: list[Any], shape: Sequence[int]) -> list[Any]:
    """The elements of nested lists, each of the length that the shape says."""
    for dimension in range(1, len(shape)):
        length = shape[dimension]
        for row in rows:
            if not isinstance(row, list) or len(row) != length:
                found = f"a row of {len(row)}" if isinstance(row, list) else f"the number '{row}'"
                raise ValueError(f"{found} stands where its shape {list(shape[1:])} wants a row of {length}")
        rows = [inner for row in rows for inner in row]
    return rows


def _kinds(dtype: torch.dtype) -> set[type]:
    """What Python's numbers of a dtype are."""
    if dtype.is_floating_point:
        return {float, int}
    return {bool} if dtype == torch.bool else {int}


def _fits(element: Any, dtype: torch.dtype) -> bool:
    if type(element) is str and dtype.is_floating_point:
        return element in WORDS or _is_hexadecimal(element, dtype)
    return type(element) in _kinds(dtype)


def _is_hexadecimal(text: str, dtype: torch.dtype) -> bool:
    digits = text[2:]
    return text.startswith("0x") and len(digits) == 2 * dtype.itemsize and not set(digits) - set("0123456789abcdef")


def _array(texts: Sequence[Any], dtype: torch.dtype) -> torch.Tensor:
    """The numbers as an array of one dimension."""
    if not dtype.is_floating_point:
        return torch.tensor(texts, dtype=dtype)
    words = {position: text for position, text in enumerate(texts) if isinstance(text, str)}
    if not words:
        return torch.tensor(texts, dtype=torch.float64).to(dtype)
    numbers = [WORDS.get(text, 0.0) if isinstance(text, str) else text for text in texts]
    array = torch.tensor(numbers, dtype=torch.float64).to(dtype)
    for position, text in words.items():
        if text.startswith("0x"):
            raw = int(text, 16).to_bytes(dtype.itemsize, sys.byteorder)
            bits(array[position : position + 1])[0] = torch.tensor(list(raw), dtype=torch.uint8)
    return array
