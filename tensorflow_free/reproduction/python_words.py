"""Values as Python writes them in a script: numbers, dtypes, devices, and calls that name what is not among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from tensorflow_free.plan.call_rows import Value
from tensorflow_free.recipe.expressions import Slice

NameOfValue = Callable[[int], str]
"""What a value of the run is called in the script, by its id."""


class NotWritten(Exception):
    """A value for which a script has no words; its text says which."""


def python_of(value: Any, named: NameOfValue) -> str:
    """An argument as Python writes it.

    Raises:
        NotWritten: it is nothing that a script can write.
    """
    if isinstance(value, Value):
        return named(value.id)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or value is Ellipsis or isinstance(value, (bool, int, float, complex)):
        return "..." if value is Ellipsis else repr(value)
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        return str(value)
    if isinstance(value, torch.device):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return in_brackets([python_of(one, named) for one in value], is_tuple=isinstance(value, tuple))
    if isinstance(value, (slice, Slice)):
        parts = ["None" if one is None else python_of(one, named) for one in (value.start, value.stop, value.step)]
        return f"slice({', '.join(parts)})"
    if isinstance(value, torch.Tensor):
        return f"torch.tensor({python_of(value.tolist(), named)}, dtype={value.dtype})"
    raise NotWritten(f"a {type(value).__name__}")


def in_brackets(parts: list[str], *, is_tuple: bool) -> str:
    """A list, or a tuple."""
    inside = ", ".join(parts)
    if not is_tuple:
        return f"[{inside}]"
    return f"({inside},)" if len(parts) == 1 else f"({inside})"


def subscript_of(value: Any, named: NameOfValue) -> str:
    """What stands between the brackets of `x[…]`: `:, 1:3`."""
    if isinstance(value, (slice, Slice)):
        parts = ["" if one is None else python_of(one, named) for one in (value.start, value.stop, value.step)]
        return ":".join(parts if parts[2] else parts[:2])
    if isinstance(value, tuple) and value:
        inside = ", ".join(subscript_of(one, named) for one in value)
        return f"{inside}," if len(value) == 1 else inside
    return python_of(value, named)


def call_of(name: str, args: list[str], kwargs: Mapping[str, str]) -> str:
    """A call: `torch.sum(x, 1, keepdim=True)`."""
    return f"{name}({', '.join([*args, *(f'{key}={value}' for key, value in kwargs.items())])})"
