"""What a recipe calls a function of PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import FunctionType
from typing import Any, Final

import torch
from torch.overrides import resolve_name

from tensorflow_free.recipe.expressions import OTHER_AS_METHODS
from tensorflow_free.registry import find

NUMBERS: Final = (bool, int, float, complex)


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


def is_named(function: Callable[..., Any]) -> bool:
    """Whether a recipe has a name for a function, whatever its arguments."""
    return is_added(function) or _is_torchs(function)


def is_added(function: Callable[..., Any]) -> bool:
    """Whether a function is an op of another library that the user has registered."""
    name = op_of_library(function)
    return name is not None and find(name) is not None


@cache
def _is_torchs(function: Callable[..., Any]) -> bool:
    name = _public_name(function)
    if name is not None and find(name) is not None:
        return True
    return isinstance(function, torch._ops.OpOverload) and find(str(function)) is not None


def op_of_library(function: Callable[..., Any]) -> str | None:
    """The name under which an op of another library than aten is registered, `mylib.twice`; None for all else."""
    if not isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return None
    name = str(function).removesuffix(".default")
    return None if name.startswith("aten.") else name


def _public_name(function: Callable[..., Any]) -> str | None:
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return op_of_library(function)
    path = resolve_name(function)
    if path is None:
        return None
    name: str = path.removeprefix("torch.").removesuffix(".__get__")
    short = name.removeprefix("Tensor.")
    return short if short == name else OTHER_AS_METHODS.get(short, short)


def _aten_name(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    if isinstance(function, torch._ops.OpOverload):
        return _with_numbers(function, args)
    name = getattr(function, "__name__", "")
    if isinstance(function, FunctionType) or not hasattr(torch.ops.aten, name):
        return None
    overload = torch._C._jit_resolve_packet(f"aten::{name}", *args, **kwargs)
    return f"aten.{name}.{overload or 'default'}"


def _with_numbers(function: torch._ops.OpOverload, args: Sequence[Any]) -> str:
    """An overload's name; that of the one that takes numbers, where numbers stand for tensors."""
    kinds = [str(one.type) for one in function._schema.arguments]
    numbers = {at for at, value in enumerate(args) if kinds[at] == "Tensor" and isinstance(value, NUMBERS)}
    if not numbers:
        return str(function)
    wanted = ["number" if at in numbers else kind for at, kind in enumerate(kinds)]
    packet = function.overloadpacket
    for overload in packet.overloads():
        schema = getattr(packet, overload)._schema
        if [str(one.type) for one in schema.arguments] == wanted:
            return f"aten.{packet.__name__}.{overload}"
    raise UnnamedError(f"{function} is given a number for a tensor")
