"""A call of torch's as a recipe: its tensors become `data`, everything else the words of the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

from tensorflow_free.support.eager_runs import SEED, CopiedArguments
from tensorflow_free.support.sample_calls import SampleCall
from tensorflow_free.support.seen_calls import MadeCall
from tensorflow_free.tensors.dtypes import word_of

SUBSCRIPTED: Final = ("__getitem__", "Tensor.__getitem__", "[]")

OF_SUBSCRIPT: Final = 2
"""Arguments of a subscript: what is read, and where."""


class UntranslatableError(Exception):
    """An argument that is no recipe's: code, a generator's state."""


class TensorNames:
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
            raise UntranslatableError("a tensor that the function makes for itself, out of sight")
        return name


def written(value: Any, names: TensorNames) -> Any:
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
    raise UntranslatableError(f"a {type(value).__name__}")


def subscript(index: Any, names: TensorNames) -> str:
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
    raise UntranslatableError(f"a {type(index).__name__} in a subscript")


def step(call: MadeCall, names: TensorNames) -> dict[str, Any]:
    """A call as a step."""
    if call.op in SUBSCRIPTED and len(call.args) == OF_SUBSCRIPT:
        return {"op": call.op, "args": [written(call.args[0], names), subscript(call.args[1], names)]}
    args = [written(value, names) for value in call.args]
    kwargs = {key: written(value, names) for key, value in call.kwargs.items()}
    return {"op": call.op, "args": args, "kwargs": kwargs} if kwargs else {"op": call.op, "args": args}


def steps(calls: Sequence[MadeCall], names: TensorNames) -> dict[str, Any]:
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


def recipe_of(case: SampleCall, passes: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The recipe of a case: its tensors `t0`, `t1`, …, its steps, the last of them `y`, and backward passes.

    Args:
        case: what is called.
        passes: by the name of a part of `y`, the gradient that backward begins from there.

    Raises:
        UnnamedError: no recipe can name one of the calls.
        UntranslatableError: no recipe can write one of the arguments.
    """
    names, copies, tensors = TensorNames(), CopiedArguments(), {}
    for position, tensor in enumerate(case.inputs):
        names.give(copies.of(tensor), f"t{position}")
        tensors[f"t{position}"] = literal(tensor)
    # finding out the calls of a lambda runs it, on copies
    calls = case.calls(copies.of(case.args), copies.of(case.kwargs))
    mapping: dict[str, Any] = {"seed": SEED, "tensors": tensors, "steps": steps(calls, names)}
    for position, gradient in enumerate(passes.values()):
        tensors[f"g{position}"] = literal(gradient)
    backward = [
        {"target": target, "gradient": f"g{position}", "retain_graph": True} for position, target in enumerate(passes)
    ]
    return {**mapping, "backward": backward} if backward else mapping
