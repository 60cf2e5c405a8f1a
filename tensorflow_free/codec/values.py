"""Values of a run that are not tensors, as strict JSON, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from tensorflow_free.codec.numbers import array_of, listed


@dataclass(frozen=True, slots=True)
class Opaque:
    """What stands for a value that no file can hold, such as a `grad_fn`: its type alone."""

    type: str


_CONSTANTS: Final = (torch.dtype, torch.device, torch.layout, torch.memory_format)
"""Types of torch's that are written as words; of any other object only its type is given, not its address."""

_KEPT: Final = (type(None), bool, int, str, torch.Size, *_CONSTANTS)
"""Types of which `plain` loses nothing."""

_KINDS: Final = {torch.dtype: "dtype", torch.device: "device", torch.Size: "size", str: "text"}


def type_of(value: Any) -> str:
    """What a value is, in a word of `result.json`."""
    if isinstance(value, torch.Tensor):
        return "tensor"
    if isinstance(value, Opaque):
        return value.type
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, complex)):
        return "number"
    return _KINDS.get(type(value), type(value).__name__)


def plain(value: Any) -> Any:
    """A value as strict JSON holds it: no NaN, no infinity, no complex number, no dtype."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    return str(value).removeprefix("torch.") if isinstance(value, _CONSTANTS) else type_of(value)


def exact(value: Any) -> Any:
    """The same, so that it can be made again bit for bit; None for a value that no file can hold."""
    if isinstance(value, float):
        return listed(torch.tensor(value, dtype=torch.float64))
    if isinstance(value, complex):
        return listed(torch.tensor(value, dtype=torch.complex128))
    if isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
        return [{"type": type_of(inner), "value": exact(inner)} for inner in value]
    return plain(value) if isinstance(value, _KEPT) else None


def value_of(kind: str, value: Any) -> Any:
    """The value that `type_of` and `plain`, or `exact`, told of.

    Raises:
        ValueError, TypeError, KeyError, RuntimeError: they tell of none.
    """
    return _BY_KIND[kind](value) if kind in _BY_KIND else Opaque(kind)


def constant_of(word: Any, kind: type) -> Any:
    """One of torch's dtypes, layouts or memory formats by its word; nothing else of torch's is ever given.

    Raises:
        ValueError: this torch has none of this word.
    """
    found = getattr(torch, word, None) if isinstance(word, str) else None
    if not isinstance(found, kind):
        raise ValueError(f"'{word}' is no {kind.__name__} of this torch")  # noqa: TRY004 - its word is wrong, not its type
    return found


def _is(kind: type) -> Callable[[Any], Any]:
    """Takes a value that JSON holds as it is."""

    def same(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(f"'{value}' is not what its type says")
        return value

    return same


def _list(value: Any) -> list[Any]:
    return [_part(inner) for inner in value]


def _part(value: Any) -> Any:
    """A part of a list: with its type, as `exact` wrote it, or without, as `plain` did."""
    if isinstance(value, dict) and value.keys() == {"type", "value"}:
        return value_of(value["type"], value["value"])
    if isinstance(value, list):
        return _list(value)
    return float(value) if value in _WORDS else value


_WORDS: Final = ("nan", "inf", "-inf")
"""The words of `plain` for what JSON has no number for."""


def _number(value: Any) -> int | float | complex:
    if isinstance(value, int):
        return value
    dtype = torch.complex128 if isinstance(value, list) else torch.float64
    number: float | complex = array_of(value, dtype, []).item()
    return number


_BY_KIND: Final[dict[str, Callable[[Any], Any]]] = {
    "none": _is(type(None)),
    "boolean": _is(bool),
    "text": _is(str),
    "number": _number,
    "size": torch.Size,
    "device": torch.device,
    "dtype": lambda word: constant_of(word, torch.dtype),
    "layout": lambda word: constant_of(word, torch.layout),
    "memory_format": lambda word: constant_of(word, torch.memory_format),
    "tuple": lambda value: tuple(_list(value)),
    "list": _list,
}
"""How a value is made again, by the word of what it is."""
