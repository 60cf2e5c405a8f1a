"""Ops of one's own in which nothing is wrong: with state, with a graph inside, with tensors of other kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from tensorflow_free import register_op
from tests.wolf.cells import DTYPES, Cell


class _Kept(torch.autograd.Function):
    """A sigmoid that keeps its result, and a result that has no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.sigmoid(x)
        where = x > 0
        ctx.save_for_backward(y)
        ctx.mark_non_differentiable(where)
        return y, where

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return gradient * y * (1 - y)


class _InPlace(torch.autograd.Function):
    """Twice, in place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 2


_WEIGHT = torch.nn.Parameter(torch.linspace(0.5, 1.5, 4, dtype=torch.float64))
_CALLS: list[int] = []


def kept(input: Tensor) -> tuple[Tensor, Tensor]:
    return _Kept.apply(input)


def in_place(input: Tensor) -> Tensor:
    return _InPlace.apply(input)


def with_weight(input: Tensor) -> Tensor:
    """Reads a parameter of its own, which gets a gradient of its own."""
    return input * _WEIGHT.to(input.dtype)


def counted(input: Tensor) -> Tensor:
    """Counts its calls, and computes the same in each."""
    _CALLS.append(1)
    return input.tanh()


def through_checkpoint(input: Tensor, other: Tensor) -> Tensor:
    return checkpoint(lambda x, w: (x * w).sigmoid() * x, input, other, use_reentrant=False)


def through_reentrant(input: Tensor, other: Tensor) -> Tensor:
    return checkpoint(lambda x, w: (x * w).sigmoid() * x, input, other, use_reentrant=True)


def slope(input: Tensor) -> Tensor:
    """Differentiates inside."""
    with torch.enable_grad():
        x = input.detach().requires_grad_()
        (found,) = torch.autograd.grad((x**3).sum(), x)
    return found * input


def same(input: Tensor) -> Tensor:
    return input


def part(input: Tensor) -> Tensor:
    return input[1:]


def quiet(input: Tensor) -> Tensor:
    with torch.no_grad():
        size = input.abs().mean()
    return input / (size + 1)


def nested(input: Tensor, other: Tensor) -> Tensor:
    both = torch.nested.as_nested_tensor([input, other])
    return torch.nested.to_padded_tensor(both * 2, 0.0)


def nested_given(input: Tensor, other: Tensor) -> Tensor:
    return torch.nested.as_nested_tensor([input, other])


def nested_padded(input: Tensor) -> Tensor:
    return torch.nested.to_padded_tensor(input * 2, 0.0)


def jagged_given(input: Tensor, other: Tensor) -> Tensor:
    return torch.nested.as_nested_tensor([input, other], layout=torch.jagged)


def jagged_padded(input: Tensor) -> Tensor:
    return torch.nested.to_padded_tensor(input.sin(), 0.0)


def quantised(input: Tensor) -> Tensor:
    return torch.quantize_per_tensor(input.detach().float(), 0.1, 0, torch.qint8)


def noise(input: Tensor) -> Tensor:
    return input + torch.rand_like(input) * torch.bernoulli(torch.full_like(input, 0.5))


def list_of(input: Tensor) -> list[Tensor]:
    return [input * 2, input.exp(), input.detach()]


def attribute(input: Tensor) -> bool:
    return input.is_leaf


OPS: Final = (
    *(kept, in_place, with_weight, counted, through_checkpoint, through_reentrant, slope, same, part, quiet, noise),
    *(nested, nested_given, nested_padded, jagged_given, jagged_padded, quantised, list_of, attribute),
)


def register() -> None:
    """Give a recipe these ops, as `innocent.NAME`; the tests register none by being imported."""
    for one in OPS:
        register_op(f"innocent.{one.__name__}", replace=True)(one)


def op(name: str, *args: str) -> dict[str, Any]:
    return {"op": f"innocent.{name}", "args": list(args)}


STEPS: Final[dict[str, dict[str, Any]]] = {
    "a result that is kept": {"k": op("kept", "x"), "y": "k[0] * x"},
    "in place": {"h": "x * 1", "k": op("in_place", "h"), "y": "k.sin()"},
    "in place on a view": {"h": "x * 1", "u": "h[1:3]", "k": op("in_place", "u"), "y": "h.sin()"},
    "a weight of its own": {"h": op("with_weight", "x"), "y": "h * w"},
    "state": {"b": {"repeat": 3, "carry": {"x": "n"}, "steps": {"n": op("counted", "x")}}, "y": "n * 2"},
    "a checkpoint": {"h": op("through_checkpoint", "x", "w"), "y": "h * x"},
    "a checkpoint that is entered again": {"h": op("through_reentrant", "x", "w"), "y": "h * x"},
    "a gradient inside": {"h": op("slope", "x"), "y": "h + x"},
    "its operand": {"h": "x * 1", "k": op("same", "h"), "y": "k * h"},
    "its operand, changed later": {"h": "x * 1", "k": op("same", "h"), "z": {"op": "mul_", "args": ["h", 2.0]}, "y": "k * w"},
    "a view": {"h": "x * 1", "k": op("part", "h"), "z": {"op": "mul_", "args": ["h", 2.0]}, "y": "k.sin()"},
    "no_grad inside": {"h": op("quiet", "x"), "y": "h * w"},
    "random numbers": {"h": op("noise", "x"), "k": op("noise", "h"), "y": "k * w"},
    "random numbers in rounds": {"b": {"repeat": 3, "carry": {"x": "n"}, "steps": {"n": op("noise", "x")}}, "y": "n * 2"},
    "nested inside": {"y": op("nested", "x", "w")},
    "nested": {"n": op("nested_given", "x", "v"), "y": op("nested_padded", "n")},
    "jagged": {"n": op("jagged_given", "x", "v"), "y": op("jagged_padded", "n")},
    "quantised": {"q": op("quantised", "x"), "d": "q.dequantize()", "i": "q.int_repr()", "y": "x * d"},
    "a list": {"l": op("list_of", "x"), "y": "l[0] * l[1] + l[2]"},
    "a question": {"a": op("attribute", "x"), "h": "x * 2", "b": op("attribute", "h"), "y": "h * 1"},
}  # fmt: skip


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th of them; each that has random numbers or a gradient twice as well."""
    register()
    start = {"init": "randn", "size": [4, 4], "requires_grad": True}
    tensors = {"x": start, "w": start, "v": {**start, "size": [2, 4]}}
    for name, steps in list(STEPS.items())[::every]:
        source = {"tensors": tensors, "steps": steps, "backward": {"target": "y", "gradient": {"init": "randn"}}}
        for dtype in dtypes:
            yield Cell(part, name, dtype, source, tuple(overrides))
