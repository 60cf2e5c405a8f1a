"""A value of a run as an entry of `result.json` with its arrays by name, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.codec.parts import (
    UNTAKEN,
    MisfitError,
    as_kept,
    counts,
    described,
    is_plain,
    named_parts,
    numbers_of,
    whole_of,
    without_numbers,
)
from tensorflow_free.codec.values import constant_of, plain, type_of, value_of
from tensorflow_free.errors import StorageError, words_of
from tensorflow_free.result.model import RESULT, TENSORS, Entry
from tensorflow_free.result.run_value import Record

INLINE: Final = 64
"""Elements up to which a tensor's numbers also stand in `result.json`, for people to read."""


def entry_of(record: Record, arrays: dict[str, torch.Tensor]) -> Entry:
    """What `result.json` says of a value; its arrays are put among those of the run."""
    value = as_kept(record.value)
    about: dict[str, Any] = {"name": record.name, "kind": record.kind, "op": record.op, "type": type_of(value)}
    if not isinstance(value, torch.Tensor):
        return Entry(**about, value=plain(value))
    stride = record.stride if value is record.value else value.stride()
    return Entry(
        **about,
        **described(value),
        stride=None if stride is None else list(stride),
        device=record.device or str(value.device),
        requires_grad=record.requires_grad,
        grad_fn=record.grad_fn,
        **({"unstored": record.unstored} if record.unstored else _numbers(record.name, value, arrays)),
    )


def _numbers(name: str, value: torch.Tensor, arrays: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What an entry says of a tensor's numbers; where they cannot be had, why, so that it costs no other value."""
    if value.is_meta:
        return {}
    try:
        # counted on the CPU: a device need not have the kernels for that, and may lose its context in them
        value = value if value.device.type == "cpu" else value.cpu()
        found = counts(value)
        small = is_plain(value) and value.numel() <= INLINE
        text = _listed(value, found) if small else None
        parts = named_parts(name, value)
    except UNTAKEN as error:
        return {"unstored": words_of(error)}
    arrays.update(parts.values())
    return {
        "nan_count": None if found is None else found[0],
        "inf_count": None if found is None else found[1],
        "value": text,
        "stored": {part: stored for part, (stored, _) in parts.items()},
    }


def _listed(value: torch.Tensor, found: tuple[int, int] | None) -> Any:
    """A plain tensor's numbers as strict JSON holds them; None for a dtype whose numbers torch does not tell."""
    for numbers in numbers_of(value):
        is_small_float = numbers.dtype.itemsize == 1 and numbers.is_floating_point()
        listed = (numbers.float() if is_small_float else numbers).tolist()
        # those that are finite and real are so already
        is_plain_already = not value.is_complex() and (found == (0, 0) or not value.is_floating_point())
        return listed if is_plain_already else plain(listed)
    return None


def record_of(entry: Entry, arrays: Mapping[str, torch.Tensor], folder: Path) -> Record:
    """The value that an entry tells of.

    Args:
        entry: what `result.json` says of it.
        arrays: those of the run.
        folder: the run's, for what a message says.

    Raises:
        StorageError: it tells of none.
    """
    stride = None if entry.stride is None else tuple(entry.stride)
    try:
        value = _tensor(entry, arrays, folder) if entry.type == "tensor" else value_of(entry.type, entry.value)
    except MisfitError as error:
        raise StorageError(f"{folder / TENSORS}: '{entry.name}': {error}") from error
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"{folder / RESULT}: '{entry.name}' is broken: {error}") from error
    grad = bool(entry.requires_grad), entry.grad_fn
    elsewhere = entry.device if isinstance(value, torch.Tensor) and str(value.device) != entry.device else None
    return Record(entry.name, entry.kind, value, entry.op, stride, *grad, entry.unstored, elsewhere)


def _tensor(entry: Entry, arrays: Mapping[str, torch.Tensor], folder: Path) -> torch.Tensor:
    dtype: torch.dtype = constant_of(entry.dtype, torch.dtype)
    if entry.stored is None:
        return without_numbers(dtype, entry.shape or ())
    missing = [name for name in entry.stored.values() if name not in arrays]
    if missing:
        raise StorageError(f"{folder / TENSORS}: '{missing[0]}' is missing")
    parts = {part: arrays[name] for part, name in entry.stored.items()}
    return whole_of(parts, dtype, entry.layout or "strided", entry.shape)
