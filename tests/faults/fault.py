"""What a fault is, how it is put into the registry, and the few ways to be subtly wrong that many faults share."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import torch
from torch import Tensor

from tensorflow_free import registry
from tensorflow_free.ops.signatures import Op

Arguments = tuple[Any, ...]
Wrong = Callable[..., Any]
"""Called with the true function first, then with what the op is called with."""

FAULTS: Final[list[Fault]] = []
"""All faults, as `fault` gathers them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One op that is wrong.

    Attributes:
        name: what is wrong, in words.
        kind: the family it is of.
        ops: the ops that it replaces, by their names in the registry, in all of their forms.
        wrong: the function.
        direction: which part is wrong: the value, or only the gradient.
        shows: arguments on which it is wrong; tensors with `requires_grad` have a gradient.
        fine: arguments on which it is right, where there are any.
    """

    name: str
    kind: str
    ops: tuple[str, ...]
    wrong: Wrong
    direction: Literal["forward", "backward"]
    shows: Callable[[], Arguments]
    fine: Callable[[], Arguments] | None = None


def fault(
    kind: str,
    *ops: str,
    shows: Callable[[], Arguments],
    fine: Callable[[], Arguments] | None = None,
    back: bool = False,
) -> Callable[[Wrong], Wrong]:
    """Add a fault to the catalogue; its name is the function's."""

    def add(wrong: Wrong) -> Wrong:
        name = wrong.__name__.replace("_", " ")
        FAULTS.append(Fault(name, kind, ops, wrong, "backward" if back else "forward", shows, fine))
        return wrong

    return add


# the registry, for a while


@contextmanager
def injected(one: Fault) -> Iterator[None]:
    """Replace a fault's ops, under each of their spellings, for recipes that are loaded inside."""
    known = registry._found
    true = {name: found_op(name) for name in one.ops}
    before = {spelling: op for spelling, op in known.items() if op.name.removeprefix("Tensor.") in true}
    try:
        _forget(true)
        known.update({name: _replaced(op, one.wrong) for name, op in true.items()})
        yield
    finally:
        _forget(true)
        known.update(before)


def _forget(ops: dict[str, Op]) -> None:
    for spelling, op in list(registry._found.items()):
        if op.name.removeprefix("Tensor.") in ops:
            del registry._found[spelling]


def _replaced(op: Op, wrong: Wrong) -> Op:
    signatures = [
        dataclasses.replace(one, function=functools.partial(_called, wrong, one.function)) for one in op.signatures
    ]
    return dataclasses.replace(op, signatures=tuple(signatures))


def _called(wrong: Wrong, true: Wrong, *arguments: Any, **keywords: Any) -> Any:
    # what writes into `out` is another kernel
    return true(*arguments, **keywords) if "out" in keywords else wrong(true, *arguments, **keywords)


def found_op(name: str) -> Op:
    """The op of this name, which there must be."""
    op = registry.find(name)
    assert op is not None, f"'{name}' is not an op"
    return op


# wrong in the backward pass alone


class _GradientOf(torch.autograd.Function):
    """The value of one tensor with the gradient of another."""

    @staticmethod
    def forward(ctx: Any, right: Tensor, wrong: Tensor) -> Tensor:
        return right.view_as(right)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient


def with_gradient_of(right: Tensor, wrong: Tensor) -> Tensor:
    """The value of `right`, and going back the formula of `wrong`, which has the same shape and dtype."""
    return _GradientOf.apply(right.detach(), wrong) if wrong.requires_grad else right.detach()


class _Altered(torch.autograd.Function):
    """A tensor whose gradient is altered on its way back."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, alter: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.alter = alter
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.alter(gradient), None


def altered(tensor: Any, alter: Callable[[Tensor], Tensor]) -> Any:
    """The same tensor; the gradient that it gets is altered first."""
    return _Altered.apply(tensor, alter) if isinstance(tensor, Tensor) and tensor.requires_grad else tensor


# other memory


def in_storage_order(x: Tensor, **strides: Any) -> Tensor:
    """As many numbers of the storage, one after another: what code sees that forgets that strides exist."""
    if x.is_contiguous() or x.numel() > x.untyped_storage().nbytes() // x.element_size() - x.storage_offset():
        return x
    return x.as_strided(x.shape, torch.empty(x.shape, device="meta").stride())


# numbers to show faults on


def randn(*size: int, grad: bool = False) -> Tensor:
    """The same random numbers at each call."""
    numbers = torch.randn(size, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
    return numbers.requires_grad_(grad)


def numbers(*values: Any, dtype: torch.dtype = torch.float64, grad: bool = False) -> Tensor:
    """These numbers as a tensor."""
    return torch.tensor(values, dtype=dtype).requires_grad_(grad)
