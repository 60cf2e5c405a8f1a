"""Check-in: the cells of a pack as a sweep, whose workers judge by what was packed. Does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tensorflow_free.errors import Place, Problem, RecipeError, StorageError
from tensorflow_free.files.new_folders import PACKED, filled
from tensorflow_free.packs.model import PackedCell, PackFile
from tensorflow_free.packs.zip_files import read_pack, unpack
from tensorflow_free.sweep.axes import axes_of
from tensorflow_free.sweep.cells import RECIPE, Cell
from tensorflow_free.sweep.launch import Settings
from tensorflow_free.sweep.matrix import Matrix, SweptRecipe
from tensorflow_free.sweep.preparation import SweepStart, prepared
from tensorflow_free.sweep.sweep import Sweep

MAIN: Final = "tensorflow_free.packs.check_process:main"
"""What the workers run."""

TAKES: Final = ("device", "backend", "forward", "settings", "judge", "record", "repeats")
"""Keys that a check-in may set: none of them changes what a cell starts from, nor what is right."""


def check_in(pack: Path, overrides: Sequence[str], folder: Path, settings: Settings) -> Sweep:
    """The cells of a pack as a sweep, of which nothing has run yet.

    Args:
        pack: the zip file.
        overrides: where and how they run: of the keys `TAKES`.
        folder: where to write; it must be new or empty.
        settings: how the cells are run.

    Raises:
        RecipeError: with what is wrong with the overrides, the folder, the recipes.
        StorageError: the pack is none, or broken; nothing is left of it.
    """
    axes = axes_of(overrides)
    message = f"it would make other cells than those of the pack; a check-in takes {', '.join(TAKES)}"
    wrong = [Problem(one.place, message) for axis in axes for one in axis.overrides if one.parts[0] not in TAKES]
    if (taken := filled(folder)) is not None:
        wrong.append(Problem(Place(file="flag '--output'"), taken))
    if wrong:
        raise RecipeError(wrong)
    if missing := _missing_ops(read_pack(pack), settings):
        named = ", ".join(f"'{name}'" for name in missing)
        raise RecipeError([Problem(Place(file=str(pack)), f"it needs {named}; name their files with --ops")])
    document = _unpacked(pack, folder)
    cells = document.cells
    recipes = tuple(SweptRecipe(str(folder / PACKED / one.recipe), (), (one.capability,)) for one in cells)
    start = SweepStart(Matrix(recipes, axes), folder)
    sweep = prepared(start, replace(settings, main=MAIN), (str(pack), *overrides))
    each = len(sweep) // len(cells)
    sweep.choose([_told(cell, cells[cell.number // each], len(cells)) for cell in sweep.cells])
    sweep.document.pack = str(pack)
    sweep.document.reference = _reference(document)
    return sweep


def _missing_ops(document: PackFile, settings: Settings) -> list[str]:
    """The ops of the user's own that a pack needs and nothing here has."""
    if not document.ops:
        return []
    from tensorflow_free.registry import find, load_ops_file  # noqa: PLC0415 - it needs torch, as most packs do not here

    for file in settings.ops:
        load_ops_file(Path(file))
    return [name for name in document.ops if find(name) is None]


def _unpacked(pack: Path, folder: Path) -> PackFile:
    """The pack, unpacked into the folder of the results."""
    is_new = not folder.exists()
    try:
        return unpack(pack, folder / PACKED)
    except StorageError:
        if is_new and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise


def _told(cell: Cell, packed: PackedCell, count: int) -> Cell:
    """A cell that tells what its recipe was packed with, and what varied then."""
    axes = dict(packed.axes)
    if count > 1 and not axes:
        axes[RECIPE] = Path(packed.recipe).stem
    ours = {key: value for key, value in cell.axes if key != RECIPE}
    return replace(cell, axes=tuple({**axes, **ours}.items()), packed=tuple(packed.overrides))


def _reference(document: PackFile) -> str:
    """What its cells are compared with, in words."""
    others = list(dict.fromkeys(one.reference for one in document.cells if one.reference))
    said = others[0] if len(others) == 1 and all(one.reference for one in document.cells) else ""
    made = f"the pack's float64 of torch {document.torch}, {document.cpu_capability}"
    return f"{made}, {said}" if said else made
