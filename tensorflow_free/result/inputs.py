"""The `recipe.yaml` and the `inputs/` of a run's folder, from which alone the run can be repeated."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tensorflow_free.codec.arrays import write_arrays
from tensorflow_free.codec.parts import HELD, is_plain
from tensorflow_free.files.opening import FileRead, open_file, state_of
from tensorflow_free.recipe.models import PATHS, Recipe
from tensorflow_free.result.model import INPUTS
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.memory import copied
from tensorflow_free.tensors.saved_starts import SavedStarts


class Inputs:
    """The recipe that ran, composed, with what it read copied to `inputs/` and named from there."""

    def __init__(
        self,
        recipe: Recipe,
        files: Iterable[FileRead],
        ops: Sequence[str],
        folder: Path,
        starts: SavedStarts | None = None,
    ) -> None:
        """Of a recipe, for the folder of a run.

        Args:
            recipe: the recipe.
            files: those that it read.
            ops: the files of ops that it needs.
            folder: the run's folder.
            starts: the starting tensors of the saved run that it began from, which take the place of its own.
        """
        self._given = {} if starts is None else starts.numbers
        self._recipe = recipe
        self._ops = ops
        self._folder = folder / INPUTS
        self._sources = {read.written: read for read in files}
        self._taken: dict[str, str] = {}
        self.changed: list[str] = []
        """Files that are not what the recipe read any more, and are not copied."""

    def recipe(self) -> dict[str, Any]:
        """What stands in the folder's `recipe.yaml`."""
        mapping = dict(self._recipe.written)
        mapping.pop("defaults", None)
        mapping.pop("starts", None)
        if self._ops:
            mapping["ops"] = list(self._ops)
        if mapping.get("tensors"):
            mapping["tensors"] = self._tensors(mapping["tensors"], "")
        if cases := self._cases(mapping.get("cases") or {}):
            mapping["cases"] = cases
        return mapping

    def _cases(self, cases: Mapping[str, Any]) -> dict[str, Any]:
        """The cases that the stored recipe needs, and those that a `when` names."""
        names = self._recipe.cases if _asks_for_case(self._recipe) else ()
        needed: dict[str, Any] = {name: {} for name in names}
        for name, case in cases.items():
            tensors = self._tensors(case.get("tensors") or {}, f"{name}-")
            needed[name] = {**case, "tensors": tensors} if tensors else case
        return needed

    def _tensors(self, tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {name: self._tensor(prefix + name, self._begun(name, spec)) for name, spec in tensors.items()}

    def _begun(self, name: str, spec: Any) -> Any:
        """What a tensor says of itself, with its numbers where those of a saved run took the place of its own.

        Its init stays where it has one, as another draws from where it left the random stream.
        """
        numbers = self._given.get(name)
        if numbers is None or (isinstance(spec, dict) and spec.get("init") == "as_strided"):
            return spec
        spec = spec if isinstance(spec, dict) and not set(spec) <= {"finfo", "complex"} else {"data": spec}
        if "path" in spec or isinstance(spec.get("data"), torch.Tensor):
            return {
                **{key: value for key, value in spec.items() if key not in ("init", "path", "key")},
                "data": numbers,
            }
        return {**spec, "values": self._saved(name, numbers)}

    def _tensor(self, name: str, spec: Any) -> Any:
        if isinstance(spec, torch.Tensor):
            spec = {"data": spec}
        if not isinstance(spec, dict):
            return spec
        if isinstance(data := spec.get("data"), torch.Tensor):
            rest = {key: value for key, value in spec.items() if key not in ("data", "init")}
            if data.is_meta:
                return {"init": "empty", "size": list(data.shape), "dtype": word_of(data.dtype), **rest}
            return {"init": "load", "path": self._saved(name, data.detach()), **rest}
        read = {key: self._sources[spec[key]] for key in PATHS if spec.get(key) in self._sources}
        return {**spec, **{key: self._copied(one) for key, one in read.items()}} if read else spec

    def _copied(self, read: FileRead) -> str:
        """Copy a file that the recipe read to `inputs/`, under a name that no other has there."""
        path = Path(read.path)
        name, number = path.name, 1
        while self._taken.setdefault(name, read.path) != read.path:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        self._folder.mkdir(parents=True, exist_ok=True)
        if not _copy(read, self._folder / name):
            self.changed.append(read.path)
        return f"{INPUTS}/{name}"

    def _saved(self, name: str, data: torch.Tensor) -> str:
        """Write a tensor that a mapping held, in the memory that it lies in, to a file of `inputs/`."""
        file = f"{name}{ending_of(data)}"
        while self._taken.setdefault(file, "") != "":
            file = f"_{file}"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_tensor(data, name, self._folder / file)
        return f"{INPUTS}/{file}"


def ending_of(data: torch.Tensor) -> str:
    """How the file of a tensor's own ends: safetensors keeps neither strides nor offsets, nor every dtype."""
    simple = is_plain(data) and data.dtype in HELD and not (data.is_conj() or data.is_neg())
    simple = simple and data.is_contiguous() and data.storage_offset() == 0 and not data.is_meta
    return ".safetensors" if simple else ".pt"


def write_tensor(data: torch.Tensor, name: str, path: Path) -> None:
    """Write a tensor, in the memory that it lies in, to a file of its own, which ends as `ending_of` says."""
    if path.suffix == ".pt":
        torch.save(copied(data), path)
    else:
        write_arrays({name: data}, path)


def _copy(read: FileRead, to: Path) -> bool:
    """Copy a file; whether it is the one that was read, and whole."""
    try:
        source = open_file(Path(read.path))
    except OSError:
        return False
    with source:
        before = state_of(source)
        with to.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        is_same = state_of(source) == before and read.state in (None, before)
    if not is_same:
        to.unlink()
    return is_same


def _asks_for_case(recipe: Recipe) -> bool:
    conditions = [one.when for ones in recipe.expect.values() for one in ones] + [fault.when for fault in recipe.xfail]
    return any("case" in (when or ()) for when in conditions)
