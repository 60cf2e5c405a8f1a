"""Files that a recipe reads tensors from: only inside its folder tree, and read without running code."""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Final

import torch

from tensorflow_free.files.opening import FileState, is_folder, is_there, open_file, state_of, unchanged
from tensorflow_free.recipe.names import nearest
from tensorflow_free.tensors.archives import FileProblem, read_npy, read_npz, read_pt, read_safetensors, refusal_of
from tensorflow_free.text.phrases import shown

_READERS: Final[dict[str, Callable[[BufferedReader, str | None, str], torch.Tensor]]] = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".safetensors": read_safetensors,
    ".pt": read_pt,
}

SUFFIXES: Final = tuple(_READERS)


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
        missing = not outside and not is_there(found)
    except (OSError, RuntimeError, ValueError) as error:
        raise FileProblem(f"'{shown(written)}' cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if outside:
        raise FileProblem(
            f"'{written}' lies outside the recipe's folder; a recipe reads only files below its own folder"
        )
    if is_folder(found):
        raise FileProblem(f"'{written}' is a folder; name a file in it")
    if missing:
        there = [path.name for path in found.parent.iterdir()] if found.parent.is_dir() else []
        near = nearest(found.name, there)
        meant = f"; did you mean '{Path(written).with_name(near).as_posix()}'?" if near else ""
        raise FileProblem(f"'{written}' is not a file below the recipe's folder{meant}")
    return found


def read_tensor(path: Path, key: str | None) -> tuple[torch.Tensor, FileState]:
    """The tensor in a file, with the file's own dtype and strides; and what tells whether the file is as it was then.

    Args:
        path: the file, as `inside` gives it.
        key: which of several it holds; None for the only one.

    Raises:
        FileProblem: the file is of another kind, is broken or too large, or holds something that is not a tensor.
    """
    name = path.name
    if path.suffix not in _READERS:
        raise FileProblem(f"'{name}' is not a file of a kind that is read; those end in {', '.join(SUFFIXES)}")
    try:
        with open_file(path, within=path.parent) as file, unchanged(file):
            return _READERS[path.suffix](file, key, name), state_of(file)
    except FileProblem:
        raise
    except Exception as error:  # readers raise what they like on broken files; each is the file's fault
        words = (error.strerror if isinstance(error, OSError) else None) or refusal_of(error)
        raise FileProblem(f"'{name}' cannot be read: {words}") from error
