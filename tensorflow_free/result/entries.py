"""A value of a run as an entry of `result.json` with its arrays by name, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from tensorflow_free.tensors.dtypes import word_of

INLINE: Final = 64
"""Elements up to which a tensor's numbers also stand in `result.json`, for people to read."""

_TOGETHER: Final = frozenset(
    getattr(torch, word)
    for word in ("float64", "float32", "float16", "bfloat16", "bool", "int8", "int16", "int32", "int64", "uint8")
)
"""Dtypes of tensors that are looked at together: those whose numbers all of torch's kernels take."""


def entries_of(records: Iterable[Record]) -> tuple[list[Entry], dict[str, torch.Tensor]]:
    """What `result.json` says of values, and the arrays that hold them, by their names.

    Small tensors of one dtype and shape are looked at together: one by one, each takes some twenty calls of torch.
    """
    listed, arrays = list(records), dict[str, torch.Tensor]()
    alike = _alike(listed)
    return [
        entry_of(record, arrays) if (told := alike.get(place)) is None else _small_entry(record, told, arrays)
        for place, record in enumerate(listed)
    ], arrays


def _alike(records: Sequence[Record]) -> dict[int, dict[str, Any]]:
    """What entries say of small tensors, by the places of their records."""
    groups: dict[tuple[torch.dtype, torch.Size], list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        if _is_small(record):
            groups[record.value.dtype, record.value.shape].append(place)
    told: dict[int, dict[str, Any]] = {}
    for places in groups.values():
        first = records[places[0]].value
        about = described(first)
        stacked = torch.stack([records[place].value for place in places])
        for place, numbers in zip(places, _rows(stacked), strict=True):
            told[place] = {**about, **numbers}
    return told


def _is_small(record: Record) -> bool:
    """Whether a value is a plain tensor of few numbers, in memory as any other."""
    value = record.value
    return (
        type(value) is torch.Tensor
        and value.dtype in _TOGETHER
        and value.is_cpu
        and value.layout is torch.strided
        and 0 < value.numel() <= INLINE
        and not (value.is_nested or value.is_neg() or record.unstored)
    )


def _rows(stacked: torch.Tensor) -> Iterable[dict[str, Any]]:
    """What entries say of the numbers of each of several tensors."""
    values = stacked.tolist()
    if not stacked.is_floating_point():
        return ({"nan_count": None, "inf_count": None, "value": value} for value in values)
    flat = stacked.reshape(len(values), -1)
    nan, inf = flat.isnan().sum(1).tolist(), flat.isinf().sum(1).tolist()
    return (
        {"nan_count": nans, "inf_count": infs, "value": plain(value) if nans or infs else value}
        for nans, infs, value in zip(nan, inf, values, strict=True)
    )


def _small_entry(record: Record, told: Mapping[str, Any], arrays: dict[str, torch.Tensor]) -> Entry:
    arrays[record.name] = record.value.contiguous()
    return Entry(
        name=record.name,
        kind=record.kind,
        type="tensor",
        op=record.op,
        stride=None if record.stride is None else list(record.stride),
        device=record.device or "cpu",
        requires_grad=record.requires_grad,
        grad_fn=record.grad_fn,
        stored={"": record.name},
        **told,
    )


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
    is_here = not isinstance(value, torch.Tensor) or entry.device == ("cpu" if value.is_cpu else str(value.device))
    elsewhere = None if is_here else entry.device
    return Record(entry.name, entry.kind, value, entry.op, stride, *grad, entry.unstored, elsewhere)


def _is_as_told(entry: Entry, array: torch.Tensor) -> bool:
    """Whether an array is the value that an entry tells of, with nothing to be made of it."""
    return (
        entry.layout == "strided"
        and len(entry.stored or ()) == 1
        and entry.dtype == word_of(array.dtype)
        and entry.shape == list(array.shape)
        and array.data_ptr() % array.itemsize == 0
    )


def _tensor(entry: Entry, arrays: Mapping[str, torch.Tensor], folder: Path) -> torch.Tensor:
    if entry.stored is None:
        return without_numbers(constant_of(entry.dtype, torch.dtype), entry.shape or ())
    whole = arrays.get(entry.stored.get("", ""))
    if whole is not None and _is_as_told(entry, whole):
        return whole
    missing = [name for name in entry.stored.values() if name not in arrays]
    if missing:
        raise StorageError(f"{folder / TENSORS}: '{missing[0]}' is missing")
    parts = {part: arrays[name] for part, name in entry.stored.items()}
    dtype: torch.dtype = constant_of(entry.dtype, torch.dtype)
    return whole_of(parts, dtype, entry.layout or "strided", entry.shape)
