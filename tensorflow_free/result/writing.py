"""The folder of a run, written: `result.json`, `tensors.safetensors`, `recipe.yaml`, `inputs/`.

A folder appears with all its files, or not at all; in a folder that exists, `result.json` is written last.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from tensorflow_free.codec.arrays import write_arrays
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import StorageError, UnkeptError, reason_of
from tensorflow_free.files.opening import FileRead
from tensorflow_free.files.whole_files import filling
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.inputs import Inputs
from tensorflow_free.result.model import RECIPE, RESULT, TENSORS, RunFile
from tensorflow_free.tensors.saved_starts import SavedStarts
from tensorflow_free.text.characters import printable_json


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What the folder of a run holds, before it is written.

    Attributes:
        document: what stands in `result.json`.
        arrays: those of `tensors.safetensors`, by their names there.
        recipe: the recipe that ran.
        files: those that it read, which are copied to `inputs/`.
        ops: the files of ops that it needs.
        starts: the starting tensors of the saved run that it began from.
    """

    document: RunFile
    arrays: Mapping[str, torch.Tensor]
    recipe: Recipe
    files: tuple[FileRead, ...]
    ops: tuple[str, ...]
    starts: SavedStarts | None = None

    def write(
        self, folder: Path, *, more: Mapping[str, str] | None = None, lasting: bool = False, tidy: bool = True
    ) -> Path:
        """Write it to a folder, which is made where it is not there.

        Args:
            folder: where to.
            more: the texts of other files that belong to it, by their names.
            lasting: whether it is on the disk when this returns, so that not even a power cut takes it.
            tidy: whether what killed processes left beside it is taken away.

        Raises:
            StorageError: the folder cannot be written, and what was in it stays.
            UnkeptError: a StorageError; the folder is written, but for a file that changed after the recipe read it.
        """
        text = printable_json(self.document.model_dump_json(indent=1)) + "\n"
        try:
            with filling(folder, RESULT, lasting=lasting, tidy=tidy) as part:
                inputs = Inputs(self.recipe, self.files, self.ops, part, self.starts)
                texts = {RECIPE: dump_yaml(inputs.recipe()), RESULT: text, **(more or {})}
                write_arrays(self.arrays, part / TENSORS)
                for name, content in texts.items():
                    (part / name).write_text(content, encoding="utf-8")
        except OSError as error:
            place = Path(os.fsdecode(error.filename or folder))
            place = place if place.is_relative_to(folder) else folder
            raise StorageError(f"{place}: the result cannot be written: {reason_of(error)}") from error
        except (SafetensorError, RuntimeError, TypeError) as error:
            raise StorageError(f"{folder}: the result cannot be written: {error}") from error
        if inputs.changed:
            files = ", ".join(inputs.changed)
            raise UnkeptError(f"{files}: has changed since the recipe read it, so that {folder} keeps no copy of it")
        return folder
