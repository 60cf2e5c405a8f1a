"""What a recipe calls a function of PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

import torch
from torch.overrides import resolve_name

from tensorflow_free.registry import find


class UnnamedError(Exception):
    """A function that no recipe can name."""


def op_name(function: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> str:
    """What a recipe calls a function of torch's; for a private one, the overload of aten that these arguments reach.

    Raises:
        UnnamedError: nothing.
    """
    name = _public_name(function)
    if name is not None and find(name) is not None:
        return name
    aten = _aten_name(function, args, kwargs or {})
    if aten is not None and find(aten) is not None:
        return aten
    raise UnnamedError(f"{name or aten or function} is not an op")


def _public_name(function: Callable[..., Any]) -> str | None:
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return None
    name = resolve_name(function)
    return None if name is None else name.removeprefix("torch.").removeprefix("Tensor.").removesuffix(".__get__")


def _aten_name(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    if isinstance(function, torch._ops.OpOverload):
        return str(function)
    name = getattr(function, "__name__", "")
    if isinstance(function, FunctionType) or not hasattr(torch.ops.aten, name):
        return None
    overload = torch._C._jit_resolve_packet(f"aten::{name}", *args, **kwargs)
    return f"aten.{name}.{overload or 'default'}"
