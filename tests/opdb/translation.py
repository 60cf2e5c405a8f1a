"""A call of torch's as a recipe: its tensors become `data`, everything else the words of the format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from opdb.recording import Call
from tensorflow_free.dtypes import word_of

SEED = 42
"""What the entries that draw random numbers seed torch with."""

SUBSCRIPTED = ("__getitem__", "Tensor.__getitem__", "[]")


class Untranslatable(Exception):
    """An argument that is no recipe's: code, a generator's state."""


class Names:
    """The names of tensors in a recipe, by identity."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._held: list[torch.Tensor] = []

    def give(self, tensor: torch.Tensor, name: str) -> None:
        """Name a tensor; the first name stays."""
        self._held.append(tensor)  # an id is only its own while the tensor lives
        self._names.setdefault(id(tensor), name)

    def give_result(self, value: Any, name: str) -> None:
        """Name a step's value, and each tensor of several values by position."""
        if isinstance(value, torch.Tensor):
            self.give(value, name)
        elif isinstance(value, (list, tuple)):
            for position, part in enumerate(value):
                self.give_result(part, f"{name}.{position}")

    def of(self, tensor: torch.Tensor) -> str:
        """The name of a tensor."""
        name = self._names.get(id(tensor))
        if name is None:
            raise Untranslatable("a tensor that the function makes for itself, out of sight")
        return name


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor inside arguments, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, slice):
        yield from tensors_in([value.start, value.stop, value.step])


def written(value: Any, names: Names) -> Any:
    """An argument as a recipe writes it."""
    if isinstance(value, torch.Tensor):
        return names.of(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, str):
        return {"str": value}
    if isinstance(value, torch.dtype):
        return {"dtype": word_of(value)}
    if isinstance(value, (torch.device, torch.layout, torch.memory_format)):
        return str(value).removeprefix("torch.")
    if hasattr(type(value), "__members__"):
        return int(value.value)  # torch's own enumerations, which its operators take as integers
    if isinstance(value, (list, tuple, range)):
        return [written(part, names) for part in value]
    raise Untranslatable(f"a {type(value).__name__}")


def subscript(index: Any, names: Names) -> str:
    """What stands between the brackets of `x[...]`."""
    if isinstance(index, torch.Tensor):
        return names.of(index)
    if isinstance(index, slice):
        parts = ["" if part is None else subscript(part, names) for part in (index.start, index.stop, index.step)]
        return ":".join(parts if index.step is not None else parts[:2])
    if isinstance(index, tuple):
        inside = ", ".join(subscript(part, names) for part in index)
        return f"{inside}," if len(index) == 1 else inside or "()"
    if isinstance(index, list):
        return f"[{', '.join(subscript(part, names) for part in index)}]"
    if index is Ellipsis:
        return "..."
    if index is None or isinstance(index, (bool, int)):
        return str(index)
    raise Untranslatable(f"a {type(index).__name__} in a subscript")


def step(call: Call, names: Names) -> dict[str, Any]:
    """A call as a step."""
    if call.op in SUBSCRIPTED and len(call.args) == 2:
        return {"op": call.op, "args": [written(call.args[0], names), subscript(call.args[1], names)]}
    args = [written(value, names) for value in call.args]
    kwargs = {key: written(value, names) for key, value in call.kwargs.items()}
    return {"op": call.op, "args": args, "kwargs": kwargs} if kwargs else {"op": call.op, "args": args}


def steps(calls: Sequence[Call], names: Names) -> dict[str, Any]:
    """Calls in order as steps; the last is `y`."""
    found: dict[str, Any] = {}
    for position, call in enumerate(calls):
        name = "y" if position == len(calls) - 1 else f"s{position}"
        found[name] = step(call, names)
        names.give_result(call.result, name)
    return found


def literal(tensor: torch.Tensor) -> dict[str, Any]:
    """A tensor as a starting tensor: its numbers, its dtype pinned."""
    spec: dict[str, Any] = {"data": tensor.detach(), "dtype": word_of(tensor.dtype)}
    return {**spec, "requires_grad": True} if tensor.requires_grad else spec
