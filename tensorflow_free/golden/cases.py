"""A case of a golden with its numbers in memory, and its models made from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.codec.arrays import NO_ARRAYS, Arrays, open_arrays
from tensorflow_free.codec.numbers import bits, listed
from tensorflow_free.codec.parts import PAIRS, as_kept, described, named_parts
from tensorflow_free.codec.values import exact, type_of
from tensorflow_free.golden.leeways import NOWHERE, StoredLeeway
from tensorflow_free.golden.levels import packed, text_of
from tensorflow_free.golden.model import (
    GoldenCase,
    GoldenValue,
    Made,
    Numbers,
    Part,
    RecordedLeeway,
    RecordedNoise,
    ValueMark,
)
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.result.model import StartsFrom
from tensorflow_free.tensors.dtypes import word_of

MOST_AS_TEXT: Final = 64
"""Elements up to which an array's numbers are text."""

UNFINISHED: Final = {"unfinished": "a recording"}
"""What stands in the safetensors file while it holds more than its golden names: a recording is under way, or was
broken off."""

DIGEST_DIGITS: Final = 16
"""Hexadecimal digits of an array's digest in its name: enough against accidents, and short in a diff."""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value or gradient of the float64 run, and its noise by recipe dtype; a tensor is detached and on the CPU."""

    name: str
    kind: str
    value: Any
    op: str | None = None
    noise: Mapping[str, RecordedNoise] = field(default_factory=dict)
    mark: ValueMark | None = None
    leeway: Mapping[str, StoredLeeway] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredCase:
    """What a golden holds of one case: `starts` are the starting tensors, `unsupported` a reason for each dtype.

    `nudged_runs` is how many runs told the leeways; None where there is only noise.
    """

    digest: str
    made: Made
    starts: Mapping[str, torch.Tensor]
    values: Sequence[StoredValue]
    unsupported: Mapping[str, str] = field(default_factory=dict)
    unmet: Mapping[str, Sequence[str]] = field(default_factory=dict)
    nudged_runs: int | None = None
    starts_from: StartsFrom | None = None

    def __getitem__(self, name: str) -> StoredValue:
        for one in self.values:
            if one.name == name:
                return one
        names = [one.name for one in self.values]
        raise KeyError(f"'{name}' is not a value of this golden{did_you_mean(name, names)}")


def arrays_of(path: Path) -> AbstractContextManager[Arrays]:
    """The safetensors file of a golden, open for reading; most goldens have none.

    Raises:
        StorageError: it cannot be read.
    """
    return open_arrays(path) if path.exists() else nullcontext(NO_ARRAYS)


def encoded(case: StoredCase) -> tuple[GoldenCase, dict[str, torch.Tensor]]:
    """The model of a case, and the arrays that it names, which are too big for text."""
    arrays: dict[str, torch.Tensor] = {}
    starts = [Numbers(**_fields(name, value, arrays)) for name, value in case.starts.items()]
    values = [
        GoldenValue(
            **_fields(one.name, one.value, arrays),
            kind=one.kind,
            op=one.op,
            noise=dict(one.noise),
            **_leeways(one, arrays),
            mark=one.mark,
        )
        for one in case.values
    ]
    model = GoldenCase(
        digest=case.digest,
        made=case.made,
        nudged_runs=case.nudged_runs,
        unsupported=dict(case.unsupported),
        unmet={dtype: list(paths) for dtype, paths in case.unmet.items()},
        starts=starts,
        values=values,
        starts_from=case.starts_from,
    )
    return model, arrays


def _fields(name: str, value: Any, arrays: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What the model of a value says of its numbers."""
    value = as_kept(value)
    if not isinstance(value, torch.Tensor):
        return {"name": name, "type": type_of(value), "value": exact(value)}
    fields = {"name": name, **described(value)}
    if value.is_meta:
        return fields
    most = MOST_AS_TEXT * (2 if value.dtype in PAIRS else 1)
    parts = {part: _part(*named, most, arrays) for part, named in named_parts(name, value).items()}
    if list(parts) == [""]:
        return {**fields, "value": parts[""].value, "stored": parts[""].stored}
    return {**fields, "parts": parts}


def _leeways(one: StoredValue, arrays: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What the model of a value says of its leeways; nothing of those that are none."""
    fields: dict[str, Any] = {"leeway": {}}
    rows: list[torch.Tensor] = []
    for dtype, leeway in one.leeway.items():
        if leeway == NOWHERE:
            continue
        levels = leeway.levels
        is_text = levels is not None and levels.numel() <= MOST_AS_TEXT
        fields["leeway"][dtype] = RecordedLeeway(
            moved=leeway.moved,
            most=leeway.most,
            least=leeway.least,
            levels=text_of(levels) if levels is not None and is_text else None,
            over=leeway.over,
            runs=leeway.runs,
        )
        rows += [] if levels is None or is_text else [levels]
    if rows:
        array = packed(rows)
        fields["levels"] = stored_name(f"{one.name} levels", array)
        arrays[fields["levels"]] = array
    return fields


def _part(name: str, array: torch.Tensor, most: int, arrays: dict[str, torch.Tensor]) -> Part:
    """An array with its numbers where it has no more elements than `most`, else with its name among the arrays."""
    form: dict[str, Any] = {"dtype": word_of(array.dtype), "shape": list(array.shape)}
    if array.numel() <= most:
        return Part(**form, value=listed(array))
    stored = stored_name(name, array)
    arrays[stored] = array
    return Part(**form, stored=stored)


def stored_name(name: str, array: torch.Tensor) -> str:
    """The name of a contiguous array in the safetensors file: it tells its dtype, shape and bytes from any others."""
    found = hashlib.sha256(f"{word_of(array.dtype)}{list(array.shape)}".encode())
    found.update(bits(array).numpy().data)
    return f"{name}#{found.hexdigest()[:DIGEST_DIGITS]}"


def is_as_named(stored: str, array: torch.Tensor) -> bool:
    """Whether an array is the one that had this name when it was recorded."""
    return stored_name(stored.rpartition("#")[0], array) == stored
