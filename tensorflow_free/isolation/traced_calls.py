"""`captured_inside`: a compiled cell's run once more, whose graphs give out what each call read, made and handed back.

Every value is returned beside the results, as with `record: all`. Every gradient is seen by probes: further inputs of
the compiled function, each read beside a value by a function that gives the value as it is, and whose gradient is that
of the value. So forward and backward stay one graph each, and no number in them is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch
from torch.utils._pytree import tree_map

from tensorflow_free.isolation.captured import Captured, CapturedCall
from tensorflow_free.isolation.capturing import HELPERS, MOST_BYTES, Capturing, changes, raw_function
from tensorflow_free.isolation.copies import Copies, tensors_in
from tensorflow_free.plan.backends import compiled
from tensorflow_free.plan.calls import Call, Repeat, Values, Within, whole
from tensorflow_free.plan.plan import Plan
from tensorflow_free.registry import find
from tensorflow_free.result.result import Result
from tensorflow_free.run.forward import Forward, input_slots
from tensorflow_free.runner import GivenTensors, run

Notes = list[Any]
"""What each call read, what it left of that, and what it made, a call each; None of one that is not kept."""


def captured_inside(
    plan: Plan,
    eager: Captured,
    given: GivenTensors | None = None,
    *,
    kept: Callable[[str], bool] = lambda _: True,
    probed: bool = True,
) -> tuple[Captured, Result]:
    """Run a compiled cell's plan, and keep what the calls inside it read and made.

    Args:
        plan: the cell's, compiled.
        eager: the calls of the same cell, run eagerly: their shapes, and which of them hand gradients on.
        given: as of `run`.
        kept: of which steps, by name.
        probed: whether gradients are seen, too.
    """
    inside = _Inside(plan, eager, kept, probed=probed)
    result, _ = run(inside.capturing.into(plan), given=given, forward=inside.forward)
    return inside.capturing.captured, result


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
class _Wanted:
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


class _Inside:
    """A compiled run whose calls are captured."""

    def __init__(self, plan: Plan, eager: Captured, kept: Callable[[str], bool], *, probed: bool) -> None:
        self.capturing = Capturing(plan, hooked=True, first=0, most_bytes=MOST_BYTES)
        self._plan = plan
        self._copies = Copies()
        self._shapes: list[torch.Tensor] = []
        changing = any(changes(find(one.site.op)) for one in eager.calls)
        self._copies_results = not changing
        copied = bool(plan.ops) or changing
        self._wanted = [
            self._want(one, copied=copied, probed=probed) if kept(one.site.name) else None
            for one in _inner(plan, eager)
        ]
        self._compiled: Forward | None = None

    def _want(self, call: CapturedCall, *, copied: bool, probed: bool) -> _Wanted:
        tensors, made = tensors_in(call.operands), tensors_in(call.result)
        first: dict[int, int] = {}
        same = tuple(first.setdefault(id(one), position) for position, one in enumerate(tensors))
        wanted = _Wanted(call, copied, same=same)
        if not probed or changes(find(call.site.op)):
            return wanted
        for position, one in enumerate(tensors):
            if call.wants[position] and same[position] == position and one.layout == torch.strided:
                wanted.operands[position] = self._probe(one)
        incoming = {position for one in call.passes.values() for position in one.incoming}
        for position in sorted(incoming):
            wanted.results[position] = self._probe(made[position])
        return wanted

    def _probe(self, like: torch.Tensor) -> int:
        self._shapes.append(like)
        return len(self._shapes) - 1

    def forward(self, *inputs: torch.Tensor) -> tuple[Any, ...]:
        """The forward steps, compiled, whose calls are then known."""
        if self._compiled is None:
            self._compiled = compiled(self._function(), self._plan.recipe.backend)
        device = self._plan.recipe.device
        probes = [torch.empty_like(one, device=device, requires_grad=True) for one in self._shapes]
        returned, notes = self._compiled(list(inputs), probes)
        self.capturing.captured.calls.clear()
        for wanted, note in zip(self._wanted, notes, strict=False):
            if wanted is not None and note is not None:
                self._take(wanted, note, probes)
        found: tuple[Any, ...] = returned
        return found

    def _function(self) -> Callable[[list[Any], list[Any]], tuple[Any, ...]]:
        plan = self._plan
        initial, slots, returned = plan.initial, input_slots(plan), plan.returned
        at = len(initial)
        calls = tuple(_with_notes(plan.forward, _Noted(self._wanted, at, self._copies_results)))

        def forward(inputs: list[Any], probes: list[Any]) -> tuple[Any, ...]:
            values = [*initial, [], probes]
            for slot, tensor in zip(slots, inputs, strict=True):
                values[slot] = tensor
            for function, arguments, out, _ in calls:
                values[out] = function(*arguments(values))
            return tuple([values[slot] for slot in returned]), values[at]

        return forward

    def _take(self, wanted: _Wanted, note: Sequence[Any], probes: Sequence[torch.Tensor]) -> None:
        """Take in what is known of a call, and see to the gradients to come."""
        before, after, made = note
        if wanted.copied:
            before, after, made = (
                list(map(_narrowed, part, likes)) for part, likes in zip(note, wanted.likes, strict=True)
            )
        whole_of = [before[position] for position in wanted.same]
        call = replace(
            wanted.call,
            operands=self._copies.of(_filled(wanted.call.operands, whole_of)),
            result=self._copies.of(_filled(wanted.call.result, made)),
            after={at: self._copies.of(one) for at, one in enumerate(after) if not _same(before[at], one)},
            passes={},
            is_hooked=True,
        )
        self.capturing.add(call)
        for position, number in wanted.operands.items():
            self.capturing.see_through(probes[number], call, position, incoming=False)
        for position, number in wanted.results.items():
            self.capturing.see_through(probes[number], call, position, incoming=True)


def _inner(plan: Plan, eager: Captured) -> Iterator[CapturedCall]:
    """The calls of an eager run that the compiled forward steps have, too, in their order."""
    paths = set(_paths(plan.forward))
    yield from (one for one in eager.calls if one.site.path in paths)


def _paths(calls: Sequence[Call]) -> Iterator[Any]:
    for function, _, _, site in calls:
        if isinstance(function, Within | Repeat):
            yield from _paths(function.body)
        else:
            yield site.path


@dataclass(frozen=True, slots=True)
class _Noted:
    """How calls note what they read and make.

    Attributes:
        wanted: what is wanted of each call, in the order in which they run; None of one that is not kept.
        at: the slot of the notes; that of the probes is the next.
        copies: whether a result is copied where it is probed: a view that a graph gives out would be made outside it,
            past its probe. What is changed in place later must stay the view that it is.
    """

    wanted: Sequence[_Wanted | None]
    at: int
    copies: bool


def _with_notes(calls: Sequence[Call], noted: _Noted) -> Iterator[Call]:
    """The calls, each of which notes what it reads and makes."""
    for function, arguments, out, site in calls:
        if isinstance(function, Within | Repeat):
            yield replace(function, body=tuple(_with_notes(function.body, noted))), arguments, out, site
        elif arguments is whole or raw_function(function) in HELPERS:
            yield function, arguments, out, site
        else:
            yield _noting(function, arguments, noted, copied=noted.copies), whole, out, site


def _noting(
    function: Callable[..., Any], arguments: Callable[[Values], Sequence[Any]], noted: _Noted, *, copied: bool
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


def _filled(tree: Any, tensors: Sequence[torch.Tensor]) -> Any:
    """A tree whose tensors are others, in their order."""
    left = iter(tensors)
    return tree_map(lambda one: next(left) if isinstance(one, torch.Tensor) else one, tree)


def _narrowed(one: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return one if one.dtype == like.dtype else one.to(like.dtype)


def _same(stood: torch.Tensor, one: torch.Tensor) -> bool:
    return stood is one or torch.equal(stood.cpu(), one.cpu())
