"""The safetensors file of a golden: which arrays it holds, and each by its name. Knows nothing of what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import open_file, path_of

UNFINISHED: Final = {"unfinished": "a recording"}
"""What stands in the file while it holds more than its golden names: a recording is under way, or was broken off."""

_UNREADABLE: Final = (OSError, SafetensorError, RuntimeError)
"""What safetensors raises; torch's own, where the file is replaced between two of its looks at it."""


class Arrays:
    """A golden's safetensors file, open for reading; empty where there is no such file.

    Attributes:
        path: the file.
        names: the names of its arrays.
        unfinished: whether it was left in the middle of a recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: frozenset[str] = frozenset()
        self.unfinished = False
        self._file: Any = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        # most goldens have no such file
        if not self.path.exists():
            return self
        try:
            opened = self._open.enter_context(open_file(self.path, within=self.path.parent))
            path = self._open.enter_context(path_of(opened))
            self._file = self._open.enter_context(safe_open(path, framework="pt"))
            self.names = frozenset(self._file.keys())
            self.unfinished = (self._file.metadata() or {}) == UNFINISHED
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
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
            raise self._unreadable(error) from error
        return array

    def _unreadable(self, error: Exception) -> StorageError:
        words = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        return StorageError(f"{self.path}: the arrays of the golden cannot be read: {words}")


def bytes_of(arrays: Mapping[str, torch.Tensor], *, unfinished: bool = False) -> bytes:
    """What the file of these arrays holds; the same ones give the same bytes, in whatever order they come."""
    # safetensors' own way to a file goes by another one beside it, which would stay behind where it is killed
    content: bytes = save(_apart(arrays), metadata=UNFINISHED if unfinished else None)
    return content


def _apart(arrays: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The arrays, no two in the same memory, which safetensors refuses."""
    seen: set[int] = set()
    apart: dict[str, torch.Tensor] = {}
    for name, array in arrays.items():
        memory = array.untyped_storage().data_ptr()
        apart[name] = array.clone() if memory in seen else array
        seen.add(memory)
    return apart
