"""`ReadersApart`: what a call reads and makes in place of its operands and results: what comes to these is its own.

A pass that differentiates another hands gradients to whatever that one has kept: an operand or a result, which other
calls read as well. An alias is read by one call alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from tensorflow_free.isolation.copies import each_tensor, tensors_in

SeeOfOne = Callable[[torch.Tensor | None], torch.Tensor | None]
"""Called with a gradient; what it gives goes on in its place."""


class ReadersApart:
    """The aliases of one call.

    Attributes:
        operands: the operands, those that want gradients by their aliases.
    """

    def __init__(
        self,
        operands: tuple[Any, ...],
        wants: Sequence[bool],
        see: Callable[[int, torch.Tensor | None], torch.Tensor | None],
    ) -> None:
        aliases: dict[int, torch.Tensor] = {}
        self._origins: dict[int, torch.Tensor] = {}
        self._read = {id(one) for one in tensors_in(operands)}
        for position, (one, wanted) in enumerate(zip(tensors_in(operands), wants, strict=True)):
            if wanted and id(one) not in aliases and can_be_aliased(one):
                alias = aliases[id(one)] = torch.ops.aten.alias.default(one)
                self._origins[id(alias)] = one
                hook(alias, partial(see, position))
        self.operands = each_tensor(lambda one: aliases.get(id(one), one), operands)

    def of_results(self, made: Any) -> Any:
        """ReadersApart of what the call made; an operand among it as it is."""
        return each_tensor(self._of_result, made)

    def _of_result(self, one: torch.Tensor) -> torch.Tensor:
        if id(one) in self._origins:
            return self._origins[id(one)]
        wants = one.requires_grad and torch.is_grad_enabled() and id(one) not in self._read and can_be_aliased(one)
        return torch.ops.aten.alias.default(one) if wants else one


def hook(one: torch.Tensor, see: SeeOfOne) -> None:
    """Have the gradients of a tensor seen."""
    one.register_hook(see)  # type: ignore[no-untyped-call]


def can_be_aliased(one: torch.Tensor) -> bool:
    """Whether a tensor can be read by an alias."""
    return type(one) in (torch.Tensor, torch.nn.Parameter) and one.layout == torch.strided and not one.is_nested
