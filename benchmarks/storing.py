"""Saving a result and reading it back, against `safetensors` doing so with the same tensors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

from safetensors.torch import load_file, save_file

from benchmarks.figures import Effort, Figure, Side, ratio
from tensorflow_free import Result, load_recipe, read_result, run_recipe

TENSORS: Final = 16
ELEMENTS: Final = 16 * 2**20
"""Numbers of a tensor: 64 MiB in float32, 1 GiB in all."""

PAIRS: Final = 7


def save_and_read(effort: Effort) -> Figure:
    """1 GiB of results."""
    result = _result(effort.size_of(ELEMENTS))
    with tempfile.TemporaryDirectory() as folder:
        return ratio(_ours(result, Path(folder)), _theirs(result, Path(folder)), effort.pairs_of(PAIRS))


def _result(elements: int) -> Result:
    tensors = {f"x{index}": {"init": "randn", "size": [elements]} for index in range(TENSORS)}
    return run_recipe(load_recipe({"tensors": tensors, "steps": {"y": {"op": "sum", "args": ["x0"]}}}))


def _ours(result: Result, folder: Path) -> Side:
    return Side(lambda path: read_result(result.save(path)), _fresh(folder, "ours"))


def _theirs(result: Result, folder: Path) -> Side:
    tensors = {name: result[name] for name in result}

    def act(path: Path) -> object:
        save_file(tensors, path)
        return load_file(path)

    return Side(act, _fresh(folder, "theirs"))


def _fresh(folder: Path, name: str) -> Callable[[], Path]:
    """Gives a path that is not there yet, and takes away what the run before wrote."""
    numbers = count()

    def prepare() -> Path:
        number = next(numbers)
        _remove(folder / f"{name}_{number - 1}")
        return folder / f"{name}_{number}"

    return prepare


def _remove(path: Path) -> None:
    if path.is_dir():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
