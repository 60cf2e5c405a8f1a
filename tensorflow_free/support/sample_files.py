"""A recipe that holds tensors, written to a file: few numbers in it, many in files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.result.inputs import ending_of, write_tensor
from tensorflow_free.result.model import INPUTS
from tensorflow_free.tensors.dtypes import word_of

MOST_INLINE: Final = 32
"""Elements of a tensor whose numbers stand in the recipe itself."""

_PLAIN: Final = frozenset(
    {"float64", "float32", "bfloat16", "float16", "bool", "int8", "int16", "int32", "int64", "uint8"}
)
"""The dtypes whose numbers YAML has, each exactly."""


def write_recipe(mapping: Mapping[str, Any], path: Path, about: str = "") -> None:
    """Write a recipe, and what it starts from to `inputs/` beside it.

    Args:
        mapping: the recipe, whose tensors may hold torch tensors as `data`.
        path: its file, whose stem begins the names of the files of tensors.
        about: its description.

    Raises:
        OSError: it cannot be written.
    """
    tensors = {name: _written(spec, name, path) for name, spec in mapping["tensors"].items()}
    said = {"description": about} if about else {}
    path.write_text(dump_yaml({**said, **mapping, "tensors": tensors}), encoding="utf-8")


def remove_recipe(path: Path) -> None:
    """Take a recipe away that `write_recipe` wrote, with all of its tensors."""
    path.unlink(missing_ok=True)
    for file in (path.parent / INPUTS).glob(f"{path.stem}.*"):
        file.unlink()


def _written(spec: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    data = spec["data"]
    rest = {key: value for key, value in spec.items() if key != "data"}
    if _stands_inline(data):
        pinned = {} if data.dtype.is_floating_point else {"dtype": word_of(data.dtype)}
        if data.numel():
            return {"data": data.tolist(), **pinned, **rest}
        return {"init": "zeros", "size": list(data.shape), **pinned, **rest}
    folder = path.parent / INPUTS
    folder.mkdir(exist_ok=True)
    file = f"{path.stem}.{name}{ending_of(data)}"
    write_tensor(data, name, folder / file)
    return {"init": "load", "path": f"{INPUTS}/{file}", **rest}


def _stands_inline(data: torch.Tensor) -> bool:
    """Whether a tensor is nothing but some numbers that YAML has."""
    if data.numel() > MOST_INLINE or ending_of(data) != ".safetensors" or word_of(data.dtype) not in _PLAIN:
        return False
    return not data.dtype.is_floating_point or bool(data.isfinite().all())
