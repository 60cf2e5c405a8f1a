"""Whether a fault is one: what it gives beside what the true op gives."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.faults.fault import Arguments, Fault, found_op


def values_of(value: Any) -> list[Tensor]:
    """The tensors in what an op gave."""
    if isinstance(value, Tensor):
        return [value]
    return [one for one in value if isinstance(one, Tensor)] if isinstance(value, (list, tuple)) else []


def run(function: Any, arguments: Arguments) -> list[Tensor]:
    """The values that a function gives, what became of its operands, and their gradients."""
    torch.manual_seed(3)
    keywords = arguments[-1] if isinstance(arguments[-1], dict) else {}
    arguments = arguments[: len(arguments) - bool(keywords)]
    given = values_of(arguments) + [one for part in arguments if isinstance(part, list) for one in values_of(part)]
    values = values_of(function(*arguments, **keywords))
    floating = [one for one in values if one.requires_grad]
    if floating:
        weights = [torch.arange(1.0, one.numel() + 1).to(one.dtype).view(one.shape) for one in floating]
        torch.autograd.backward(floating, weights)
    gradients = [torch.zeros(()) if one.grad is None else one.grad for one in given]
    return [one.detach() for one in (*values, *given, *gradients)]


def differs(one: Fault, arguments: Any) -> bool:
    """Whether the fault gives another value or gradient than the op does, by more than rounding."""
    true = found_op(one.ops[0]).signatures[0].function
    right = run(true, arguments())
    wrong = run(lambda *given, **keywords: one.wrong(true, *given, **keywords), arguments())
    return not all(alike(*pair) for pair in zip(right, wrong, strict=True))


def alike(right: Tensor, wrong: Tensor) -> bool:
    """Whether they are the same but for rounding; -0.0 is not 0.0."""
    if right.shape != wrong.shape or right.dtype != wrong.dtype:
        return False
    if not torch.equal(right.isnan() | (right != 0), wrong.isnan() | (wrong != 0)):
        return False
    zeros = right == 0
    return torch.allclose(right, wrong, rtol=1e-13, atol=0, equal_nan=True) and torch.equal(
        torch.signbit(right[zeros]) if right.dtype.is_floating_point else zeros,
        torch.signbit(wrong[zeros]) if right.dtype.is_floating_point else zeros,
    )
