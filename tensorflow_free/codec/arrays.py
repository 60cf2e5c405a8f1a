"""Safetensors files of plain arrays, each by its name: read and written. Knows nothing of what they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save, save_file

from tensorflow_free.errors import StorageError, reason_of
from tensorflow_free.files.opening import open_file, path_of

_UNREADABLE: Final = (OSError, SafetensorError, RuntimeError)
"""What safetensors raises; torch's own, where the file is replaced between two of its looks at it."""

_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
"""How safetensors tells an error of the system's."""


class Arrays:
    """A safetensors file, open for reading one array at a time; empty where there is no such file.

    Attributes:
        path: the file.
        names: the names of its arrays.
        metadata: the words that stand in it beside them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: frozenset[str] = frozenset()
        self.metadata: dict[str, str] = {}
        self._file: Any = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if not self.path.exists():
            return self
        try:
            opened = self._open.enter_context(open_file(self.path, within=self.path.parent))
            path = self._open.enter_context(path_of(opened))
            self._file = self._open.enter_context(safe_open(path, framework="pt"))
            self.names = frozenset(self._file.keys())
            self.metadata = self._file.metadata() or {}
        except _UNREADABLE as error:
            self._open.close()
            raise _unreadable(self.path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def read(self, name: str) -> torch.Tensor:
        """The array of a name.

        Raises:
            StorageError: there is none, or it cannot be read.
        """
        if name not in self.names:
            raise StorageError(f"{self.path}: '{name}' is missing")
        try:
            array: torch.Tensor = self._file.get_tensor(name)
        except _UNREADABLE as error:
            raise _unreadable(self.path, error) from error
        return array


def read_arrays(path: Path) -> dict[str, torch.Tensor]:
    """All arrays of a safetensors file, in the memory that it is mapped to.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with open_file(path, within=path.parent) as file, path_of(file) as place:
            return load_file(place)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> StorageError:
    return StorageError(f"{path}: cannot be read: {reason_of(error)}")


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
