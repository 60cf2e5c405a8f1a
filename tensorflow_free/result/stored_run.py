"""The folder of a run, read for showing: what stands in it, without tensors. Does not import torch.

What needs torch to be read, or to be told what is wrong with it, is left to `read_result`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tensorflow_free.codec.documents import read_document
from tensorflow_free.codec.stored_numbers import NotPlainError, StoredArray, stored_arrays
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.plan.left_out import LeftOut
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.model import (
    RECIPE,
    RESULT,
    SCHEMA_VERSION,
    TENSORS,
    CompilerRun,
    Entry,
    Environment,
    RunFile,
    Verdict,
    Warned,
    folder_of,
)
from tensorflow_free.result.stored_recipe import read_recipe

STORED: Final = dict(
    pair.split(":")
    for pair in """
    float64:F64 float32:F32 float16:F16 bfloat16:BF16 complex64:C64 bool:BOOL int64:I64 int32:I32 int16:I16 int8:I8
    uint64:U64 uint32:U32 uint16:U16 uint8:U8 float8_e4m3fn:F8_E4M3 float8_e5m2:F8_E5M2 float8_e8m0fnu:F8_E8M0
    float8_e4m3fnuz:F8_E4M3FNUZ float8_e5m2fnuz:F8_E5M2FNUZ
    """.split()
)
"""The dtypes of safetensors' that hold those of torch's."""

PAIRED: Final = {"complex128": "F64", "complex32": "F16"}
"""Those that hold complex numbers as pairs, in a last dimension of 2."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What the folder of a run says, as a `Result` has it; of tensors their entries and arrays.

    Attributes:
        name: the recipe's name.
        recipe: the recipe that ran; not bound.
        entries: what `result.json` says of each value, by its name.
        arrays: the array that holds each tensor whose numbers are stored, by the value's name.
        expectations: as of a `Result`; and so are all that follow.
    """

    name: str
    recipe: Recipe
    entries: Mapping[str, Entry]
    arrays: Mapping[str, StoredArray]
    expectations: list[Verdict]
    error: StepFailed | None
    environment: Environment | None
    warnings: list[Warned]
    left_out: LeftOut | None
    compiled: CompilerRun | None
    starts: None = None

    @property
    def has_failed(self) -> bool:
        """Whether a step failed that was not expected to."""
        return self.error is not None and not self.error.expected


@contextmanager
def stored_run(path: str | Path) -> Iterator[StoredRun]:
    """A run's folder, read without torch; its arrays can be read as long as this lasts.

    Raises:
        NotPlainError: torch is needed for it.
        StorageError: it is not the folder of a run, or what is in it is broken or newer than this version reads.
    """
    folder = folder_of(path)
    run = read_document(folder / RESULT, RunFile, SCHEMA_VERSION, "run")
    if run.starts is not None:
        # whether it draws hangs on the ops of its steps
        raise NotPlainError
    recipe = read_recipe(folder / RECIPE)
    entries = {one.name: one for one in run.values}
    with stored_arrays(folder / TENSORS) as arrays:
        held = {one.name: array for one in run.values if (array := _array_of(one, arrays)) is not None}
        yield StoredRun(
            run.recipe,
            recipe,
            entries,
            held,
            run.expectations,
            run.error,
            run.environment,
            run.warnings,
            run.left_out,
            run.compiled,
        )


def _array_of(entry: Entry, arrays: Mapping[str, StoredArray]) -> StoredArray | None:
    """The array that holds a tensor; None where there is none.

    Raises:
        NotPlainError: it is no plain tensor of a dtype that is read here, or the array is not what its entry says.
    """
    if entry.type != "tensor":
        return None
    dtype = entry.dtype or ""
    stored = STORED.get(dtype) or PAIRED.get(dtype)
    if stored is None:
        raise NotPlainError
    if entry.stored is None:
        return None
    array = arrays.get(entry.stored.get("", ""))
    shape = (*(entry.shape or ()), *([2] if dtype in PAIRED else ()))
    is_plain = entry.layout in (None, "strided") and entry.shape is not None and len(entry.stored) == 1
    if not is_plain or array is None or (array.dtype, array.shape) != (stored, shape):
        raise NotPlainError
    return array
