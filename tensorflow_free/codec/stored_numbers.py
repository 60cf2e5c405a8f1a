"""The numbers of a safetensors file, read with NumPy: exact, in chunks, whatever their dtype. Does not import torch.

It reads what is whole and plain, and leaves the rest to safetensors and torch, which say what is wrong with it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorflow_free.files.opening import open_file, unchanged

CHUNK: Final = 2**22
"""Elements that are read at once."""

LONGEST_HEADER: Final = 100_000_000
"""Bytes of a file's table. Source: MAX_HEADER_SIZE of safetensors."""


class NotPlainError(Exception):
    """What is left to torch: a kind of value that is not read here, or a file that is not whole."""


ExactNumbers = NDArray[Any]
"""ExactNumbers in a dtype of NumPy's that holds them exactly."""


class SmallFloat(NamedTuple):
    """A floating dtype of eight bits: how many are the exponent's, its bias, and which patterns are no numbers."""

    exponent: int
    bias: int
    nan: frozenset[int]
    infinite: frozenset[int] = frozenset()
    signed: bool = True


def _patterns(*starts: int, count: int = 1) -> frozenset[int]:
    return frozenset(start + one for start in starts for one in range(count))


SMALL_FLOATS: Final = {
    "F8_E4M3": SmallFloat(4, 7, _patterns(0x7F, 0xFF)),
    "F8_E5M2": SmallFloat(5, 15, _patterns(0x7D, 0xFD, count=3), _patterns(0x7C, 0xFC)),
    "F8_E4M3FNUZ": SmallFloat(4, 8, _patterns(0x80)),
    "F8_E5M2FNUZ": SmallFloat(5, 16, _patterns(0x80)),
    "F8_E8M0": SmallFloat(8, 127, _patterns(0xFF), signed=False),
}
"""Source: the OCP 8-bit Floating Point Specification, and of the last the OCP Microscaling Formats Specification."""


@cache
def _table_of(word: str) -> ExactNumbers:
    """The number of each of the 256 patterns."""
    return np.array([_number(SMALL_FLOATS[word], pattern) for pattern in range(256)], np.float64)


def _number(kind: SmallFloat, pattern: int) -> float:
    sign = -1.0 if kind.signed and pattern & 0x80 else 1.0
    if pattern in kind.nan:
        return math.nan
    if pattern in kind.infinite:
        return sign * math.inf
    bits = 8 - kind.exponent - kind.signed
    exponent, fraction = pattern >> bits & (1 << kind.exponent) - 1, pattern & (1 << bits) - 1
    if not kind.signed:
        # a power of two, without a fraction and without subnormal numbers
        return math.ldexp(1.0, exponent - kind.bias)
    leading = 1.0 if exponent else 0.0
    return sign * math.ldexp(leading + fraction / (1 << bits), max(exponent, 1) - kind.bias)


def _bfloat16(raw: ExactNumbers) -> ExactNumbers:
    return (raw.astype(np.uint32) << 16).view(np.float32)


_PLAIN: Final = dict(
    pair.split(":")
    for pair in "F64:<f8 F32:<f4 F16:<f2 C64:<c8 I64:<i8 I32:<i4 I16:<i2 I8:i1 U64:<u8 U32:<u4 U16:<u2 U8:u1".split()
)

_READ: Final[Mapping[str, tuple[str, Callable[[ExactNumbers], ExactNumbers]]]] = {
    **{word: (raw, lambda numbers: numbers) for word, raw in _PLAIN.items()},
    "BOOL": ("u1", lambda raw: raw != 0),
    "BF16": ("<u2", _bfloat16),
    **{word: ("u1", lambda raw, word=word: _table_of(word)[raw]) for word in SMALL_FLOATS},  # type: ignore[misc]
}
"""What NumPy reads of each dtype of safetensors', and how numbers are made of it."""


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array of a file that is open.

    Attributes:
        dtype: its dtype, in safetensors' words: `F32`, `BF16`.
        shape: its shape.
    """

    dtype: str
    shape: tuple[int, ...]
    _file: BufferedReader
    _begin: int

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def chunks(self) -> Iterator[ExactNumbers]:
        """Its numbers in their order, in one dimension, some at a time.

        Raises:
            NotPlainError: the file has been cut off.
        """
        kind, made = _READ[self.dtype]
        width = np.dtype(kind).itemsize
        self._file.seek(self._begin)
        for begin in range(0, self.size, CHUNK):
            wanted = min(CHUNK, self.size - begin) * width
            raw = self._file.read(wanted)
            if len(raw) != wanted:
                raise NotPlainError
            yield made(np.frombuffer(raw, kind))


@contextmanager
def stored_arrays(path: Path) -> Iterator[Mapping[str, StoredArray]]:
    """The arrays of a safetensors file, open for reading.

    Raises:
        NotPlainError: it cannot be read, or is not whole.
    """
    try:
        with open_file(path, within=path.parent) as file, unchanged(file):
            yield _arrays(file)
    except (OSError, ValueError, RecursionError) as error:
        raise NotPlainError from error


def _arrays(file: BufferedReader) -> dict[str, StoredArray]:
    """What the table of a file says, if the arrays lie one behind another and fill it."""
    (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
    if length > LONGEST_HEADER:
        raise NotPlainError
    head = json.loads(file.read(length))
    size = file.seek(0, 2) - 8 - length
    if not isinstance(head, dict):
        raise NotPlainError
    head.pop("__metadata__", None)
    end = 0
    found = {}
    for name, one in sorted(head.items(), key=lambda item: _offsets(item[1])):
        found[name] = StoredArray(one["dtype"], tuple(one["shape"]), file, 8 + length + end)
        begin, behind = _offsets(one)
        if begin != end or behind - begin != _bytes(found[name]):
            raise NotPlainError
        end = behind
    if end != size:
        raise NotPlainError
    return found


def _offsets(one: Any) -> tuple[int, int]:
    match one:
        case {"data_offsets": [int(begin), int(end)], "dtype": str(), "shape": list(shape), **more} if not more:
            if all(type(length) is int and length >= 0 for length in shape):
                return begin, end
    raise NotPlainError


def _bytes(array: StoredArray) -> int:
    if array.dtype not in _READ:
        raise NotPlainError
    return array.size * np.dtype(_READ[array.dtype][0]).itemsize
