"""A recipe for each feature of the format's page: its own examples, and those of `features/`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file

from tensorflow_free.loading import cases_of
from tests import test_format_page as page
from tests.wolf.cells import DTYPES, Cell

HERE: Final = Path(__file__).with_name("features")


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th feature."""
    folder = Path(tempfile.mkdtemp(prefix="innocents-"))
    try:
        found = [*_files(), *_examples(folder)]
        for name, path, words in found[::every]:
            fixed = any(one.startswith("dtype=") for one in words)
            for dtype in dtypes[:1] if fixed else dtypes:
                yield Cell(part, name, dtype, path, (*words, *overrides))
    finally:
        shutil.rmtree(folder)


def own_cells(part: str, dtype: str) -> Iterator[Cell]:
    """Those of `features/` in one dtype."""
    for name, path, words in _files():
        yield Cell(part, name, dtype, path, words)


def _files() -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    for path in sorted(HERE.glob("*.yaml")):
        for case in cases_of(path):
            yield f"{path.stem} {case}", path, (f"case={case}",)


def _examples(folder: Path) -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    """The examples of the page, each in a file of its own."""
    for name in ("matrix.npy", "pair.npz"):
        shutil.copy(page.ROOT / "recipes" / "basics" / name, folder)
    weights = {"w": torch.tensor([1.0, 2.0])}
    save_file(weights, folder / "weights.safetensors")
    torch.save(weights, folder / "weights.pt")
    for block in page.EXAMPLES:
        if block.file != "try.yaml":
            (folder / block.file).write_text(block.text, encoding="utf-8")
    for block in page.EXAMPLES:
        path = folder / f"line_{block.line}.yaml"
        path.write_text(block.text, encoding="utf-8")
        yield f"line {block.line}", path, block.words
