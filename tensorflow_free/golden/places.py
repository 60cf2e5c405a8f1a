"""The paths of a recipe's goldens, which of them applies, and the reading of their JSON. Does not import torch.

`STEM.golden.json` and `STEM.golden.safetensors` stand beside `STEM.yaml`; a golden for one type of device is
`STEM.cuda.golden.json`. The numbers are read by `golden.reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import read_file
from tensorflow_free.golden.model import FORMAT_VERSION, GoldenFile
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.recipe.names import RECIPE_SUFFIXES
from tensorflow_free.text.characters import command_of

JSON, ARRAYS = ".golden.json", ".golden.safetensors"
"""What follows the recipe's stem in the names of a golden's files."""

_CONFLICT: Final = (b"<<<<<<< ", b"=======", b">>>>>>> ")
"""The marks that git leaves where two branches changed the same lines."""


ReadGolden = Callable[[Path, str | Path], GoldenFile]
"""Reads the golden in a json file, for a recipe."""


class NewerGoldenError(StorageError):
    """A golden of a newer format: it may be whole, and must not be written over."""


class GoldenPaths(NamedTuple):
    """The two files of a golden. Where no array is big, there is no safetensors file."""

    json: Path
    arrays: Path


def golden_paths(recipe_path: str | Path, device: str | None = None) -> GoldenPaths:
    """The files of a recipe's golden: the default one, or that for one type of device (`cuda:1` is a `cuda`)."""
    path = Path(recipe_path)
    stem = f"{path.stem}.{_type_of(device)}" if device is not None else path.stem
    return GoldenPaths(path.with_name(stem + JSON), path.with_name(stem + ARRAYS))


def arrays_beside(json_path: Path) -> Path:
    """The safetensors file that belongs to a golden's json."""
    return json_path.with_name(json_path.name.removesuffix(JSON) + ARRAYS)


def recipe_taken_for(recipe_path: str | Path, device: str | None) -> Path | None:
    """The other recipe (`a.cuda.yaml`) whose default golden has the name of this recipe's for a device, or None."""
    if device is None:
        return None
    path = Path(recipe_path)
    others = (path.with_name(f"{path.stem}.{_type_of(device)}{suffix}") for suffix in RECIPE_SUFFIXES)
    return next((other for other in others if other.is_file()), None)


def _type_of(device: str) -> str:
    return device.partition(":")[0]


def goldens_of(recipe_path: str | Path, device: str | None = None) -> list[Path]:
    """The goldens that apply to runs on a device, as far as they are there; the device's own comes before the default.

    A case is looked for in each in turn: the device's own golden need not hold all cases.
    """
    own = [] if device is None or recipe_taken_for(recipe_path, device) else [golden_paths(recipe_path, device).json]
    return [path for path in (*own, golden_paths(recipe_path).json) if path.exists()]


def read_golden(recipe_path: str | Path, device: str | None = None) -> GoldenFile | None:
    """The golden that applies to runs of a recipe on a device: the device's own, else the default; None without one.

    Its `path` and `device` say which it is. The numbers of a case are read by `golden.reading.read_case`.

    Raises:
        StorageError: it is there, and broken, or newer than this version reads, or another recipe's.
    """
    found = goldens_of(recipe_path, device)
    return read_golden_file(found[0], recipe_path) if found else None


def find_case(
    recipe_path: str | Path, case: str, device: str | None = None, read: ReadGolden | None = None
) -> GoldenFile | None:
    """The first of the goldens that apply which holds a case ('' for the bare file), or None.

    Args:
        recipe_path: the recipe file.
        case: the case's name.
        device: on which it runs.
        read: reads a golden as `read_golden_file` does; one that keeps what it has read reads it once for all cases.

    Raises:
        StorageError: as `read_golden`.
    """
    for path in goldens_of(recipe_path, device):
        golden = (read or read_golden_file)(path, recipe_path)
        if case in golden.cases:
            return golden
    return None


def read_golden_file(path: Path, recipe_path: str | Path) -> GoldenFile:
    """The golden in one json file.

    Raises:
        StorageError: as `read_golden`; also where there is no such file.
    """
    try:
        raw = read_file(path, within=path.parent)
    except OSError as error:
        raise StorageError(f"{path}: the golden cannot be read: {error.strerror or error}") from error
    try:
        golden = GoldenFile.model_validate_json(raw)
    except ValidationError as error:
        _check_version(path, error)
        raise StorageError(f"{path}: {_fault(raw, error)}; {record_again(recipe_path)}") from error
    golden.read_from(path, Path(recipe_path))
    _check_owner(golden)
    return golden


def _check_owner(golden: GoldenFile) -> None:
    """That a golden is the one that its name says."""
    stem = golden.recipe_path.stem
    device = golden.path.name.removeprefix(stem).removesuffix(JSON).removeprefix(".") or None
    if golden.recipe != stem:
        message = f"this is the golden of '{golden.recipe}', not of '{stem}'"
    elif golden.device != device:
        message = f"this is the golden for {golden.device or 'every device'}, not for {device or 'every device'}"
    else:
        return
    raise StorageError(f"{golden.path}: {message}; {record_again(golden.recipe_path)}")


def record_again(recipe_path: str | Path) -> str:
    """What to do about a golden that is broken."""
    return f"record it again: recipe record {recipe_path}"


def review_command(recipe_path: str | Path) -> str:
    """What to type where a golden does not fit its recipe any more."""
    return command_of(["recipe", "review", str(recipe_path), *ops_words()])


def _check_version(path: Path, error: ValidationError) -> None:
    """That what is wrong with a golden is not that it is newer than this version reads."""
    for found in error.errors(include_url=False):
        if found["loc"] == ("format_version",) and found["type"] == "less_than_equal":
            message = f"the golden is of format {found['input']}; this tensorflow_free reads up to {FORMAT_VERSION}"
            raise NewerGoldenError(f"{path}: {message}") from error


def _fault(raw: bytes, error: ValidationError) -> str:
    """What is wrong with a golden, in words."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return _json_fault(raw, first["ctx"]["error"])
    for found in error.errors(include_url=False):
        if found["loc"] in ((), ("format_version",)):
            return "this is not a golden; it has no 'format_version'"
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"


def _json_fault(raw: bytes, words: str) -> str:
    if all(any(line.startswith(mark) for line in raw.splitlines()) for mark in _CONFLICT):
        return "the golden contains git's conflict markers"
    if not raw.strip():
        return "the golden is empty"
    if words.startswith("EOF"):
        return f"the golden is cut off at line {len(raw.splitlines())}"
    return f"the golden is not JSON: {words}"
