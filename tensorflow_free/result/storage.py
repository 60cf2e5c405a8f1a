"""The format on disk: `result.json`, `tensors.safetensors`, `recipe.yaml`, `inputs/`. Only this file knows it.

A folder appears with all its files, or not at all; in one that is there, `result.json` comes last.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import RecipeError, StorageError, UnkeptError, words_of
from tensorflow_free.files.opening import FileRead, open_file, path_of, read_file, real, state_of
from tensorflow_free.files.whole_files import filling
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import (
    SCHEMA_VERSION,
    Entry,
    Opaque,
    Record,
    Result,
    RunFile,
    counts,
    environment_of,
    plain,
    type_of,
)
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.memory import copied
from tensorflow_free.tensors.parts import HELD, UNTAKEN, is_plain, numbers_of, parts_of, whole_of

INLINE: Final = 64
"""Elements up to which a tensor's numbers also stand in `result.json`, for people to read."""

RESULT, TENSORS, RECIPE, INPUTS = "result.json", "tensors.safetensors", "recipe.yaml", "inputs"


# writing


def write_result(
    result: Result, folder: Path, *, more: Mapping[str, str] | None = None, lasting: bool = False, tidy: bool = True
) -> Path:
    """Write a result to a folder, which is made where it is not there.

    Args:
        result: what to write.
        folder: where to.
        more: the texts of other files that belong to it, by their names.
        lasting: whether it is on the disk when this returns, so that not even a power cut takes it.
        tidy: whether what killed processes left beside it is taken away.

    Raises:
        StorageError: the folder cannot be written, and what was in it stays.
        UnkeptError: a StorageError; the folder is written, but for a file that has changed since the recipe read it.
    """
    stored: dict[str, torch.Tensor] = {}
    entries = [_entry(record, stored) for record in result.records.values()]
    text = _run_file(result, entries).model_dump_json(indent=1) + "\n"
    try:
        with filling(folder, RESULT, lasting=lasting, tidy=tidy) as part:
            inputs = _Inputs(result, part)
            texts = {RECIPE: dump_yaml(inputs.recipe()), RESULT: text, **(more or {})}
            _save(stored, part / TENSORS)
            for name, content in texts.items():
                (part / name).write_text(content, encoding="utf-8")
    except OSError as error:
        place = Path(os.fsdecode(error.filename or folder))
        place = place if place.is_relative_to(folder) else folder
        raise StorageError(f"{place}: the result cannot be written: {error.strerror or error}") from error
    except (SafetensorError, RuntimeError, TypeError) as error:
        raise StorageError(f"{folder}: the result cannot be written: {error}") from error
    if inputs.changed:
        files = ", ".join(inputs.changed)
        raise UnkeptError(f"{files}: has changed since the recipe read it, so that {folder} keeps no copy of it")
    return folder


def document(result: Result) -> RunFile:
    """The result as `result.json` holds it."""
    return _run_file(result, [_entry(record, {}) for record in result.records.values()])


def _run_file(result: Result, entries: list[Entry]) -> RunFile:
    recipe = result.recipe
    return RunFile(
        schema_version=SCHEMA_VERSION,
        recipe=result.name,
        description=recipe.description,
        device=recipe.device,
        dtype=recipe.dtype,
        backend=recipe.backend.name,
        case=recipe.case,
        seed=recipe.seed,
        well=result.is_well,
        values=entries,
        expectations=result.expectations,
        error=result.error,
        environment=result.environment or environment_of(torch.get_num_threads()),
        timings=result.timings,
        warnings=result.warnings,
    )


_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
"""How safetensors tells an error of the system's."""


def _save(stored: dict[str, torch.Tensor], path: Path) -> None:
    try:
        save_file(_apart(stored), path)
    except SafetensorError as error:
        if (found := _OS_ERROR.search(str(error))) is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error


def _apart(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors, no two in the same memory, which safetensors refuses; the first in a memory stays in it."""
    seen: set[int] = set()
    apart: dict[str, torch.Tensor] = {}
    for name, value in stored.items():
        memory = value.untyped_storage().data_ptr()
        apart[name] = value.clone() if memory in seen and value.numel() else value
        seen.add(memory)
    return apart


def _entry(record: Record, stored: dict[str, torch.Tensor]) -> Entry:
    value = record.value
    if type(value).__module__ == "numpy":
        value = torch.as_tensor(value)
        record = Record(record.name, record.kind, value, record.op, tuple(value.stride()))
    if not isinstance(value, torch.Tensor):
        return Entry(name=record.name, kind=record.kind, type=type_of(value), op=record.op, value=plain(value))
    return Entry(
        name=record.name,
        kind=record.kind,
        type="tensor",
        op=record.op,
        dtype=word_of(value.dtype),
        shape=None if value.is_nested else list(value.shape),
        stride=None if record.stride is None else list(record.stride),
        layout=str(value.layout).removeprefix("torch."),
        device=str(value.device),
        requires_grad=record.requires_grad,
        grad_fn=record.grad_fn,
        **({"unstored": record.unstored} if record.unstored else _numbers(record.name, value, stored)),
    )


def _numbers(name: str, value: torch.Tensor, stored: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What an entry says of a tensor's numbers; where they cannot be had, why, so that it costs no other value."""
    try:
        found = counts(value)
        small = is_plain(value) and value.numel() <= INLINE and value.device.type != "meta"
        return {
            "nan_count": None if found is None else found[0],
            "inf_count": None if found is None else found[1],
            "value": _plain_numbers(value, found) if small else None,
            "stored": _store(name, value, stored),
        }
    except UNTAKEN as error:
        return {"unstored": words_of(error)}


def _plain_numbers(value: torch.Tensor, found: tuple[int, int] | None) -> Any:
    """The numbers as strict JSON holds them; those that are finite and real are so already."""
    numbers = _listed(value)
    is_plain_already = not value.is_complex() and (found == (0, 0) or not value.is_floating_point())
    return numbers if is_plain_already else plain(numbers)


def _listed(value: torch.Tensor) -> Any:
    """A plain tensor's numbers as nested lists; None for a dtype whose numbers torch does not tell."""
    for numbers in numbers_of(value):
        return (numbers.float() if numbers.dtype.itemsize == 1 and numbers.is_floating_point() else numbers).tolist()
    return None


def _store(name: str, value: torch.Tensor, stored: dict[str, torch.Tensor]) -> dict[str, str] | None:
    """Put a tensor among those to be stored; which part of it lies under which name."""
    if value.device.type == "meta":
        return None
    parts = parts_of(value)
    names = {part: f"{name}.{part}" if part else name for part in parts}
    stored.update((names[part], tensor) for part, tensor in parts.items())
    return names


class _Inputs:
    """The recipe that ran, composed, with what it read copied to `inputs/` and named from there."""

    def __init__(self, result: Result, part: Path) -> None:
        self._result = result
        self._folder = part / INPUTS
        self._sources = {read.written: read for read in result.files}
        self._taken: dict[str, str] = {}
        self.changed: list[str] = []
        """Files that are not what the recipe read any more, and are not copied."""

    def recipe(self) -> dict[str, Any]:
        """What stands in the folder's `recipe.yaml`."""
        mapping = dict(self._result.recipe.written)
        mapping.pop("defaults", None)
        if self._result.ops:
            mapping["ops"] = list(self._result.ops)
        if mapping.get("tensors"):
            mapping["tensors"] = self._tensors(mapping["tensors"], "")
        if cases := self._cases(mapping.get("cases") or {}):
            mapping["cases"] = cases
        return mapping

    def _cases(self, cases: Mapping[str, Any]) -> dict[str, Any]:
        """The cases that the stored recipe needs, and those that a `when` names."""
        recipe = self._result.recipe
        needed: dict[str, Any] = {name: {} for name in recipe.cases} if _asks_for_case(recipe) else {}
        for name, case in cases.items():
            tensors = self._tensors(case.get("tensors") or {}, f"{name}-")
            needed[name] = {**case, "tensors": tensors} if tensors else case
        return needed

    def _tensors(self, tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {name: self._tensor(prefix + name, spec) for name, spec in tensors.items()}

    def _tensor(self, name: str, spec: Any) -> Any:
        if isinstance(spec, torch.Tensor):
            spec = {"data": spec}
        if not isinstance(spec, dict):
            return spec
        if isinstance(spec.get("data"), torch.Tensor):
            rest = {key: value for key, value in spec.items() if key not in ("data", "init")}
            if spec["data"].is_meta:
                return {"init": "empty", **_without_numbers(spec["data"]), **rest}
            return {"init": "load", "path": self._saved(name, spec["data"].detach()), **rest}
        if spec.get("path") in self._sources:
            return {**spec, "path": self._copied(self._sources[spec["path"]])}
        return spec

    def _copied(self, read: FileRead) -> str:
        """Copy a file that the recipe read to `inputs/`, under a name that no other has there."""
        path = Path(read.path)
        name, number = path.name, 1
        while self._taken.setdefault(name, read.path) != read.path:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        self._folder.mkdir(exist_ok=True)
        if not _copy(read, self._folder / name):
            self.changed.append(read.path)
        return f"{INPUTS}/{name}"

    def _saved(self, name: str, data: torch.Tensor) -> str:
        """Write a tensor that a mapping held, in the memory that it lies in, to a file of `inputs/`."""
        # safetensors keeps neither strides nor offsets, nor every dtype; torch's own format does
        simple = is_plain(data) and data.dtype in HELD and not (data.is_conj() or data.is_neg())
        simple = simple and data.is_contiguous() and data.storage_offset() == 0 and not data.is_meta
        file = f"{name}{'.safetensors' if simple else '.pt'}"
        while self._taken.setdefault(file, "") != "":
            file = f"_{file}"
        self._folder.mkdir(exist_ok=True)
        path = self._folder / file
        if simple:
            _save({name: data}, path)
        else:
            torch.save(copied(data), path)
        return f"{INPUTS}/{file}"


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


def _without_numbers(data: torch.Tensor) -> dict[str, Any]:
    """What a recipe says of a tensor that has no numbers to store."""
    return {"size": list(data.shape), "dtype": word_of(data.dtype)}


def _asks_for_case(recipe: Recipe) -> bool:
    conditions = [one.when for ones in recipe.expect.values() for one in ones] + [fault.when for fault in recipe.xfail]
    return any("case" in (when or ()) for when in conditions)


# reading


def read_result(folder: str | Path) -> Result:
    """Read a run's folder, which may be named by its `result.json`.

    Returns:
        The result as it was when it was written; its recipe is for reading, not bound.

    Raises:
        StorageError: the folder is no run's, or what is in it is broken or newer than this version reads.
    """
    folder = Path(folder)
    if folder.name == RESULT:
        # what a run prints at its end
        folder = folder.parent
    run_file = _read_run_file(folder / RESULT)
    recipe = _read_recipe(folder / RECIPE)
    try:
        with open_file(folder / TENSORS, within=folder) as file, path_of(file) as path:
            tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{folder / TENSORS}: cannot be read: {_words(error)}") from error
    return Result(
        recipe=recipe,
        records={entry.name: _record(entry, tensors, folder) for entry in run_file.values},
        expectations=list(run_file.expectations),
        error=run_file.error,
        environment=run_file.environment,
        timings=run_file.timings,
        warnings=list(run_file.warnings),
        name=run_file.recipe,
        files=tuple(FileRead(path, str(folder / path)) for path in _paths(recipe.written) if _is_inside(folder, path)),
        ops=tuple(recipe.ops),
    )


def _words(error: Exception) -> str:
    """An error's words without the path, which the message has already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _is_inside(folder: Path, written: str) -> bool:
    """Whether a stored recipe names a file of its own folder; no other is copied where the result is saved again."""
    return "\0" not in written and real(folder / written).is_relative_to(real(folder))


def _paths(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The files that a stored recipe names."""
    for part in (mapping, *(mapping.get("cases") or {}).values()):
        for spec in (part.get("tensors") or {}).values():
            if isinstance(spec, dict) and isinstance(spec.get("path"), str):
                yield spec["path"]


def _no_constant(word: str) -> None:
    """Refuse what Python's reader takes and JSON has not: `NaN`, `Infinity`."""
    raise ValueError(f"'{word}' is no number of JSON")


def _read_run_file(path: Path) -> RunFile:
    try:
        content = json.loads(read_file(path, within=path.parent), parse_constant=_no_constant)
    except FileNotFoundError as error:
        raise StorageError(f"{path.parent}: is not a run's folder; there is no {RESULT} in it") from error
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: cannot be read: {_words(error)}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise StorageError(f"{path}: is not the result of a run; it has no 'schema_version'")
    if version > SCHEMA_VERSION:
        raise StorageError(f"{path}: is of schema version {version}; this tensorflow_free reads up to {SCHEMA_VERSION}")
    try:
        return RunFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StorageError(f"{path}: {where}: {first['msg']}") from error


def _read_recipe(path: Path) -> Recipe:
    try:
        return recipe_of_text(read_file(path, within=path.parent), str(path))
    except (RecipeError, ValidationError) as error:
        raise StorageError(f"{path}: is not the recipe of a run: {'; '.join(str(error).splitlines())}") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {_words(error)}") from error


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


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return complex(*map(float, value))
    return float(value) if isinstance(value, str) else value


def _sequence(value: Any) -> list[Any]:
    """The parts of a list or tuple; of these, `plain` wrote NaN and infinities alone as words."""
    return [_sequence(part) if isinstance(part, list) else _number(part) for part in value]


def _one_of(kind: type) -> Callable[[Any], Any]:
    """Reads the word of one of torch's constants of this type, and gives nothing else of torch's."""

    def read(value: Any) -> Any:
        found = getattr(torch, value, None) if isinstance(value, str) else None
        if not isinstance(found, kind):
            raise TypeError(f"'{value}' is no {kind.__name__} of this torch")
        return found

    return read


_FROM_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "none": lambda _: None,
    "boolean": lambda value: value,
    "text": lambda value: value,
    "dtype": _one_of(torch.dtype),
    "device": torch.device,
    "layout": _one_of(torch.layout),
    "memory_format": _one_of(torch.memory_format),
    "size": torch.Size,
    "number": _number,
    "list": _sequence,
    "tuple": lambda value: tuple(_sequence(value)),
}
"""How a value that is no tensor is made again, by its type; of any other, its type is all that a file holds."""


def _record(entry: Entry, tensors: Mapping[str, torch.Tensor], folder: Path) -> Record:
    stride = None if entry.stride is None else tuple(entry.stride)
    value: Any
    try:
        if entry.type == "tensor":
            value = _tensor(entry, tensors, folder)
        else:
            value = _FROM_PLAIN[entry.type](entry.value) if entry.type in _FROM_PLAIN else Opaque(entry.type)
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"{folder / RESULT}: '{entry.name}' is broken: {error}") from error
    grad = bool(entry.requires_grad), entry.grad_fn
    return Record(entry.name, entry.kind, value, entry.op, stride, *grad, entry.unstored)


def _tensor(entry: Entry, tensors: Mapping[str, torch.Tensor], folder: Path) -> torch.Tensor:
    dtype = getattr(torch, entry.dtype or "", None)
    if not isinstance(dtype, torch.dtype):
        raise StorageError(f"{folder / RESULT}: '{entry.name}' is {entry.dtype}, which is no dtype of this torch")
    if entry.stored is None:
        # torch leaves negative lengths in an `out` that could not take them
        return torch.empty([max(length, 0) for length in entry.shape or ()], dtype=dtype, device="meta")
    missing = [name for name in entry.stored.values() if name not in tensors]
    if missing:
        raise StorageError(f"{folder / TENSORS}: '{missing[0]}' is missing")
    parts = {part: tensors[name] for part, name in entry.stored.items()}
    value = whole_of(parts, dtype, entry.layout or "strided", entry.shape)
    fits = value.dtype == dtype or "dequantized" in parts
    if not fits or (entry.shape is not None and list(value.shape) != entry.shape):
        found = f"{word_of(value.dtype)} {list(value.shape)}"
        raise StorageError(f"{folder / TENSORS}: '{entry.name}' is {found}, not {entry.dtype} {entry.shape}")
    return value
