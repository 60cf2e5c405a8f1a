"""Saving a result and reading it back, against `safetensors` doing so with the same tensors."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file

from benchmarks.figures import WALL, Effort, Figure, Side, ratio
from tensorflow_free import Result, load_recipe, read_result, run_recipe

TENSORS: Final = 16
ELEMENTS: Final = 16 * 2**20
"""Numbers of a tensor: 64 MiB in float32, 1 GiB in all."""

PAIRS: Final = 15


def save_and_read(effort: Effort) -> Figure:
    """1 GiB of results."""
    result = _result(effort.size_of(ELEMENTS))
    with tempfile.TemporaryDirectory() as folder:
        return ratio(_ours(result, Path(folder)), _theirs(result, Path(folder)), effort.pairs_of(PAIRS))


def _result(elements: int) -> Result:
    tensors = {f"x{index}": {"init": "randn", "size": [elements]} for index in range(TENSORS)}
    return run_recipe(load_recipe({"tensors": tensors, "steps": {"y": {"op": "sum", "args": ["x0"]}}}))


def _ours(result: Result, folder: Path) -> Side:
    def act(path: Path) -> None:
        read = read_result(result.save(path))
        _look_at(read[name] for name in read)

    return Side(act, lambda: _emptied(folder), WALL)


def _theirs(result: Result, folder: Path) -> Side:
    tensors = {name: result[name] for name in result}

    def act(path: Path) -> None:
        save_file(tensors, path / "tensors.safetensors")
        _look_at(load_file(path / "tensors.safetensors").values())

    return Side(act, lambda: _emptied(folder), WALL)


def _look_at(tensors: Iterable[torch.Tensor]) -> None:
    """Look at every number once: a file is mapped, and read only when somebody looks."""
    for tensor in tensors:
        tensor.sum()


def _emptied(folder: Path) -> Path:
    """The folder without what the run before left, when the disk has nothing more to do."""
    for file in folder.iterdir():
        file.unlink()
    os.sync()
    return folder
