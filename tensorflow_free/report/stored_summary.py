"""The values of a run's folder in the words that `value_summary` has for tensors, by NumPy. Does not import torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from tensorflow_free.codec.stored_numbers import ExactNumbers, NotPlainError, StoredArray
from tensorflow_free.report.value_words import FEW, NO_VALUES, Range, numbers_words, truth_words
from tensorflow_free.result.model import Entry
from tensorflow_free.result.stored_run import PAIRED, STORED
from tensorflow_free.text.phrases import shown

_WORDS: Final = {word: float(word) for word in ("nan", "-nan", "inf", "-inf")}
"""ExactNumbers that JSON has none for."""


_DEVICE: Final = re.compile(r"(cpu|cuda|mps|xpu|meta)(:(0|[1-9]\d?))?")
"""Devices that every torch knows."""

_MADE_AGAIN: Final = frozenset(
    "none boolean text number size device dtype layout memory_format tuple list tensor".split()
)
"""The types of values that are made again when they are read. Source: `_BY_KIND` of codec/values.py."""


def type_and_words(entry: Entry) -> tuple[str, str]:
    """The type of a value that is no tensor, and the value in a few words.

    Raises:
        NotPlainError: only torch tells whether it is what it should be, as of a list.
    """
    value = entry.value
    match entry.type:
        case "none" if value is None:
            return "", "none"
        case "boolean" if isinstance(value, bool):
            return "bool", shown(value)
        case "text" if isinstance(value, str):
            return "str", shown(value)
        case "number":
            return _number_and_type(value)
        case "size" if isinstance(value, list) and all(type(one) is int for one in value):
            return "Size", shown(f"[{', '.join(map(str, value))}]")
        case "device" if isinstance(value, str) and _DEVICE.fullmatch(value):
            return "device", value
        case "dtype" if isinstance(value, str) and value in STORED.keys() | PAIRED.keys():
            return "dtype", value
        case kind if kind not in _MADE_AGAIN:
            # only its type is known, as of a node of autograd's graph
            return "Opaque", shown(kind)
    raise NotPlainError


def _number_and_type(value: Any) -> tuple[str, str]:
    if type(value) is int:
        return "int", shown(str(value))
    if isinstance(value, list) and len(value) == 2:  # noqa: PLR2004 - the real and the imaginary part
        return "complex", f"{complex(*map(_real, value)):.6g}"
    return "float", f"{_real(value):.6g}"


def _real(value: Any) -> float:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if type(value) not in (int, float):
        raise NotPlainError
    return float(value)


def array_words(array: StoredArray | None, dtype: str) -> str:
    """A tensor in a few words: the numbers where they are few, else their range.

    Args:
        array: what holds it; None where nothing does.
        dtype: the tensor's.

    Raises:
        NotPlainError: the file has been cut off, or what torch says of them hangs on the order in which it looks.
    """
    if array is None:
        return NO_VALUES
    shape = array.shape[:-1] if dtype in PAIRED else array.shape
    count = math.prod(shape)
    chunks = (_whole(chunk, dtype) for chunk in array.chunks())
    if count <= FEW:
        numbers = [number for chunk in chunks for number in chunk.tolist()]
        return numbers_words(_nested(iter(numbers), shape))
    if dtype == "bool":
        return truth_words(sum(int(np.count_nonzero(chunk)) for chunk in chunks), count)
    return _range_of(chunks, dtype).words()


def _nested(numbers: Iterator[Any], shape: tuple[int, ...]) -> Any:
    return [_nested(numbers, shape[1:]) for _ in range(shape[0])] if shape else next(numbers)


def _whole(chunk: ExactNumbers, dtype: str) -> ExactNumbers:
    """ExactNumbers, of which pairs are complex."""
    if dtype not in PAIRED:
        return chunk
    return chunk.view(np.complex128) if dtype == "complex128" else chunk.astype(np.float32).view(np.complex64)


def _range_of(chunks: Iterable[ExactNumbers], dtype: str) -> Range:
    """How far numbers reach.

    Raises:
        NotPlainError: zeros of both signs are the least or the greatest; which of them is, torch tells by their order.
    """
    found, signs = None, set[bool]()
    for chunk in chunks:
        one = _range(chunk, dtype)
        found = one if found is None else found + one
        if chunk.dtype.kind == "f":
            signs.update(np.unique(np.signbit(chunk[chunk == 0])).tolist())
    if found is None or (len(signs) > 1 and 0 in (found.least, found.greatest)):
        raise NotPlainError
    return found


def _range(chunk: ExactNumbers, dtype: str) -> Range:
    is_complex = chunk.dtype.kind == "c"
    sizes = _sizes(chunk, dtype) if is_complex else chunk
    if chunk.dtype.kind in "iu":
        # torch has no order of uint64
        whole = chunk.astype(np.float64) if chunk.dtype == np.uint64 else chunk
        return Range(whole.min().item(), whole.max().item())
    finite = sizes[np.isfinite(sizes)]
    least, greatest = (finite.min().item(), finite.max().item()) if finite.size else (None, None)
    below = 0 if is_complex else int(np.count_nonzero(chunk == -math.inf))
    nan, inf = (int(np.count_nonzero(test(chunk))) for test in (np.isnan, np.isinf))
    return Range(least, greatest, nan, inf, below, is_complex)


def _sizes(chunk: ExactNumbers, dtype: str) -> ExactNumbers:
    """The distance of complex numbers from zero, rounded once as torch's is; `numpy.abs` rounds several times."""
    with np.errstate(all="ignore"):
        exact = np.hypot(chunk.real.astype(np.longdouble), chunk.imag.astype(np.longdouble))
        return exact.astype(np.float16 if dtype == "complex32" else chunk.real.dtype)
