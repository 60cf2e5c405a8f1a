"""The tensors inside nested values: tuples, mappings, dataclasses, slices, each with the path to it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch

PLAIN: Final = (int, float, str, type(None), torch.dtype, torch.device)
"""What holds nothing; asking whether a value is a mapping takes long."""

OF_LIBRARIES: Final = frozenset({"torch", "builtins", "types", "functools", "typing", "numpy"})
"""Packages whose objects are not looked into."""


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
    elif is_plain_object(value):
        found += [tensor for _, tensor in leaves(value)]
    elif not isinstance(value, PLAIN):
        for _, part in parts_of(value):
            _gather(part, found)


def leaves(value: Any, path: str = "", above: tuple[int, ...] = ()) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor inside a value with the path to it: `past_key_values.0.1`, in order."""
    if isinstance(value, torch.Tensor):
        yield path, value
        return
    if is_plain_object(value):
        if id(value) in above:
            return
        above = (*above, id(value))
    for key, part in parts_of(value):
        yield from leaves(part, joined(path, str(key)), above)


def is_plain_object(value: Any) -> bool:
    """Whether a value is an object of a user's class that holds others by its attributes: a cache, a state, a batch."""
    return (
        not isinstance(value, (*PLAIN, list, tuple, torch.Tensor, Mapping))
        and not callable(value)
        and hasattr(value, "__dict__")
        and not dataclasses.is_dataclass(value)
        and type(value).__module__.partition(".")[0] not in OF_LIBRARIES
    )


def joined(*parts: str) -> str:
    """Parts of a path with points between them; those that are empty are left out."""
    return ".".join(part for part in parts if part)


def parts_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """What a value holds by position, key or attribute."""
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
    elif is_plain_object(value):
        yield from vars(value).items()


def _fields(value: list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    """The names of the parts, where the type has them: a named tuple's, `values` and `indices` of `torch.max`."""
    names: Sequence[str] = getattr(value, "_fields", ())
    if hasattr(value, "n_fields"):
        names = getattr(value, "__match_args__", ())
    return names if len(names) == len(value) else range(len(value))


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The value with each tensor inside changed; lists, dicts and objects are others than before, all else is kept."""
    return _mapped(value, change, {})


def anew(value: Any) -> Any:
    """The same tensors in lists, dicts and objects of their own: what a call appends to them, the next does not see."""
    return mapped(value, lambda tensor: tensor)


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor], made: dict[int, Any]) -> Any:
    if isinstance(value, torch.Tensor):
        return change(value)
    if is_plain_object(value):
        return _object_mapped(value, change, made)
    if type(value) not in (list, dict) and not any(True for _ in tensors_in(value)):
        return value
    if isinstance(value, Mapping):
        kind: Any = type(value)
        return kind({key: _mapped(part, change, made) for key, part in value.items()})
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(part, change, made) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(part, change, made) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
        return dataclasses.replace(value, **{name: _mapped(part, change, made) for name, part in parts.items()})
    return value


def _object_mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor], made: dict[int, Any]) -> Any:
    """An object with each attribute changed; one that is met again is the same one, so that cycles end."""
    if id(value) not in made:
        made[id(value)] = found = copy.copy(value)
        for name, part in vars(value).items():
            found.__dict__[name] = _mapped(part, change, made)
    return made[id(value)]


def memory_of(tensor: torch.Tensor) -> int:
    """What tells tensors apart that lie in different memory: views have that of their base."""
    return (
        tensor.untyped_storage().data_ptr()
        if tensor.layout == torch.strided and tensor.device.type != "meta"
        else id(tensor)
    )
