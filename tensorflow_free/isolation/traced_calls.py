"""`captured_inside`: a compiled cell's run once more, whose graphs give out what each call read, made and handed back.

Every value is returned beside the results, as with `record: all`. Every gradient is seen by probes: further inputs of
the compiled function, each read beside a value by a function that gives the value as it is, and whose gradient is that
of the value. So forward and backward stay one graph each, and no number in them is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch.utils._pytree import tree_map

from tensorflow_free.isolation.call_notes import CallToNote, Noted, narrowed, with_notes
from tensorflow_free.isolation.captured import Captured, CapturedCall
from tensorflow_free.isolation.capturing import MOST_BYTES, CallKeeper, changes
from tensorflow_free.isolation.copies import Copies, equal, tensors_in
from tensorflow_free.plan.calls import Call, Repeat, Within
from tensorflow_free.plan.compiled_function import CompiledFunction
from tensorflow_free.plan.plan import Plan
from tensorflow_free.registry import find
from tensorflow_free.result.result import Result
from tensorflow_free.run.forward import Forward, input_slots
from tensorflow_free.runner import GivenTensors, run

MANY: Final = 1 << 16
"""More graphs than a run breaks into: where they break at calls, all that note share the code that is compiled."""


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


class _Inside:
    """A compiled run whose calls are captured."""

    def __init__(self, plan: Plan, eager: Captured, kept: Callable[[str], bool], *, probed: bool) -> None:
        self.capturing = CallKeeper(plan, hooked=True, first=0, most_bytes=MOST_BYTES)
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

    def _want(self, call: CapturedCall, *, copied: bool, probed: bool) -> CallToNote:
        tensors, made = tensors_in(call.operands), tensors_in(call.result)
        first: dict[int, int] = {}
        same = tuple(first.setdefault(id(one), position) for position, one in enumerate(tensors))
        wanted = CallToNote(call, copied, same=same)
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
            self._compiled = CompiledFunction(self._function(), self._plan.recipe.backend)
        device = self._plan.recipe.device
        probes = [torch.empty_like(one, device=device, requires_grad=True) for one in self._shapes]
        limits = dict.fromkeys(("recompile_limit", "accumulated_recompile_limit"), MANY)
        with torch._dynamo.config.patch(limits):  # noqa: SLF001 - documented there
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
        calls = tuple(with_notes(plan.forward, Noted(self._wanted, at, self._copies_results)))

        def forward(inputs: list[Any], probes: list[Any]) -> tuple[Any, ...]:
            values = [*initial, [], probes]
            for slot, tensor in zip(slots, inputs, strict=True):
                values[slot] = tensor
            for function, arguments, out, _ in calls:
                values[out] = function(*arguments(values))
            return tuple([values[slot] for slot in returned]), values[at]

        return forward

    def _take(self, wanted: CallToNote, note: Sequence[Any], probes: Sequence[torch.Tensor]) -> None:
        """Take in what is known of a call, and see to the gradients to come."""
        before, after, made = note
        if wanted.copied:
            before, after, made = (
                list(map(narrowed, part, likes)) for part, likes in zip(note, wanted.likes, strict=True)
            )
        whole_of = [before[position] for position in wanted.same]
        call = replace(
            wanted.call,
            operands=self._copies.of(_filled(wanted.call.operands, whole_of)),
            result=self._copies.of(_filled(wanted.call.result, made)),
            after={at: self._copies.of(one) for at, one in enumerate(after) if not equal(before[at], one)},
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


def _filled(tree: Any, tensors: Sequence[torch.Tensor]) -> Any:
    """A tree whose tensors are others, in their order."""
    left = iter(tensors)
    return tree_map(lambda one: next(left) if isinstance(one, torch.Tensor) else one, tree)
