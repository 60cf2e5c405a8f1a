"""The format on disk: `result.json`, `tensors.safetensors`, `recipe.yaml`, `inputs/`. Only this file knows it.

Files appear whole or not at all: each is written beside its place and renamed into it, `result.json` last.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tensorflow_free.composition import dump_yaml, read_yaml
from tensorflow_free.dtypes import TORCH_DTYPES, word_of
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.recipe import Recipe
from tensorflow_free.result import SCHEMA_VERSION, Entry, Record, Result, RunFile, counts, plain, type_of

INLINE: Final = 64
"""Elements up to which a tensor's numbers also stand in `result.json`, for people to read."""

RESULT, TENSORS, RECIPE, INPUTS = "result.json", "tensors.safetensors", "recipe.yaml", "inputs"

_PAIRS: Final = {torch.complex128: torch.float64, torch.complex32: torch.float16}
"""Dtypes that safetensors has not, and the real ones that hold them as pairs."""

_PARTS: Final = {
    torch.sparse_coo: ("indices", "values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}
"""The parts that a tensor of a sparse layout is stored as."""


# writing


def write_result(result: Result, folder: Path) -> Path:
    """Write a result to a folder, which is made where it is not there.

    Raises:
        StorageError: the folder cannot be written.
    """
    stored: dict[str, torch.Tensor] = {}
    entries = [_entry(record, stored) for record in result.records.values()]
    run_file = _run_file(result, entries)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mapping = _stored_recipe(result, folder)
        _whole(folder / RECIPE, lambda path: path.write_text(dump_yaml(mapping), encoding="utf-8"))
        _whole(folder / TENSORS, lambda path: _save(stored, path))
        text = json.dumps(run_file.model_dump(mode="json"), indent=1, allow_nan=False, ensure_ascii=False)
        _whole(folder / RESULT, lambda path: path.write_text(text + "\n", encoding="utf-8"))
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{folder}: the result cannot be written: {error}") from error
    return folder


def document(result: Result) -> RunFile:
    """The result as `result.json` holds it."""
    return _run_file(result, [_entry(record, {}) for record in result.records.values()])


def _run_file(result: Result, entries: list[Entry]) -> RunFile:
    recipe = result.recipe
    assert result.environment is not None
    return RunFile(
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
        environment=result.environment,
        timings=result.timings,
    )


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, and move it there when it is whole."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        write(beside)
        beside.chmod(0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _save(stored: dict[str, torch.Tensor], path: Path) -> None:
    save_file(_apart(stored), path)


def _entry(record: Record, stored: dict[str, torch.Tensor]) -> Entry:
    value = record.value
    if type(value).__module__ == "numpy":
        value = torch.as_tensor(value)
        record = Record(record.name, record.kind, value, record.op, tuple(value.stride()))
    if not isinstance(value, torch.Tensor):
        return Entry(name=record.name, kind=record.kind, type=type_of(value), op=record.op, value=plain(value))
    found = counts(value)
    strided = value.layout == torch.strided and not value.is_quantized and not value.is_nested
    small = strided and value.numel() <= INLINE and value.device.type != "meta"
    return Entry(
        name=record.name,
        kind=record.kind,
        type="tensor",
        op=record.op,
        dtype=word_of(value.dtype),
        shape=list(value.shape),
        stride=None if record.stride is None else list(record.stride),
        layout=str(value.layout).removeprefix("torch."),
        device=str(value.device),
        requires_grad=record.requires_grad,
        grad_fn=record.grad_fn,
        nan_count=None if found is None else found[0],
        inf_count=None if found is None else found[1],
        value=plain(_listed(value)) if small else None,
        stored=_store(record.name, value, stored),
    )


def _listed(value: torch.Tensor) -> Any:
    return (value.float() if value.dtype.itemsize == 1 and value.is_floating_point() else value).tolist()


def _store(name: str, value: torch.Tensor, stored: dict[str, torch.Tensor]) -> dict[str, str] | None:
    """Put a tensor among those to be stored; which part of it lies under which name."""
    if value.device.type == "meta":
        return None
    names: dict[str, str] = {}
    for part, tensor in _parts(value):
        names[part] = f"{name}.{part}" if part else name
        stored[names[part]] = _storable(tensor)
    return names


def _parts(value: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    if value.layout in _PARTS:
        value = value.coalesce() if value.layout == torch.sparse_coo else value
        for part in _PARTS[value.layout]:
            yield part, getattr(value, part)()
    elif value.is_quantized:
        yield "int_repr", value.int_repr()
        yield "dequantized", value.dequantize()
    elif value.is_nested:
        for position, inner in enumerate(value.unbind()):
            yield str(position), inner
    else:
        yield "", value


def _storable(value: torch.Tensor) -> torch.Tensor:
    """A tensor as safetensors takes it: on the CPU, contiguous, of a dtype that it has; copied only where it must be."""
    plain_value = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    return torch.view_as_real(plain_value) if plain_value.dtype in _PAIRS else plain_value


def _apart(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors, each in memory of its own, as safetensors wants them; the first in a memory stays in it."""
    seen: set[int] = set()
    apart: dict[str, torch.Tensor] = {}
    for name, value in stored.items():
        storage = value.untyped_storage()
        whole = storage.nbytes() == value.nbytes and storage.data_ptr() not in seen
        seen.add(storage.data_ptr())
        apart[name] = value if whole or not value.numel() else value.clone()
    return apart


def _stored_recipe(result: Result, folder: Path) -> dict[str, Any]:
    """The recipe that ran, composed, with the files that it read copied to `inputs/` and named from there."""
    mapping = dict(result.recipe.written)
    mapping.pop("defaults", None)
    if result.ops:
        mapping["ops"] = list(result.ops)
    names = dict(result.files)
    tensors = {}
    for name, spec in dict(mapping.get("tensors") or {}).items():
        if isinstance(spec, torch.Tensor):
            spec = {"init": "tensor", "data": spec}
        if isinstance(spec, dict) and isinstance(spec.get("data"), torch.Tensor):
            spec = _stored_data(name, spec, folder)
        elif isinstance(spec, dict) and spec.get("path") in names:
            spec = {**spec, "path": _copied(names[spec["path"]], folder)}
        tensors[name] = spec
    if tensors:
        mapping["tensors"] = tensors
    return mapping


def _copied(source: str, folder: Path) -> str:
    """Copy a file that the recipe read to `inputs/`, under a name that no other has there."""
    (folder / INPUTS).mkdir(exist_ok=True)
    path = Path(source)
    target = folder / INPUTS / path.name
    number = 1
    while target.exists() and target.read_bytes() != path.read_bytes():
        target = folder / INPUTS / f"{path.stem}-{number}{path.suffix}"
        number += 1
    _whole(target, lambda beside: shutil.copyfile(path, beside))
    return f"{INPUTS}/{target.name}"


def _stored_data(name: str, spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A tensor that a mapping held, as a file of `inputs/` and the strides that it had."""
    (folder / INPUTS).mkdir(exist_ok=True)
    data: torch.Tensor = spec["data"]
    rest = {key: value for key, value in spec.items() if key not in ("data", "init")}
    target = folder / INPUTS / f"{name}.safetensors"
    complex_parts = data.dtype in _PAIRS
    _whole(
        target,
        lambda path: save_file(
            {name: _storable(data)}, path, metadata={"pairs": word_of(data.dtype)} if complex_parts else None
        ),
    )
    loaded: dict[str, Any] = {"init": "load", "path": f"{INPUTS}/{name}.safetensors", "key": name, **rest}
    if not data.is_contiguous() and "stride" not in rest and "shape" not in rest:
        loaded["stride"] = list(data.stride())
    return loaded


# reading


def read_result(folder: str | Path) -> Result:
    """Read a run's folder.

    Returns:
        The result as it was when it was written; its recipe is for reading, not bound.

    Raises:
        StorageError: the folder is no run's, or what is in it is broken or newer than this version reads.
    """
    folder = Path(folder)
    run_file = _read_run_file(folder / RESULT)
    recipe = _read_recipe(folder / RECIPE)
    try:
        tensors = load_file(folder / TENSORS)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{folder / TENSORS}: cannot be read: {error}") from error
    records = {entry.name: _record(entry, tensors, folder) for entry in run_file.values}
    return Result(
        recipe=recipe,
        records=records,
        expectations=list(run_file.expectations),
        error=run_file.error,
        environment=run_file.environment,
        timings=run_file.timings,
        name=run_file.recipe,
    )


def _read_run_file(path: Path) -> RunFile:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StorageError(f"{path.parent}: is not a run's folder; there is no {RESULT} in it") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StorageError(f"{path}: is of schema version {version}; this tensorflow_free reads up to {SCHEMA_VERSION}")
    try:
        return RunFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StorageError(f"{path}: {where}: {first['msg']}") from error


def _read_recipe(path: Path) -> Recipe:
    try:
        mapping = read_yaml(path.read_text(encoding="utf-8"), str(path))
        recipe = Recipe.model_validate(mapping)
    except (OSError, UnicodeDecodeError, RecipeError, ValidationError) as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error
    recipe._written = mapping
    return recipe


_FROM_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "dtype": lambda value: TORCH_DTYPES.get(value, value),
    "device": torch.device,
    "size": torch.Size,
    "number": lambda value: (
        complex(*map(float, value)) if isinstance(value, list) else float(value) if isinstance(value, str) else value
    ),
}


def _record(entry: Entry, tensors: dict[str, torch.Tensor], folder: Path) -> Record:
    stride = None if entry.stride is None else tuple(entry.stride)
    if entry.type != "tensor":
        value = _FROM_PLAIN.get(entry.type, lambda same: same)(entry.value)
    else:
        value = _tensor(entry, tensors, folder)
    return Record(entry.name, entry.kind, value, entry.op, stride, bool(entry.requires_grad), entry.grad_fn)


def _tensor(entry: Entry, tensors: dict[str, torch.Tensor], folder: Path) -> torch.Tensor:
    dtype = TORCH_DTYPES.get(entry.dtype or "")
    if entry.stored is None:
        return torch.empty(entry.shape or [], dtype=dtype, device="meta")
    missing = [name for name in entry.stored.values() if name not in tensors]
    if missing:
        raise StorageError(f"{folder / TENSORS}: '{missing[0]}' is missing")
    parts = {part: tensors[name] for part, name in entry.stored.items()}
    if list(parts) == [""]:
        value = parts[""]
        return torch.view_as_complex(value) if dtype in _PAIRS else value
    if entry.layout == "sparse_coo":
        return torch.sparse_coo_tensor(parts["indices"], parts["values"], entry.shape, is_coalesced=True)
    if "dequantized" in parts:
        return parts["dequantized"]
    if entry.layout in ("sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"):
        compressed, plain_indices, values = parts.values()
        return torch.sparse_compressed_tensor(
            compressed, plain_indices, values, entry.shape, layout=getattr(torch, entry.layout)
        )
    return torch.nested.nested_tensor(list(parts.values()))
