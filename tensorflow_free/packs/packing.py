"""Packing: each cell of some recipes, with the tensors that it starts from and what float64 makes of them here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch

from tensorflow_free.codec.parts import HELD, is_plain
from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.grammar import written
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.composition.override_texts import word_override
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import RecipeError, StorageError, reason_of
from tensorflow_free.golden.cases import StoredCase
from tensorflow_free.golden.given_cases import GivenCase, NotRecorded, WrongCase, bound_case, made_starts
from tensorflow_free.golden.model import BARE, EXACT_DTYPE, Made
from tensorflow_free.golden.recording import CaseRecording, Terms
from tensorflow_free.golden.writing import write_golden
from tensorflow_free.loading import load_recipe, read_form
from tensorflow_free.packs.model import MOST_CELLS, PackedCell, PackFile, is_name
from tensorflow_free.packs.zip_files import packed_files, write_pack
from tensorflow_free.recipe.graph import only_in_one
from tensorflow_free.recipe.keys import INPUTS, USUAL_REFERENCE
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import RECIPE_DTYPES
from tensorflow_free.result.inputs import Inputs
from tensorflow_free.sweep.cells import Cell, Cells
from tensorflow_free.sweep.matrix import Matrix
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.saved_starts import SavedStarts

HERE: Final = ("device", "cpu")
"""Where a pack is made, whatever its recipes say."""


class NotPacked(Exception):
    """A cell that cannot be packed; the message says why."""


@dataclass(frozen=True)
class CellLeftOut:
    """A cell that is in no pack.

    Attributes:
        cell: the cell.
        reason: why.
        is_wrong: whether its recipe or an override is wrong, and no step failed.
    """

    cell: Cell
    reason: str
    is_wrong: bool


def pack(matrix: Matrix, to: Path) -> Iterator[PackedCell | CellLeftOut]:
    """Pack every cell of a matrix into one file, which is written when the last is made; none is without any.

    Args:
        matrix: the recipes and what varies.
        to: the zip file; it takes the place of what was there.

    Yields:
        A cell that was packed, or one that could not be.

    Raises:
        StorageError: the file cannot be written.
    """
    cells = Cells(matrix)
    if len(cells) > MOST_CELLS:
        raise StorageError(f"{to}: {len(cells):,} cells are too many for a pack; it holds at most {MOST_CELLS:,}")
    packed: list[PackedCell] = []
    made: Made | None = None
    ops: dict[str, None] = {}
    with TemporaryDirectory(prefix="tensorflow_free-") as name:
        folder = Path(name)
        for cell in cells:
            try:
                found = _Packing(cell, folder, len(packed))
                packed.append(found.write())
            except (NotPacked, NotRecorded, RecipeError) as error:
                shutil.rmtree(folder / str(len(packed)), ignore_errors=True)
                yield CellLeftOut(cell, str(error), isinstance(error, WrongCase | RecipeError))
                continue
            made = made or found.stored.made
            ops |= dict.fromkeys(found.ops)
            yield packed[-1]
        if made is not None:
            _write(folder, packed, made, list(ops), to)


def _write(folder: Path, cells: Sequence[PackedCell], made: Made, ops: Sequence[str], to: Path) -> None:
    document = PackFile(
        tensorflow_free=made.tensorflow_free,
        torch=made.torch,
        cpu_capability=made.capability,
        ops=list(ops),
        cells=list(cells),
        files=packed_files(folder),
    )
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        write_pack(folder, document, to)
    except OSError as error:
        raise StorageError(f"{to}: the pack cannot be written: {reason_of(error)}") from error


class _Packing:
    """One cell, being packed.

    Args:
        cell: the cell.
        folder: the folder of the pack's files.
        number: the name of that of the cell in it; it is not there.

    Raises:
        NotPacked: it cannot be.
        RecipeError: its recipe is wrong.
    """

    def __init__(self, cell: Cell, folder: Path, number: int) -> None:
        self._cell = cell
        self._folder = folder / str(number)
        self._recipe = load_recipe(cell.recipe, [*cell.overrides, word_override(*HERE)])
        _refuse_recipe(self._recipe, self._name)
        self._more = overrides_in(_own_reference(self._recipe), "reference")
        eager = [*cell.overrides, word_override(*HERE), word_override("backend", "eager")]
        self._plan = bound_case(cell.recipe, eager)
        starts = {name: one for name, one in made_starts(self._plan).items() if not one.is_meta}
        self._write_recipe(starts)
        self.stored = self._record(starts)
        self.ops = self._plan.ops

    @property
    def _stem(self) -> str:
        return Path(self._cell.recipe).stem

    @property
    def _name(self) -> str:
        return f"{self._folder.name}/{self._stem}.yaml"

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._stem}.yaml"

    def _write_recipe(self, starts: Mapping[str, torch.Tensor]) -> None:
        """Write the recipe, composed, with the numbers that it starts from."""
        _refuse_unheld(starts)
        self._folder.mkdir(parents=True)
        given = SavedStarts(self._stem, "", {name: _copied(one) for name, one in starts.items()})
        mapping = Inputs(self._recipe, self._plan.files, self._plan.ops, self._folder, given).recipe()
        for key, other in (("device", "meta"), ("dtype", _other_dtype(self._recipe.dtype))):
            beside = read_form(self._cell.recipe, [*self._cell.overrides, word_override(key, other)]).written
            mapping = {name: _referring(one, beside.get(name), key, other) for name, one in mapping.items()}
        mapping["dtype"] = self._recipe.dtype
        device = self._device()
        mapping.pop("device", None)
        self._path.write_text(dump_yaml(mapping if device is None else {**mapping, "device": device}), encoding="utf-8")

    def _device(self) -> str | None:
        """The device that the recipe itself names."""
        device = compose(self._cell.recipe, self._cell.overrides).mapping.get("device")
        return None if device in (None, HERE[1]) else str(device)

    def _record(self, starts: Mapping[str, torch.Tensor]) -> StoredCase:
        """What float64 makes of it, and how far rounding to the cell's dtype may take that."""
        terms = Terms(self._more, (self._recipe.dtype,), must_hold=False)
        stored = CaseRecording(self._path, BARE, HERE[1], GivenCase(starts), terms).case()
        other = load_recipe(self._path, [*self._more, *_exact()]) if self._more else self._recipe
        apart = only_in_one(self._recipe, other) if self._more else frozenset[str]()
        values = [one for one in stored.values if one.name.partition(".")[0] not in apart and one.name not in apart]
        return replace(stored, values=values)

    def write(self) -> PackedCell:
        """Write what was recorded beside the recipe, and tell of the cell."""
        write_golden(self._path, BARE, self.stored)
        for path in self._folder.rglob("*"):
            if path.is_file() and not is_name(path.relative_to(self._folder.parent).as_posix()):
                raise NotPacked(f"'{path.name}' is no file that a pack holds; give the tensor another name")
        cell = self._cell
        return PackedCell(
            recipe=self._name,
            overrides=list(texts_of(cell.overrides)),
            axes=[(key, Path(value).stem if key == "recipe" else value) for key, value in cell.axes],
            capability=cell.capability,
            reference=", ".join(f"{key}={written(value)}" for key, value in _own_reference(self._recipe).items()),
        )


def _other_dtype(dtype: str) -> str:
    return next(one for one in RECIPE_DTYPES if one != dtype)


def _referring(here: Any, there: Any, key: str, other: str) -> Any:
    """A part of a composed recipe with `${device}` where another device gives another text; so for the dtype.

    Args:
        here: the part.
        there: the same, composed with the other word.
        key: what the other word is of.
        other: the word.
    """
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        return {name: _referring(one, there.get(name), key, other) for name, one in here.items()}
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        return [_referring(one, its, key, other) for one, its in zip(here, there, strict=True)]
    is_other = isinstance(here, str) and isinstance(there, str) and here != there
    return there.replace(other, f"${{{key}}}") if is_other and other in there else here


def _exact() -> list[Override]:
    return [word_override("dtype", EXACT_DTYPE), word_override("backend", "eager"), word_override(*HERE)]


def _refuse_recipe(recipe: Recipe, name: str) -> None:
    """Refuse what a pack cannot hold.

    Raises:
        NotPacked: the recipe is such a one.
    """
    if not is_name(name):
        raise NotPacked(f"'{name.partition('/')[2]}' is no name for a file of a pack; give the recipe a plain one")
    if not isinstance(recipe.backend.calls, int):
        raise NotPacked("backend.calls: it names cases, which differ in their tensors, and a cell has those of one")
    if recipe.reference.get("inputs", INPUTS[0]) != INPUTS[0]:
        why = "a pack's values are made from the cell's own numbers; leave 'inputs' out"
        raise NotPacked(f"reference.inputs: '{recipe.reference['inputs']}': {why}")


def _refuse_unheld(starts: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors that a safetensors file does not hold as they are.

    Raises:
        NotPacked: there are some.
    """
    unheld = [
        f"tensors.{name}: '{word_of(one.dtype)}', {str(one.layout).removeprefix('torch.')}, is nothing that a "
        "safetensors file holds; pin another dtype, or make it by a step"
        for name, one in starts.items()
        if one.dtype not in HELD or not is_plain(one)
    ]
    if unheld:
        raise NotPacked("\n".join(unheld))


def _copied(numbers: torch.Tensor) -> torch.Tensor:
    """The numbers in memory of their own, in order: how they lie is for the recipe to say."""
    return torch.empty(numbers.shape, dtype=numbers.dtype).copy_(numbers.detach())


def _own_reference(recipe: Recipe) -> dict[str, Any]:
    """What the recipe's reference says besides where it runs."""
    return {key: value for key, value in recipe.reference.items() if key not in (*USUAL_REFERENCE, "inputs")}
