"""The calls of aten's that a public call makes, seen below autograd, and put in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import torch

from tensorflow_free.ops.guards.bounds import Guarded, rules_of
from tensorflow_free.registry import find
from tensorflow_free.tensors.eager_mode import EagerMode
from tensorflow_free.tracing.calls_of_run import BlockState, Taken, TracedCall, kept
from tensorflow_free.tracing.leaves import tensors_in
from tensorflow_free.tracing.op_of_function import UnnamedError, is_named, op_name
from tensorflow_free.tracing.refusals import NOWHERE

CaptureLevel = Literal["public", "aten"]
"""Whose calls are steps: PyTorch's public functions, or the ops of aten that its dispatcher sees below autograd."""

FACTORY: Final = re.compile(r"aten\.(?:new_\w+|\w+_like)\.")
"""Calls that make a tensor as large as another, or where another lies."""


class BelowAutograd(EagerMode):
    """Takes down what reaches the dispatcher below autograd; what a kernel calls in turn is not seen."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[TracedCall] = []

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        is_random = torch.Tag.nondeterministic_seeded in func.tags
        drawn = torch.default_generator.get_state() if is_random else None
        refused = _refused(func, args, named)
        result = func(*args, **named)
        if self._is_same_tensor_again(func, args):
            self.calls[-1].result = result
            return result
        one = _literal(result) if func is torch.ops.aten.lift_fresh.default else _call(func, args, named, result)
        one.refused = refused
        one.draws = drawn is not None and not torch.equal(drawn, torch.default_generator.get_state())
        one.stood = [kept(value) for value in tensors_in(result)]
        self.calls.append(one)
        return result

    def _is_same_tensor_again(self, func: torch._ops.OpOverload, args: Sequence[Any]) -> bool:
        """Whether this is the `detach` by which PyTorch hands a factory's result on."""
        if func is not torch.ops.aten.detach.default or not self.calls:
            return False
        last = self.calls[-1]
        return last.result is args[0] and (not last.tensors or FACTORY.match(last.name) is not None)


def _call(func: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> TracedCall:
    """A call of an op; casts of autocast are calls by themselves here."""
    state = BlockState(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), None)
    written = tuple(_written(func, args, kwargs))
    return TracedCall(func, str(func), args, kwargs, result, "", NOWHERE, state, written)


def _refused(func: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Why a step, which calls the kernel alone, would refuse these arguments; what calls it here has checked them."""
    name = str(func)
    rules = rules_of(name)
    op = find(name) if rules else None
    return None if op is None else Guarded(func, op.signatures[0], rules).problem(args, kwargs)


def _literal(made: torch.Tensor) -> TracedCall:
    """A tensor of numbers that stand in the model's code: of `torch.tensor(…)`, or set to a subscript."""
    state = BlockState(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), None)
    numbers, dtype = made.detach().tolist(), {"dtype": made.dtype}
    return TracedCall(torch.tensor, "torch.tensor", (numbers,), dtype, made, "", NOWHERE, state)


def _written(func: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[torch.Tensor]:
    """The arguments that an op says that it changes."""
    for position, parameter in enumerate(func._schema.arguments):
        if parameter.alias_info is not None and parameter.alias_info.is_write:
            value = args[position] if position < len(args) else kwargs.get(parameter.name)
            yield from tensors_in(value)


def put_at_level(taken: Taken, level: CaptureLevel) -> None:
    """Put the calls of aten's in place of those that made them: of all at the level aten, else of those without a name.

    Args:
        taken: what was seen; its calls are changed, and calls that stay public at the level aten are told.
        level: whose calls are steps.
    """
    calls: list[TracedCall] = []
    for call in taken.calls:
        stays = level == "public" and is_named(call.function)
        if call.inside is None or stays or isinstance(call.result, float):
            calls.append(call)
        elif (problem := _problem(call)) is None:
            calls += _placed(call)
        else:
            calls.append(call)
            if level == "aten":
                taken.notes.append(f"{call.source}: `{call.name}` stays as it is: {problem}")
    taken.calls[:] = calls


def _problem(call: TracedCall) -> str | None:
    """Why the calls that a call makes cannot stand for it."""
    inside = call.inside or ()
    for one in inside:
        try:
            op_name(one.function, one.args, one.kwargs)
        except UnnamedError:
            return f"it calls '{one.name}', which is no op of a recipe's"
        if one.refused is not None:
            return f"'{one.name}' alone would be refused: {one.refused.partition('; ')[0]}"
    known = {id(tensor) for one in (call, *inside) for tensor in one.tensors}
    known |= {id(tensor) for one in inside for tensor in tensors_in(one.result)}
    if not all(id(tensor) in known for tensor in tensors_in(call.result)):
        return "what it gives is made where the dispatcher cannot be seen"
    return None


def _placed(call: TracedCall) -> list[TracedCall]:
    """The calls that a call makes, by its module and at its line."""
    inside = [replace(one, module=call.module, source=call.source) for one in call.inside or ()]
    given = {id(tensor) for tensor in tensors_in(call.result)}
    for one in reversed(inside):
        if any(id(tensor) in given for tensor in tensors_in(one.result)):
            one.output_of = call.output_of
            break
    return inside
