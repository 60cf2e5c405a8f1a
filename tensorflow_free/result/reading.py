"""The folder of a run, read into a result as it was when it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tensorflow_free.codec.arrays import read_arrays
from tensorflow_free.codec.documents import read_document
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.errors import RecipeError, StorageError, reason_of
from tensorflow_free.files.opening import FileRead, read_file, real
from tensorflow_free.recipe.models import PATHS, Recipe
from tensorflow_free.result.entries import record_of
from tensorflow_free.result.model import RECIPE, RESULT, SCHEMA_VERSION, TENSORS, RunFile
from tensorflow_free.result.result import Result
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
    folder = Path(folder)
    if folder.name == RESULT:
        # what a run prints at its end
        folder = folder.parent
    run_file = read_document(folder / RESULT, RunFile, SCHEMA_VERSION, "run")
    recipe = _read_recipe(folder / RECIPE)
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


def _read_recipe(path: Path) -> Recipe:
    try:
        return recipe_of_text(read_file(path, within=path.parent), str(path))
    except (RecipeError, ValidationError) as error:
        raise StorageError(f"{path}: is not the recipe of a run: {'; '.join(str(error).splitlines())}") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error


def recipe_of_text(text: str | bytes, shown: str) -> Recipe:
    """The recipe that a run's folder keeps, for reading; not bound.

    Raises:
        RecipeError: the text is no YAML.
        ValidationError: it is not the recipe of a run.
    """
    mapping = read_yaml(text, shown)
    recipe = Recipe.model_validate(mapping)
    recipe.write(mapping)
    return recipe
