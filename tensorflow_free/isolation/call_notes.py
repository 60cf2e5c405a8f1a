"""Calls that note what they read and make while a compiler traces them, and hand their gradients to probes, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch

from tensorflow_free.isolation.captured import CapturedCall
from tensorflow_free.isolation.capturing import HELPERS, raw_function
from tensorflow_free.isolation.copies import tensors_in
from tensorflow_free.plan.calls import Call, Repeat, Values, Within, whole


class _Probe(torch.autograd.Function):
    """A tensor as it is, whose gradient goes to a probe, too."""

    @staticmethod
    def forward(ctx: Any, one: torch.Tensor, probe: torch.Tensor, copied: bool) -> torch.Tensor:  # noqa: FBT001 - see apply
        del ctx, probe
        return one.clone() if copied else one.view_as(one)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        del ctx
        (gradient,) = gradients
        return gradient, gradient, None


@dataclass(frozen=True, slots=True)
class CallToNote:
    """What is wanted of one call.

    Attributes:
        call: it, as it ran eagerly.
        copied: whether what it reads and makes is copied, as a later call may change it.
        operands: the positions of the operands that are probed, and the numbers of the probes.
        results: the same of the results.
        same: for each position among the operands, the first that is the same tensor.
    """

    call: CapturedCall
    copied: bool
    operands: dict[int, int] = field(default_factory=dict)
    results: dict[int, int] = field(default_factory=dict)
    same: tuple[int, ...] = ()

    @property
    def likes(self) -> tuple[list[torch.Tensor], ...]:
        """Tensors of the dtypes of what it reads, of that afterwards, and of what it makes."""
        read = tensors_in(self.call.operands)
        return read, read, tensors_in(self.call.result)


@dataclass(frozen=True, slots=True)
class Noted:
    """How calls note what they read and make.

    Attributes:
        wanted: what is wanted of each call, in the order in which they run; None of one that is not kept.
        at: the slot of the notes; that of the probes is the next.
        copies: whether a result is copied where it is probed: a view that a graph gives out would be made outside it,
            past its probe. What is changed in place later must stay the view that it is.
    """

    wanted: Sequence[CallToNote | None]
    at: int
    copies: bool


def with_notes(calls: Sequence[Call], noted: Noted) -> Iterator[Call]:
    """The calls, each of which notes what it reads and makes."""
    for function, arguments, out, site in calls:
        if isinstance(function, Within | Repeat):
            yield replace(function, body=tuple(with_notes(function.body, noted))), arguments, out, site
        elif arguments is whole or raw_function(function) in HELPERS:
            yield function, arguments, out, site
        else:
            yield _noting(function, arguments, noted, copied=noted.copies), whole, out, site


def _noting(
    function: Callable[..., Any], arguments: Callable[[Values], Sequence[Any]], noted: Noted, *, copied: bool
) -> Callable[[Values], Any]:
    """A call that notes; everything in it is traced."""
    plain = [None if one is None else (one.copied, one.operands, one.results, one.same) for one in noted.wanted]
    at = noted.at

    def noting(values: Values) -> Any:
        notes, probes = values[at], values[at + 1]
        operands = arguments(values)
        how = plain[len(notes)] if len(notes) < len(plain) else None
        if how is None:
            notes.append(None)
            return function(*operands)
        changes_later, of_operands, of_results, same = how
        tensors = _tensors(operands)
        before = _kept(tensors, copied=changes_later)
        given: list[Any] = []
        for position, one in enumerate(tensors):
            first = same[position]
            given.append(given[first] if first != position else _probed(one, probes, of_operands.get(position)))
        made = function(*_replaced(operands, given))
        results = _tensors(made)
        after = _kept(tensors, copied=True) if changes_later else before
        if of_results:
            results = [_probed(each, probes, of_results.get(n), copied=copied) for n, each in enumerate(results)]
            made = _replaced(made, results)
        notes.append((before, after, _kept(results, copied=changes_later)))
        return made

    return noting


def _probed(one: Any, probes: Sequence[Any], number: int | None, *, copied: bool = False) -> Any:
    return one if number is None else _Probe.apply(one, probes[number], copied)  # type: ignore[no-untyped-call]


def _kept(tensors: Sequence[Any], *, copied: bool) -> list[Any]:
    return [_copied(one.detach()) if copied else one.detach() for one in tensors]


def _copied(one: Any) -> Any:
    """A copy that no compiler takes for the tensor itself, as one that is given out twice may lose its gradient."""
    wide = _WIDER.get(one.dtype)
    return one.clone() if wide is None else one.to(wide)


_WIDER: Final = {
    torch.bfloat16: torch.float64,
    torch.float16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}
"""A dtype that holds each number of another."""


def _tensors(tree: Any) -> list[Any]:
    """As `tensors_in`, as a compiler traces it."""
    if isinstance(tree, torch.Tensor):
        return [tree]
    if isinstance(tree, (list, tuple)):
        return [one for part in tree for one in _tensors(part)]
    return []


def _replaced(tree: Any, tensors: list[Any]) -> Any:
    """A tree with other tensors in place of its own, in their order."""
    return _with_next(tree, list(tensors))


def _with_next(tree: Any, left: list[Any]) -> Any:
    if isinstance(tree, torch.Tensor):
        return left.pop(0)
    if isinstance(tree, (list, tuple)):
        parts = [_with_next(part, left) for part in tree]
        if isinstance(tree, list):
            return parts
        return tuple(parts) if type(tree) is tuple else type(tree)(parts)
    return tree


def narrowed(one: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """What was noted as a copy, in the dtype that it has."""
    return one if one.dtype == like.dtype else one.to(like.dtype)
