"""Saving a result and reading it back, against `safetensors` and `json`; what a sweep's tiny cells take on the disk."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file

from benchmarks.figures import WALL, Effort, Figure, Side, figure, ratio
from benchmarks.sweeps import chain_recipe
from tensorflow_free import Result, load_recipe, read_result, run_recipe
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.csv_file import write_csv
from tensorflow_free.sweep.folder import TABLE, SweepFolder
from tensorflow_free.sweep.trial import Trial

TENSORS: Final = 16
ELEMENTS: Final = 16 * 2**20
"""Numbers of a tensor: 64 MiB in float32, 1 GiB in all."""

PAIRS: Final = 15

VALUES: Final = 10_000
"""Numbers of a result of many small values."""
SMALL_PAIRS: Final = 30

CELLS: Final = 200
"""Tiny cells that are kept."""


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


def small_saved(effort: Effort) -> Figure:
    """Ten thousand 0-d values saved, against their tensors by `safetensors` and the same `result.json` by `json`."""
    result = _chain(effort.size_of(VALUES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        document = json.loads((result.save(folder / "before") / "result.json").read_text(encoding="utf-8"))
        tensors = {name: result[name] for name in result}

        def theirs(_: None) -> None:
            save_file(tensors, folder / "tensors.safetensors")
            (folder / "result.json").write_text(json.dumps(document), encoding="utf-8")

        ours = Side(lambda _: result.save(folder / "kept"))
        return ratio(ours, Side(theirs), effort.pairs_of(SMALL_PAIRS))


def small_read(effort: Effort) -> Figure:
    """The same read back, its recipe too."""
    with tempfile.TemporaryDirectory() as name:
        folder = _chain(effort.size_of(VALUES)).save(name)

        def theirs(_: None) -> object:
            return load_file(folder / "tensors.safetensors"), json.loads((folder / "result.json").read_bytes())

        return ratio(Side(lambda _: read_result(folder)), Side(theirs), effort.pairs_of(SMALL_PAIRS))


def _chain(values: int) -> Result:
    steps = {f"y{index}": {"op": "mul", "args": [f"y{index - 1}" if index else "x", 1.0001]} for index in range(values)}
    return run_recipe(load_recipe({"tensors": {"x": 1.0}, "steps": steps}))


def cell_files(effort: Effort) -> Figure:
    """Files of tiny cells that a sweep keeps, their rows and their archive among them, against four a cell."""
    cells = effort.size_of(CELLS, 20)
    files, _ = _kept(cells)
    return figure([len(files) / (4 * cells)], "ratio")


def cell_bytes(effort: Effort) -> Figure:
    """What these take on the disk, against the bytes of their values."""
    files, values = _kept(effort.size_of(CELLS, 20))
    return figure([sum(files) / values], "ratio")


def _kept(cells: int) -> tuple[list[int], int]:
    """Tiny cells run, judged and kept by one worker: bytes on the disk of each file, and of all their values."""
    with tempfile.TemporaryDirectory() as name:
        home, recipe = Path(name, "swept"), Path(name, "tiny.yaml")
        mapping = chain_recipe(backward={"target": "s9", "gradient": "w"})
        recipe.write_text(dump_yaml(mapping), encoding="utf-8")
        folder, trial = SweepFolder(home), Trial(home)
        for number in range(cells):
            seed = as_override(f"seed={number}")
            folder.append(trial.row(Cell(number, str(recipe), (seed,), {"seed": str(number)}, str(number))))
        folder.close()
        write_csv(folder.rows(), home / TABLE)
        one = read_result(home / "0")
        values = cells * sum(one[name].nbytes for name in one)
        return [path.stat().st_blocks * 512 for path in home.rglob("*") if path.is_file()], values
