"""Files that a recipe reads its tensors from: found inside its folder tree only, and read without running anything."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from tensorflow_free.names import did_you_mean
from tensorflow_free.recipe import shown

NUMPY_SUFFIXES: Final = (".npy", ".npz")
SUFFIXES: Final = (*NUMPY_SUFFIXES, ".safetensors", ".pt")


class FileProblem(Exception):
    """A file that cannot be read as a recipe asks; `key` is the key of the tensor that is wrong."""

    def __init__(self, message: str, key: str = "path") -> None:
        super().__init__(message)
        self.message = message
        self.key = key


def inside(folder: Path | None, written: str) -> Path:
    """The file that `written` names below `folder`, links followed.

    Raises:
        FileProblem: it is not there, or lies outside.
    """
    if folder is None:
        raise FileProblem(
            f"'{written}' is a file, and a recipe given as a mapping has no folder; give the tensor as `data`"
        )
    if not written or "\0" in written:
        raise FileProblem(f"{written!r} is not a path")
    root = folder.resolve()
    if Path(written).is_absolute():
        raise FileProblem(f"'{written}' is an absolute path; a recipe reads files by paths relative to its own folder")
    try:
        found = (root / written).resolve()
        outside = not found.is_relative_to(root)
        missing = not outside and not found.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise FileProblem(f"'{shown(written)}' cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if outside:
        raise FileProblem(
            f"'{written}' lies outside the recipe's folder; a recipe reads only files below its own folder"
        )
    if found.is_dir():
        raise FileProblem(f"'{written}' is a folder; name a file in it")
    if missing:
        near = did_you_mean(found.name, [path.name for path in found.parent.iterdir()]) if found.parent.is_dir() else ""
        raise FileProblem(f"'{written}' is not a file below the recipe's folder{near}")
    return found


def read_tensor(path: Path, key: str | None, suffixes: Sequence[str]) -> torch.Tensor:
    """The tensor in a file, with the file's own dtype and strides.

    Raises:
        FileProblem: the file is of another kind, is broken, or holds something that is not a tensor.
    """
    if path.suffix not in suffixes:
        raise FileProblem(f"'{path.name}' is not a file of a kind that is read; those end in {', '.join(suffixes)}")
    try:
        if path.suffix in NUMPY_SUFFIXES:
            return _read_numpy(path, key)
        if path.suffix == ".safetensors":
            return _read_safetensors(path, key)
        return _load(path, key)
    except FileProblem:
        raise
    except Exception as error:  # readers raise what they like on broken files; each is the file's fault
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "pickle" in str(error).lower() or "weights" in str(error).lower() or "Object arrays" in str(error):
            words = "it holds pickled Python objects, which could run code; save plain numbers instead"
        elif path.suffix == ".pt" and not zipfile.is_zipfile(path):
            words = "it is no file that torch.save wrote"
        raise FileProblem(f"'{path.name}' cannot be read: {words}") from error


def _load(path: Path, key: str | None) -> torch.Tensor:
    with warnings.catch_warnings():
        # torch warns of what it, or binding, then refuses
        warnings.simplefilter("ignore")
        return _choose(torch.load(path, map_location="cpu", weights_only=True), key, path)


def _read_numpy(path: Path, key: str | None) -> torch.Tensor:
    if path.suffix == ".npy":
        if key is not None:
            raise FileProblem(f"'{key}' names an array of an .npz; '{path.name}' holds one array without a name", "key")
        if not _begins_with(path, np.lib.format.MAGIC_PREFIX):
            # NumPy would take it for a pickle
            raise FileProblem(f"'{path.name}' is not an .npy file")
        array = np.load(path, allow_pickle=False)
    else:
        if not zipfile.is_zipfile(path):
            raise FileProblem(f"'{path.name}' is not an .npz file")
        with np.load(path, allow_pickle=False) as arrays:
            array = arrays[_one(list(arrays.files), key, path)]
    if array.dtype.byteorder not in "=|" and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    try:
        return torch.from_numpy(np.require(array, requirements=["W"]))
    except TypeError as error:
        message = f"'{path.name}' holds elements of NumPy's type {array.dtype}, and torch has no such dtype"
        raise FileProblem(message) from error


def _begins_with(path: Path, prefix: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(prefix)) == prefix


def _read_safetensors(path: Path, key: str | None) -> torch.Tensor:
    try:
        with safe_open(str(path), framework="pt") as stored:
            tensor: torch.Tensor = stored.get_tensor(_one(list(stored.keys()), key, path))
            return tensor
    except SafetensorError as error:
        raise FileProblem(f"'{path.name}' cannot be read: {error}") from error


def _choose(stored: Any, key: str | None, path: Path) -> torch.Tensor:
    if isinstance(stored, dict):
        stored = stored[_one([str(name) for name in stored], key, path)]
    elif key is not None:
        raise FileProblem(f"'{key}' names a tensor of several; '{path.name}' holds one without a name", "key")
    if not isinstance(stored, torch.Tensor):
        raise FileProblem(f"'{path.name}' holds an object of type '{type(stored).__name__}', not a tensor")
    return stored.detach()


def _one(names: list[str], key: str | None, path: Path) -> str:
    """The name to read: the key, or the only one there is."""
    if key is None and len(names) == 1:
        return names[0]
    if key is None:
        raise FileProblem(f"'{path.name}' holds {', '.join(names[:12]) or 'nothing'}; name one of them as `key`")
    if key not in names:
        raise FileProblem(
            f"'{key}' is not in '{path.name}'{did_you_mean(key, names) or '; it holds ' + ', '.join(names[:12])}", "key"
        )
    return key
