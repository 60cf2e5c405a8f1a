"""One call alone: what it makes of its operands, what it leaves of them, and the gradients that it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_map

from tensorflow_free.isolation.captured import CapturedCall
from tensorflow_free.isolation.copies import Convert, alike, equal, tensors_in

Gradients = dict[int, torch.Tensor | None]


@dataclass(slots=True)
class Alone:
    """What one call came to.

    Attributes:
        results: the tensors that it made.
        operands: its operands' tensors afterwards.
        gradients: what it hands to each operand, by the pass.
        changed: the positions of the operands that it changed, where that was asked.
    """

    results: list[torch.Tensor]
    operands: list[torch.Tensor]
    gradients: dict[int, Gradients] = field(default_factory=dict)
    changed: frozenset[int] = frozenset()


def run_alone(
    call: CapturedCall,
    function: Callable[..., Any],
    convert: Convert,
    passes: Sequence[int],
    *,
    in_place: bool,
) -> Alone:
    """Run one call alone on its captured operands.

    Args:
        call: the call.
        function: what to call in its place.
        convert: makes the numbers of an operand or of a gradient anew: in the dtype, on the device that is wanted.
        passes: the backward passes to run.
        in_place: whether it changes operands, of which autograd then needs copies.
    """
    given = alike(call.operands, convert)
    tensors = tensors_in(given)
    if in_place:
        stood = [_still(one) for one in tensors]
        with torch.no_grad():
            forward = _forward(function, given, tensors)
        moved = [at for at, one in enumerate(forward.operands) if not equal(stood[at], one)]
        forward.changed = frozenset(moved)
        if not passes:
            return forward
        given = alike(call.operands, convert)
        tensors = tensors_in(given)
    elif not passes:
        return _forward(function, given, tensors)
    leaves = _leaves(call, tensors)
    made = function(*_passed(given, leaves, in_place=in_place))
    results = tensors_in(made)
    found = Alone([_still(one) for one in results], [_still(one) for one in tensors])
    if in_place:
        found = forward
    for number in passes:
        found.gradients[number] = _handed(results, leaves, call.passes[number].incoming, convert)
    return found


def _forward(function: Callable[..., Any], given: Any, tensors: Sequence[torch.Tensor]) -> Alone:
    made = function(*given)
    return Alone([_still(one) for one in tensors_in(made)], [_still(one) for one in tensors])


def _leaves(call: CapturedCall, tensors: Sequence[torch.Tensor]) -> dict[int, torch.Tensor]:
    """The operands that want gradients, by their positions; one that is given twice at the first of them."""
    found: dict[int, torch.Tensor] = {}
    known: set[int] = set()
    for at, one in enumerate(tensors):
        if call.wants[at] and is_differentiable(one) and id(one) not in known:
            known.add(id(one))
            found[at] = one.requires_grad_()
    return found


def _passed(given: Any, leaves: Mapping[int, torch.Tensor], *, in_place: bool) -> Any:
    """The operands as they are passed: of leaves copies, where they are changed in place."""
    if not in_place:
        return given
    copies = {id(one): one.clone() for one in leaves.values()}
    return tree_map(lambda one: copies.get(id(one), one), given)


def _handed(
    results: Sequence[torch.Tensor],
    leaves: Mapping[int, torch.Tensor],
    incoming: Mapping[int, torch.Tensor],
    convert: Convert,
) -> Gradients:
    """What is handed to each leaf for what came in; nothing where nothing came."""
    came = {at: one for at, one in incoming.items() if at < len(results) and results[at].requires_grad}
    if not came or not leaves:
        return {}
    gradients = torch.autograd.grad(
        [results[at] for at in came],
        list(leaves.values()),
        [_like(alike(one, convert), results[at]) for at, one in came.items()],
        retain_graph=True,
        allow_unused=True,
    )
    return dict(zip(leaves, gradients, strict=True))


def _like(gradient: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    return gradient if gradient.dtype == result.dtype else gradient.to(result.dtype)


def _still(one: torch.Tensor) -> torch.Tensor:
    """A copy that stays as it is; what memory it shares is not needed."""
    return one.detach().clone()


def is_differentiable(one: torch.Tensor) -> bool:
    """Whether a tensor may want gradients."""
    return one.is_floating_point() or one.is_complex()


WIDE = {torch.complex64: torch.complex128, torch.complex32: torch.complex128}


def widened(flat: torch.Tensor) -> torch.Tensor:
    """Numbers in float64, complex ones in complex128; integers and booleans a copy."""
    if not is_differentiable(flat):
        return flat.clone()
    return flat.to(WIDE.get(flat.dtype, torch.complex128 if flat.is_complex() else torch.float64), copy=True)
