"""Safetensors files of plain arrays by name, read and written. Does not know what the arrays mean."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, TensorSpec, deserialize, safe_open, serialize, serialize_file

from tensorflow_free.errors import StorageError, reason_of
from tensorflow_free.files.opening import open_file, path_of
from tensorflow_free.tensors.dtypes import word_of

DTYPES: Final = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "C64": torch.complex64,
    "BOOL": torch.bool,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}
"""Dtypes that safetensors holds as they are, by its words for them. Source: its own table, version 0.8."""

SMALL: Final = 2**24
"""Bytes of a file up to which it is read at once: to map it takes longer for each array."""

_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
"""How safetensors tells an error of the system's."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of a safetensors file that is open, each read when it is asked for.

    Attributes:
        names: their names.
        metadata: the words that stand in the file beside them.
        read: gives the array of a name.
    """

    names: frozenset[str]
    metadata: Mapping[str, str]
    read: Callable[[str], torch.Tensor]


NO_ARRAYS: Final = Arrays(frozenset(), {}, dict[str, torch.Tensor]().__getitem__)


@contextmanager
def open_arrays(path: Path) -> Iterator[Arrays]:
    """A safetensors file, open for reading.

    Raises:
        StorageError: it cannot be read.
    """
    with _opened(path) as file:
        yield Arrays(frozenset(file.keys()), file.metadata() or {}, file.get_tensor)


def read_arrays(path: Path) -> dict[str, torch.Tensor]:
    """All arrays of a safetensors file; those of a large one in the memory that it is mapped to.

    Raises:
        StorageError: it cannot be read.
    """
    with _told(path), open_file(path, within=path.parent) as file:
        if os.fstat(file.fileno()).st_size <= SMALL:
            found: list[tuple[str, dict[str, Any]]] = deserialize(file.read(SMALL + 1))  # type: ignore[no-untyped-call]
            return {name: _array(one) for name, one in found}
        with path_of(file) as place, safe_open(place, "pt") as opened:
            mapped: dict[str, torch.Tensor] = opened.get_tensors()
            return mapped


def _array(read: Mapping[str, Any]) -> torch.Tensor:
    """An array that safetensors has read, in the memory that it was read to.

    Raises:
        SafetensorError: this project keeps no arrays of its dtype.
    """
    dtype = DTYPES.get(read["dtype"])
    if dtype is None:
        raise SafetensorError(f"'{read['dtype']}' is no dtype that is read")
    if not read["data"]:
        return torch.empty(read["shape"], dtype=dtype)
    return _low_first(torch.frombuffer(read["data"], dtype=dtype).reshape(read["shape"]))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with (
        _told(path),
        open_file(path, within=path.parent) as file,
        path_of(file) as place,
        safe_open(place, "pt") as arrays,
    ):
        yield arrays


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """See that what goes wrong with a file is told as such.

    Raises:
        StorageError: something did.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError, MemoryError) as error:
        # RuntimeError is torch's, where the file is replaced between two of safetensors' looks at it; there may be no
        # memory to map it to
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error


def write_arrays(arrays: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a safetensors file; an array is copied only where it is not contiguous, or on no CPU.

    Raises:
        OSError: the file cannot be written.
        SafetensorError: safetensors refuses an array.
    """
    held = _held(arrays)
    try:
        serialize_file(_specs(held), path)
    except SafetensorError as error:
        if (found := _OS_ERROR.search(str(error))) is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error


def bytes_of(arrays: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """What a safetensors file holds; the same arrays give the same bytes, in whatever order they come."""
    # safetensors' own way to a file goes by another one beside it, which would stay behind where it is killed
    held = _held(arrays)
    return bytes(serialize(_specs(held), metadata=metadata))


def _held(arrays: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The arrays as their bytes are to stand in a file; whoever reads these from memory holds on to them meanwhile."""
    return {name: _low_first(array.cpu().contiguous()) for name, array in arrays.items()}


def _low_first(array: torch.Tensor) -> torch.Tensor:
    """A contiguous array with the lowest byte of each number first, as files have it; or back."""
    if sys.byteorder == "little":
        return array
    size = array.itemsize // (2 if array.is_complex() else 1)
    swapped = array.reshape(-1).view(torch.uint8).reshape(-1, size).flip(-1)
    return swapped.reshape(-1).view(array.dtype).reshape(array.shape)


def _specs(arrays: Mapping[str, torch.Tensor]) -> dict[str, TensorSpec]:
    """What safetensors is told of arrays, to take them from memory; its own way takes ten times as long."""
    return {
        name: TensorSpec(
            dtype=word_of(array.dtype), shape=array.shape, data_ptr=array.data_ptr(), data_len=array.nbytes
        )
        for name, array in arrays.items()
    }
