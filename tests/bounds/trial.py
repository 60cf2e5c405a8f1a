"""One call tried under the guard: twice, with other patterns around its tensors and in memory that nobody has written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from bounds.guard import PATTERNS, library
from bounds.mutations import fresh
from bounds.targets import Arguments, Target
from tensorflow_free.support.eager_runs import tensors_in

Outcome = list[bytes] | str
"""The bytes of what a call gave and of its operands afterwards; or how it failed."""


def finding(target: Target, arguments: Arguments, *, gradients: bool = False) -> str | None:
    """What is wrong with the call: it `writes outside`, or it gives `other values` in other memory."""
    guard = library()
    outcomes = []
    for pattern in PATTERNS:
        guard.guard_pattern(pattern)
        outcomes.append(outcome(target, arguments, gradients=gradients))
        if guard.guard_changed():
            return "writes outside"
    return None if outcomes[0] == outcomes[1] else "other values"


def outcome(target: Target, arguments: Arguments, *, gradients: bool) -> Outcome:
    """Call the target on fresh operands, and its backward pass where `gradients` are wanted."""
    torch.default_generator.manual_seed(0)
    try:
        given = fresh(arguments)
        leaves = [one for one in tensors_in(given) if one.is_floating_point()] if gradients else []
        for leaf in leaves:
            leaf.requires_grad_()
        made = target.call(given)
        parts = [*parts_of(made), *parts_of(given)]
        if leaves:
            parts += _gradients(made, leaves)
    except Exception as error:  # noqa: BLE001 - torch may refuse what is wrong in any way
        return type(error).__name__
    return parts


def _gradients(made: Any, leaves: list[torch.Tensor]) -> Iterator[bytes]:
    targets = [one for one in tensors_in(made) if one.requires_grad]
    if targets:
        ones = [torch.ones_like(one) for one in targets]
        yield from parts_of(torch.autograd.grad(targets, leaves, ones, allow_unused=True))


def parts_of(value: Any) -> Iterator[bytes]:
    """The bytes of each tensor in a value; one that is not plain is read as a plain one, as a later step would."""
    if isinstance(value, torch.Tensor):
        yield _bytes(value.detach())
    elif isinstance(value, dict):
        for part in value.values():
            yield from parts_of(part)
    elif isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        for part in value:
            yield from parts_of(part)
    else:
        yield repr(value).encode()


def _bytes(tensor: torch.Tensor) -> bytes:
    if tensor.is_meta:
        return repr(tensor.shape).encode()
    if tensor.is_nested:
        return b"".join(_bytes(part) for part in tensor.unbind())
    if tensor.is_quantized:
        return _bytes(tensor.int_repr())
    if tensor.layout != torch.strided:
        return _bytes(tensor.to_dense())
    plain = tensor.resolve_conj().resolve_neg().contiguous()
    return bytes(plain.view(-1).view(torch.uint8).numpy()) if plain.numel() else b""
