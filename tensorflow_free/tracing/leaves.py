"""The tensors inside nested values: tuples, mappings, dataclasses, slices, each with the path to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch

PLAIN: Final = (int, float, str, type(None), torch.dtype, torch.device)
"""What holds nothing; asking whether a value is a mapping takes long."""


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor inside a value, in order."""
    found: list[torch.Tensor] = []
    _gather(value, found)
    return iter(found)


def _gather(value: Any, found: list[torch.Tensor]) -> None:
    """Add every tensor inside a value, without paths, which take longer than most calls of a model."""
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _gather(part, found)
    elif not isinstance(value, PLAIN):
        for _, part in _parts(value):
            _gather(part, found)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor inside a value with the path to it: `past_key_values.0.1`, in order."""
    if isinstance(value, torch.Tensor):
        yield path, value
        return
    for key, part in _parts(value):
        yield from leaves(part, f"{path}.{key}" if path else str(key))


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, (list, tuple)):
        yield from zip(_fields(value), value, strict=True)
    elif isinstance(value, PLAIN):
        return
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, slice):
        yield from (("start", value.start), ("stop", value.stop), ("step", value.step))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((one.name, getattr(value, one.name)) for one in dataclasses.fields(value))


def _fields(value: list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    """The names of the parts, where the type has them: a named tuple's, `values` and `indices` of `torch.max`."""
    names: Sequence[str] = getattr(value, "_fields", ())
    if hasattr(value, "n_fields"):
        names = getattr(value, "__match_args__", ())
    return names if len(names) == len(value) else range(len(value))


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The value with each tensor inside changed; what holds none is given back as it is."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if not any(True for _ in tensors_in(value)):
        return value
    if isinstance(value, Mapping):
        made = {key: mapped(part, change) for key, part in value.items()}
        kind: Any = type(value)
        return kind(made)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(part, change) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(part, change) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {one.name: mapped(getattr(value, one.name), change) for one in dataclasses.fields(value) if one.init}
        return dataclasses.replace(value, **changed)
    return value


def memory_of(tensor: torch.Tensor) -> int:
    """What tells tensors apart that lie in different memory: views have that of their base."""
    return (
        tensor.untyped_storage().data_ptr()
        if tensor.layout == torch.strided and tensor.device.type != "meta"
        else id(tensor)
    )
