"""The folder of a run, read into a result as it was when it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tensorflow_free.codec.arrays import read_arrays
from tensorflow_free.codec.documents import read_document
from tensorflow_free.files.opening import FileRead, real
from tensorflow_free.process.garbage import uncollected
from tensorflow_free.recipe.models import PATHS
from tensorflow_free.result.entries import record_of
from tensorflow_free.result.model import RECIPE, RESULT, SCHEMA_VERSION, TENSORS, RunFile, folder_of
from tensorflow_free.result.result import Result
from tensorflow_free.result.stored_recipe import read_recipe
from tensorflow_free.tensors.saved_starts import SavedStarts


def read_result(folder: str | Path) -> Result:
    """Read a run's folder.

    Args:
        folder: the folder, or the `result.json` in it.

    Returns:
        The result as it was when it was written; its recipe is for reading, not bound.

    Raises:
        StorageError: it is not the folder of a run, or what is in it is broken or newer than this version reads.

    Shape:
        Every tensor has the shape, dtype and layout that it had when it was written, bit for bit, on the CPU.

    Example:
        >>> from tensorflow_free import load_recipe, read_result, run_recipe
        >>> folder = run_recipe(load_recipe("recipes/linear_autograd.yaml")).save("outputs/kept")
        >>> read_result(folder)["y"]
        tensor(5.)
    """
    with uncollected():
        return _read(folder_of(folder))


def _read(folder: Path) -> Result:
    run_file = read_document(folder / RESULT, RunFile, SCHEMA_VERSION, "run")
    recipe = read_recipe(folder / RECIPE)
    recipe.write(recipe.written, run_file.parts)
    arrays = read_arrays(folder / TENSORS)
    return Result(
        recipe=recipe,
        records={one.name: record_of(one, arrays, folder) for one in run_file.values},
        expectations=list(run_file.expectations),
        error=run_file.error,
        environment=run_file.environment,
        timings=run_file.timings,
        warnings=list(run_file.warnings),
        name=run_file.recipe,
        files=tuple(FileRead(path, str(folder / path)) for path in _paths(recipe.written) if _is_inside(folder, path)),
        ops=tuple(recipe.ops),
        starts=None if run_file.starts is None else SavedStarts(run_file.starts.recipe, run_file.starts.digest),
        left_out=run_file.left_out,
        compiled=run_file.compiled,
    )


def _is_inside(folder: Path, written: str) -> bool:
    """Whether a stored recipe names a file of its own folder; no other is copied where the result is saved again."""
    return "\0" not in written and real(folder / written).is_relative_to(real(folder))


def _paths(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The files that a stored recipe names."""
    for part in (mapping, *(mapping.get("cases") or {}).values()):
        for spec in (part.get("tensors") or {}).values():
            if isinstance(spec, dict):
                yield from (spec[key] for key in PATHS if isinstance(spec.get(key), str))
