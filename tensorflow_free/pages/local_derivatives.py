"""How one call hands a gradient on: its local derivative, the gradient that comes in, and their product, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.isolation.captured import CapturedCall, GradientPass, operand_name, result_name
from tensorflow_free.isolation.copies import tensors_in
from tensorflow_free.isolation.vjps import run_alone

MOST_NUMBERS: Final = 16
"""Numbers of a result, and of an operand, up to which the local derivative is written out."""

LocalKind = Literal["number", "each", "matrix", "not written out", "again"]
"""A local derivative that is one number; one for each element, of which no other depends on it; a matrix with a row for
each number of the result and a column for each of the operand; too many numbers; or that of a gradient, which an
earlier pass handed on."""


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What a call hands to one operand in a backward pass.

    Attributes:
        operand: the operand's name.
        result: the name of the result that it is the derivative of.
        kind: how the local derivative is written out.
        local: its numbers, row by row; empty where it is not written out.
        incoming: the gradient of the result.
        handed: what is handed on.
    """

    operand: str
    result: str
    kind: LocalKind
    local: tuple[float, ...]
    incoming: torch.Tensor
    handed: torch.Tensor


def handed_on(call: CapturedCall, number: int) -> Iterator[HandedOn]:
    """What a call handed on in one pass, operand by operand.

    Args:
        call: the call.
        number: the pass through it.
    """
    one = call.passes[number]
    if one.further:
        yield from _again(call, number, one)
        return
    handed = dict(one.outgoing) or _alone(call, one.incoming) or {}
    tensors = tensors_in(call.operands)
    for position, incoming in one.incoming.items():
        for at in sorted(handed):
            local = _jacobian(call, position, at, tensors[at]) if len(one.incoming) == 1 else None
            kind: LocalKind = "not written out" if local is None else _kind_of(local, incoming, tensors[at])
            numbers = () if local is None else _numbers(local, kind)
            yield HandedOn(operand_name(call, at), result_name(call, position), kind, numbers, incoming, handed[at])
        # a pass through several results hands on one sum
        return


def _again(call: CapturedCall, number: int, one: GradientPass) -> Iterator[HandedOn]:
    """What a call handed on in a pass that differentiates what it handed on in an earlier one."""
    (_, operand), incoming = next(iter(one.further.items()))
    of = f"{operand_name(call, operand)}.grad"
    try:
        alone = run_alone(call, call.function, torch.Tensor.clone, sorted(call.passes), in_place=call.in_place)
    except UNTAKEN:
        return
    for at, handed in alone.gradients[number].items():
        if at >= 0 and handed is not None:
            yield HandedOn(operand_name(call, at), of, "again", (), incoming, handed)


def _alone(call: CapturedCall, incoming: dict[int, torch.Tensor]) -> dict[int, torch.Tensor] | None:
    """What a call hands on for what comes in to its results, run alone on what it read; None where it cannot be."""
    asked = replace(call, passes={0: GradientPass(0, incoming)})
    try:
        alone = run_alone(asked, call.function, torch.Tensor.clone, [0], in_place=call.in_place)
    except UNTAKEN:
        return None
    return {at: one for at, one in alone.gradients[0].items() if one is not None and at >= 0}


def _jacobian(call: CapturedCall, position: int, at: int, operand: torch.Tensor) -> torch.Tensor | None:
    """The derivative of a result by an operand, a row for each number of the result; None where it is too large."""
    results = tensors_in(call.result)
    if position >= len(results) or not (_is_small(results[position]) and _is_small(operand)):
        return None
    rows = []
    for unit in torch.eye(results[position].numel(), dtype=results[position].dtype):
        row = (_alone(call, {position: unit.reshape(results[position].shape)}) or {}).get(at)
        if row is None:
            return None
        rows.append(row.flatten())
    return torch.stack(rows)


def _is_small(one: torch.Tensor) -> bool:
    is_plain = one.layout == torch.strided and not one.is_nested and one.is_floating_point()
    return is_plain and 0 < one.numel() <= MOST_NUMBERS


def _kind_of(local: torch.Tensor, incoming: torch.Tensor, operand: torch.Tensor) -> LocalKind:
    if local.numel() == 1:
        return "number"
    # torch.equal tells NaN from NaN, which then is a matrix
    is_each = incoming.shape == operand.shape and torch.equal(local, torch.diag(local.diagonal()))
    return "each" if is_each else "matrix"


def _numbers(local: torch.Tensor, kind: LocalKind) -> tuple[float, ...]:
    shown: Any = local.diagonal() if kind == "each" else local
    return tuple(shown.flatten().tolist())
