"""A recipe's digest: it changes with whatever can change a number, and with nothing else. Does not import torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tensorflow_free.composition.compose import Composed, compose
from tensorflow_free.composition.override_texts import of_case
from tensorflow_free.errors import refuse_any
from tensorflow_free.files.opening import open_file
from tensorflow_free.form import Form
from tensorflow_free.golden.model import BARE
from tensorflow_free.recipe.keys import KEYS, NAMED
from tensorflow_free.recipe.models import PATHS

_LEFT_OUT: Final = frozenset(key.name for key in KEYS.values() if not key.counts)
"""Keys that change no number: words about the recipe, what is merged by now, and what is asked of the results."""


def digest_of(source: str | Path, case: str = BARE) -> str:
    """The digest of a recipe file, composed with its defaults and its case, and of the files that it reads.

    Without the command line's overrides, comments, and keys that change no number; the layout of one-line steps does
    not matter either.

    Raises:
        RecipeError: the file cannot be read or composed, or a one-line step in it is wrong.
    """
    return digest_of_composed(compose(source, of_case(case)))


def digest_of_composed(composed: Composed) -> str:
    """The same of a recipe that is composed already, without overrides and without a best device.

    Raises:
        RecipeError: a one-line step is wrong.
    """
    form = Form(composed)
    refuse_any(form.problems)
    kept: dict[str, Any] = {key: value for key, value in form.mapping.items() if key not in _LEFT_OUT}
    if called := _called_cases(form.mapping):
        kept["cases"] = called
    if files := dict(_file_digests(kept, composed.folder)):
        kept["files"] = files
    text = json.dumps(_canonical(kept), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _called_cases(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The other cases that count: those that a compiled function is called for."""
    backend = mapping.get("backend")
    calls = backend.get("calls") if isinstance(backend, dict) else None
    names = calls if isinstance(calls, list) else []
    return {name: case for name, case in (mapping.get("cases") or {}).items() if name in names}


def _file_digests(mapping: Mapping[str, Any], folder: Path | None) -> Iterator[tuple[str, str | None]]:
    """Each file that the starting tensors are read from, as it is written, and its digest; None where there is none."""
    specs = [spec for spec in (mapping.get("tensors") or {}).values() if isinstance(spec, dict)]
    paths = (spec[key] for spec in specs for key in PATHS if isinstance(spec.get(key), str))
    for written in dict.fromkeys(paths):
        yield written, _file_digest(folder, written)


def _file_digest(folder: Path | None, written: str) -> str | None:
    try:
        path = ((folder or Path()) / written).resolve()
        # a recipe reads no file outside its folder; binding says so
        if folder is None or not path.is_relative_to(folder.resolve()):
            return None
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _canonical(value: Any, *, ordered: bool = False) -> Any:
    """The value with the keys of its mappings sorted, but for those whose order says something."""
    if isinstance(value, Mapping):
        if ordered:
            return [[key, _canonical(inner)] for key, inner in value.items()]
        return {key: _canonical(value[key], ordered=key in NAMED) for key in sorted(value)}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    return value
