"""Values of a run that are no tensors, as strict JSON holds them, and made again from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from tensorflow_free.golden.numbers import array_of, listed
from tensorflow_free.result.result import Opaque, type_of


def plain_of(value: Any) -> Any:
    """A value as strict JSON holds it; None for one that no file can hold."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return listed(torch.tensor(value, dtype=torch.float64))
    if isinstance(value, complex):
        return listed(torch.tensor([value.real, value.imag], dtype=torch.float64))
    if isinstance(value, torch.Size):
        return list(value)
    if isinstance(value, (tuple, list)):
        return [{"type": type_of(inner), "value": plain_of(inner)} for inner in value]
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format, torch.device)):
        return str(value).removeprefix("torch.")
    return None


def value_of(kind: str, value: Any) -> Any:
    """The value that `type_of` and `plain_of` told of.

    Raises:
        ValueError, TypeError, KeyError, RuntimeError: they tell of none.
    """
    return _BY_KIND[kind](value) if kind in _BY_KIND else Opaque(kind)


def constant_of(word: str, kind: type) -> Any:
    """One of torch's dtypes, layouts or memory formats by its word; nothing else of torch's is ever given.

    Raises:
        ValueError: this torch has none of this word.
    """
    found = getattr(torch, word, None) if word.isidentifier() else None
    if not isinstance(found, kind):
        raise ValueError(f"'{word}' is no {kind.__name__} of this torch")  # noqa: TRY004 - its word is wrong, not its type
    return found


def _is(kind: type | tuple[type, ...]) -> Callable[[Any], Any]:
    """Takes a value that JSON holds as it is."""

    def same(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(f"'{value}' is not what its type says")
        return value

    return same


def _inner(value: Any) -> list[Any]:
    return [value_of(inner["type"], inner["value"]) for inner in value]


def _number(value: Any) -> int | float | complex:
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return complex(*array_of(value, torch.float64, [2]).tolist())
    number: float = array_of(value, torch.float64, []).item()
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
    "tuple": lambda value: tuple(_inner(value)),
    "list": _inner,
}
"""How a value is made again, by the word of what it is."""
