"""The folder of a run, written: `result.json`, `tensors.safetensors`, `recipe.yaml`, `inputs/`; or packed as bytes.

A folder appears with all its files, or not at all; in a folder that exists, `result.json` is written last.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import torch
from safetensors import SafetensorError

from tensorflow_free.codec.arrays import bytes_of, write_arrays
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import StorageError, UnkeptError, reason_of
from tensorflow_free.files.opening import FileRead
from tensorflow_free.files.whole_files import filling
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.inputs import Inputs
from tensorflow_free.result.model import INPUTS, RECIPE, RESULT, TENSORS, RunFile
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
        with _told(folder), filling(folder, RESULT, lasting=lasting, tidy=tidy) as part:
            inputs = self._inputs(part)
            texts = self._texts(inputs, more)
            write_arrays(self.arrays, part / TENSORS)
            for name, content in texts.items():
                (part / name).write_text(content, encoding="utf-8")
        if (unkept := _unkept(inputs, folder)) is not None:
            raise unkept
        return folder

    @property
    def size(self) -> int:
        """Bytes of all numbers that it holds, and of the files that it has copies of."""
        given = {} if self.starts is None else self.starts.numbers
        arrays = (*self.arrays.values(), *given.values())
        return sum(one.nbytes for one in arrays) + sum(_size(read.path) for read in self.files)

    def packed(self, folder: Path, more: Mapping[str, str]) -> tuple[dict[str, bytes], UnkeptError | None]:
        """What its files hold, by their paths in the folder; and what of it could not be kept.

        Args:
            folder: the folder that it is to be, for what messages say.
            more: as of `write`.

        Raises:
            StorageError: it cannot be had.
        """
        with _told(folder), _made_when_needed() as part:
            inputs = self._inputs(part)
            files = {name: content.encode() for name, content in self._texts(inputs, more).items()}
            files[TENSORS] = bytes_of(self.arrays)
            copies = sorted(path for path in (part / INPUTS).rglob("*") if path.is_file())
            files |= {path.relative_to(part).as_posix(): path.read_bytes() for path in copies}
        return files, _unkept(inputs, folder)

    def _inputs(self, part: Path) -> Inputs:
        return Inputs(self.recipe, self.files, self.ops, part, self.starts)

    def _texts(self, inputs: Inputs, more: Mapping[str, str] | None) -> dict[str, str]:
        """The texts of its files, by their names; what the recipe reads is copied."""
        text = printable_json(self.document.model_dump_json(indent=1)) + "\n"
        return {RECIPE: dump_yaml(inputs.recipe()), RESULT: text, **(more or {})}


@contextmanager
def _made_when_needed() -> Iterator[Path]:
    """A folder for a while, which is there only where something is put into it: to make one can take milliseconds."""
    part = Path(gettempdir(), f"tensorflow_free-{secrets.token_hex(8)}")
    try:
        yield part
    finally:
        if part.exists():
            shutil.rmtree(part, ignore_errors=True)


def unwritable(error: OSError, folder: Path) -> StorageError:
    """That a run's folder cannot be written, with the file in it that cannot."""
    place = Path(os.fsdecode(error.filename or folder))
    place = place if place.is_relative_to(folder) else folder
    return StorageError(f"{place}: the result cannot be written: {reason_of(error)}")


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """See that what goes wrong with a folder is told as such.

    Raises:
        StorageError: something did.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(error, folder) from error
    except (SafetensorError, RuntimeError, TypeError) as error:
        raise StorageError(f"{folder}: the result cannot be written: {error}") from error


def _unkept(inputs: Inputs, folder: Path) -> UnkeptError | None:
    """That a file has changed, of which there is no copy therefore."""
    if not inputs.changed:
        return None
    files = ", ".join(inputs.changed)
    return UnkeptError(f"{files}: has changed since the recipe read it, so that {folder} keeps no copy of it")


def _size(path: str) -> int:
    """Bytes of a file; none where that cannot be told."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
