"""What an op's schema says of a call's arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch._ops import OpOverload


def written(func: OpOverload) -> dict[int | str, None]:
    """The positions and names of the arguments that an op writes to."""
    found = _WRITTEN.get(func)
    if found is None:
        found = _WRITTEN[func] = {}
        for position, argument in enumerate(func._schema.arguments):  # noqa: SLF001
            if argument.alias_info is not None and argument.alias_info.is_write:
                found |= {position: None, argument.name: None}
    return found


_WRITTEN: Final[dict[OpOverload, dict[int | str, None]]] = {}


def each_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[int | str, Any]]:
    """Each argument of a call with its position or its name."""
    yield from enumerate(args)
    yield from kwargs.items()


def in_place_of(one: torch.Tensor, copy: torch.Tensor) -> torch.Tensor:
    """A copy of an operand, which asks for gradients as the operand does.

    Below autograd nothing comes of it, but kernels look there for what to keep for their backward, which trusts them:
    that of `sparse.mm` with `amax` reads beside an argument that was not kept.
    """
    return copy.requires_grad_() if one.requires_grad else copy
