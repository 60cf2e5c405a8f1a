"""Documents of strict JSON with a version, read into their models. Does not import torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from tensorflow_free.errors import StorageError, reason_of
from tensorflow_free.files.opening import read_file

MOST_RUNS = 3
"""Runs that are named where the folder around them is given."""

Document = TypeVar("Document", bound=BaseModel)


def read_document(path: Path, model: type[Document], newest: int, owner: str) -> Document:
    """The document in a folder.

    Args:
        path: its file.
        model: what it is read to.
        newest: the latest version that is read.
        owner: whose folder it lies in: `run` or `sweep`.

    Raises:
        StorageError: there is none, it is broken, or newer than this version reads.
    """
    try:
        content = _parsed(read_file(path, within=path.parent))
    except FileNotFoundError as error:
        folder = path.parent
        if owner == "run" and (folder / "sweep.json").is_file():
            told = f"is a sweep's folder; name that of one of its cells, such as {folder / '0'}"
            raise StorageError(f"{folder}: {told}") from error
        if owner == "sweep" and ((folder / "result.json").is_file() or (folder.parent / path.name).is_file()):
            raise StorageError(f"{folder}: is a run's folder; recipe show {folder} shows it") from error
        there = "" if owner == "sweep" else _runs_below(folder, path.name)
        raise StorageError(f"{folder}: is not a {owner}'s folder; there is no {path.name} in it{there}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise StorageError(f"{path}: is not that of a {owner}; it has no 'schema_version'")
    if version > newest:
        raise StorageError(f"{path}: is of schema version {version}; this tensorflow_free reads up to {newest}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        raise StorageError(f"{path}: {where and f'{where}: '}{words}") from error


def _runs_below(folder: Path, name: str) -> str:
    """The newest runs below a folder of runs, as `run-recipe` names them: `outputs/RECIPE/TIME`."""
    try:
        files = [file for at in ("*", "*/*") for file in folder.glob(f"{at}/{name}")]
        found = [(file.stat().st_mtime, str(file.parent)) for file in files]
    except OSError:
        # a folder that is closed to us, or a run that goes while it is looked at
        return ""
    newest = [run for _, run in sorted(found, reverse=True)[:MOST_RUNS]]
    return f"; the newest runs below it are {', '.join(newest)}" if newest else ""


def _parsed(raw: bytes) -> Any:
    """What a text of JSON says."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        # it takes a little more, and has the words
        return json.loads(raw, parse_constant=_no_constant)


def _no_constant(word: str) -> None:
    """Refuse what Python's reader takes and JSON has not: `NaN`, `Infinity`."""
    raise ValueError(f"'{word}' is not a number in JSON")
