"""Safetensors files of plain arrays by name, read and written. Does not know what the arrays mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save, save_file

from tensorflow_free.errors import StorageError, reason_of
from tensorflow_free.files.opening import open_file, path_of

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
    """All arrays of a safetensors file, in the memory that it is mapped to.

    Raises:
        StorageError: it cannot be read.
    """
    with _opened(path) as file:
        arrays: dict[str, torch.Tensor] = file.get_tensors()
        return arrays


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with open_file(path, within=path.parent) as file, path_of(file) as place, safe_open(place, "pt") as arrays:
            yield arrays
    except (OSError, SafetensorError, RuntimeError, MemoryError) as error:
        # RuntimeError is torch's, where the file is replaced between two of safetensors' looks at it; there may be no
        # memory to map it to
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error


def write_arrays(arrays: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a safetensors file; an array is copied only where another one lies in its memory.

    Raises:
        OSError: the file cannot be written.
        SafetensorError: safetensors refuses an array.
    """
    try:
        save_file(_apart(arrays), path)
    except SafetensorError as error:
        if (found := _OS_ERROR.search(str(error))) is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error


def bytes_of(arrays: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """What a safetensors file holds; the same arrays give the same bytes, in whatever order they come."""
    # safetensors' own way to a file goes by another one beside it, which would stay behind where it is killed
    content: bytes = save(_apart(arrays), metadata=metadata)
    return content


def _apart(arrays: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The arrays, no two in the same memory, which safetensors refuses; the first in a memory stays in it."""
    seen: set[int] = set()
    apart: dict[str, torch.Tensor] = {}
    for name, array in arrays.items():
        memory = array.untyped_storage().data_ptr()
        apart[name] = array.clone() if memory in seen and array.numel() else array
        seen.add(memory)
    return apart
