"""`FromRecords`: each step held against float64 on what a saved run recorded, where the cell cannot be run again.

The reference's plan runs once, and behind each step the value that the cell recorded stands in the place of what the
step made. So a step reads what the cell read, and what it makes is compared with what the cell made. A step whose
value is not recorded is computed on from there: with those behind it up to the next recorded value it is a group, of
which one is wrong if that value is.

Gradients are cut at the same places, where the cell recorded one: what a value's readers hand it for the gradients that
came to them is compared with the gradient that it has.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import torch

from tensorflow_free.isolation.capturing import DIFFERENTIATES, HELPERS, raw_function, repeats_in
from tensorflow_free.isolation.copies import Convert, alike, tensors_in
from tensorflow_free.isolation.vjps import is_differentiable, widened
from tensorflow_free.judging.movement import GRADIENT, needs_backward
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.autograd import drawn, grad, spread
from tensorflow_free.plan.calls import Call, Site, Values, named_fields
from tensorflow_free.plan.plan import Pass, Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.result.run_value import AFTER, Record, recorded
from tensorflow_free.rounding.nudged_runs import NudgedRuns
from tensorflow_free.runner import GivenTensors, values_of_run
from tensorflow_free.tensors.memory import overlaps
from tensorflow_free.tensors.starting_tensors import Start

Records = Mapping[str, Record]

NOTHING: Final = 2
"""The slot of what is not kept."""


class GradientsEndError(Exception):
    """A step that differentiates: what it left in the leaves is not recorded."""


@dataclass
class FromRecords:
    """Runs of a plan on what a cell recorded.

    Attributes:
        records: the cell's.
        plan: whose ops are called.
        given: the starting tensors of which the cell recorded none, as of `run`.
        convert: makes the cell's numbers anew, in the dtype that is wanted.
        nudged: the nudged runs of the reference; None where none are made.
        jumps: as of `Movement`.
        apart: as of `Movement`.
    """

    records: Records
    plan: Plan
    given: GivenTensors | None = None
    convert: Convert = widened
    nudged: NudgedRuns | None = None
    jumps: bool = False
    apart: bool = True

    @cached_property
    def repeats(self) -> Mapping[KeyPath, tuple[int, ...]]:
        """The rounds of the `repeat` blocks around each step."""
        return dict(repeats_in((*self.plan.forward, *self.plan.rest)))

    def run(self) -> dict[str, Record]:
        """What each step makes of what the cell recorded, and the gradients that its readers hand each value."""
        found: dict[str, Record] = {}
        values_of_run(self._into(found, backward=True), self._starts(), nullcontext)
        return found

    def values(self, number: int, times: float = 1.0, *, names: Collection[str] | None = None) -> Mapping[str, Record]:
        """As of `Movement`."""
        found: dict[str, Record] = {}
        if self.nudged is not None:
            plan = self._into(found, backward=needs_backward(names))
            nudged = replace(self.nudged.of(plan), given=self._starts())
            nudged.run(number, times)
            self.jumps = self.jumps or nudged.jumps
        return found

    def _starts(self) -> GivenTensors:
        names = {start.name for start in self.plan.starts}
        had = {name: one.value for name, one in self.records.items() if name in names and one.is_tensor}
        return {**(self.given or {}), **{name: one for name, one in had.items() if isinstance(one, torch.Tensor)}}

    @cached_property
    def changed(self) -> frozenset[str]:
        """The names of the values that a later step may change."""
        return frozenset(one.name for one in self.plan.recordings if one.after)

    def _into(self, found: dict[str, Record], *, backward: bool) -> Plan:
        replaying = _Following(self, found)
        plan = with_calls(self.plan, replaying.around)
        ends: list[Call] = [(replaying.end_of_steps, replaying.standing, NOTHING, Site("", "", ("steps",)))]
        if backward:
            ends.append((replaying.end, replaying.leaves, NOTHING, Site("", "", ("backward",))))
        return replace(plan, forward=(*plan.forward, *ends), passes=(), retained=(), checks=())


@dataclass
class _Following:
    """One run."""

    replays: FromRecords
    found: dict[str, Record]
    outputs: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)
    """What steps made, each with the gradient that came to it in the cell."""
    inner: dict[str, torch.Tensor] = field(default_factory=dict)
    """Where the graph is cut: the recorded values, by their names."""
    within: dict[str, torch.Tensor] = field(default_factory=dict)
    """What comes to a recorded value from other results of its own step, by its name."""
    visits: Counter[KeyPath] = field(default_factory=Counter)
    rounds: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    """What steps made in each round, by the names of their traces."""

    def around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        """A call behind which the cell's value stands."""
        raw = raw_function(function)
        if raw in HELPERS:
            return function

        def followed(*operands: Any) -> Any:
            visit = self.visits[site.path]
            self.visits[site.path] += 1
            if raw in DIFFERENTIATES:
                return self._differentiated(site)
            return self._replaced(function(*operands), site, visit, operands)

        return followed

    def _differentiated(self, site: Site) -> Any:
        record = self.replays.records.get(site.name)
        if record is None or not isinstance(record.value, torch.Tensor):
            raise GradientsEndError
        return alike(record.value, self.replays.convert)

    def _replaced(self, made: Any, site: Site, visit: int, operands: Sequence[Any]) -> Any:
        """What a step made, noted, and in its place what the cell recorded."""
        if isinstance(made, torch.Tensor):
            return self._one(made, site.name, site, visit, operands)
        if isinstance(made, (tuple, list)):
            parts = [
                self._one(part, f"{site.name}.{name}", site, visit, operands)
                if isinstance(part, torch.Tensor)
                else part
                for name, part in named_fields(made)
            ]
            return tuple(parts) if type(made) is tuple else parts if type(made) is list else type(made)(parts)
        return made

    def _one(self, made: torch.Tensor, name: str, site: Site, visit: int, operands: Sequence[Any]) -> torch.Tensor:
        value = self._recorded(name, site, visit)
        if value is None or value.shape != made.shape or value.is_complex() != made.is_complex():
            return made
        self._note(made, name, site, visit)
        value = self._converted(value)
        is_read = any(made is one for one in tensors_in(operands))
        if is_read or (name in self.replays.changed and _is_view(made, operands)):
            # changed in place, or to be: what reads that memory from now on reads what the cell had there
            _written(made, value)
            return made
        gradient = self.replays.records.get(name + GRADIENT)
        if not made.requires_grad or not is_differentiable(value):
            return value if made.dtype == value.dtype else value.to(made.dtype)
        value = value.to(made.dtype)
        if gradient is None or not isinstance(gradient.value, torch.Tensor) or not self._is_last(site, visit):
            # the gradient goes on through it
            found: torch.Tensor = _InPlaceOf.apply(made, value)  # type: ignore[no-untyped-call]
            return found
        self._cut(made, name, self._converted(gradient.value).to(made.dtype))
        leaf = value.detach().requires_grad_()
        self.inner[name] = leaf
        return leaf.clone()

    def _cut(self, made: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        """Have the cell's gradient go on through what a step made; what other results of it hand that is noted."""

        def came(within: torch.Tensor) -> torch.Tensor:
            self.within[name] = within
            return gradient

        made.register_hook(came)  # type: ignore[no-untyped-call]
        self.outputs.append((made, torch.zeros_like(gradient)))

    def _converted(self, value: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = alike(value, self.replays.convert)
        return made

    def _note(self, made: torch.Tensor, name: str, site: Site, visit: int) -> None:
        """Note what a step made: in the last round under its name, in each as a part of its trace."""
        value = made.detach().clone()
        if self._is_last(site, visit):
            self.found |= {one.name: one for one in recorded(name, "step", value, site.op)}
        trace = self._trace(name, site)
        if trace is not None:
            rounds = self.rounds.setdefault(trace.name, [])
            rounds.append(value)
            if len(rounds) == len(trace.value):
                self.found[trace.name] = Record(trace.name, "trace", torch.stack(rounds), site.op)

    def _recorded(self, name: str, site: Site, visit: int) -> torch.Tensor | None:
        """What the cell recorded of a step's value; in a round its part of the trace, if there is one."""
        trace = self._trace(name, site)
        if trace is not None and visit < len(trace.value):
            part: torch.Tensor = trace.value[visit]
            return part
        found = self.replays.records.get(name)
        is_there = found is not None and isinstance(found.value, torch.Tensor) and self._is_last(site, visit)
        return found.value if found is not None and is_there else None

    def _trace(self, name: str, site: Site) -> Record | None:
        """The record of all rounds of a step's value, in a block that repeats it."""
        if len(site.path) == _TOP:
            return None
        found = self.replays.records.get(f"{site.path[-3]}.{name}")
        return found if found is not None and isinstance(found.value, torch.Tensor) else None

    def _is_last(self, site: Site, visit: int) -> bool:
        """Whether it is the last call of a step, whose value stands under the step's name."""
        return visit + 1 == math.prod(self.replays.repeats.get(site.path, ()))

    # the end

    def standing(self, values: Values) -> list[Any]:
        """The values as they are at the end, of which the cell recorded that."""
        plan, records = self.replays.plan, self.replays.records
        kept = [one for one in plan.recordings if one.after and one.name + AFTER in records]
        return [[(one.name, one.op, values[one.slot]) for one in kept]]

    def end_of_steps(self, standing: Sequence[tuple[str, str | None, Any]]) -> None:
        """Note how values are at the end."""
        for name, op, value in standing:
            for one in recorded(name, "after", value, op):
                self.found[one.name + AFTER] = replace(one, name=one.name + AFTER)

    def leaves(self, values: Values) -> list[Any]:
        """The starting tensors, and the targets of the passes with the gradients that those begin with."""
        plan = self.replays.plan
        starts = {one.name: values[slot] for one, slot in zip(plan.starts, plan.leaf_slots, strict=True)}
        seeds = [(values[one.slot], _seed(one, values)) for one in plan.passes]
        return [starts, seeds]

    def end(self, starts: Mapping[str, Any], seeds: Sequence[tuple[Any, torch.Tensor | None]]) -> None:
        """Note what the readers of each value hand it."""
        leaves = dict(self.inner)
        leaves |= {name: one for name, one in starts.items() if isinstance(one, torch.Tensor) and one.requires_grad}
        outputs = [*self.outputs, *((one, seed) for one, seed in seeds if seed is not None and one.requires_grad)]
        if not leaves or not outputs:
            return
        gradients = grad(
            [one for one, _ in outputs], list(leaves.values()), [one for _, one in outputs], allow_unused=True
        )
        for (name, _), gradient in zip(leaves.items(), gradients, strict=True):
            within = self.within.get(name)
            whole = within if gradient is None else gradient if within is None else gradient + within
            self.found[name + GRADIENT] = Record(name + GRADIENT, "gradient", whole)


_TOP: Final = 2
"""The length of the path of a step that is in no block: `steps.NAME`."""


def _is_view(made: torch.Tensor, operands: Sequence[Any]) -> bool:
    """Whether a tensor lies in the memory of an operand."""
    if made.layout != torch.strided or made.is_nested:
        return False
    memory = made.untyped_storage().data_ptr()
    read = (one for one in tensors_in(operands) if one.layout == torch.strided and not one.is_nested)
    return any(one.untyped_storage().data_ptr() == memory for one in read)


def _written(made: torch.Tensor, value: torch.Tensor) -> None:
    """Put numbers into the memory of a tensor; in one that says a number several times they stand already."""
    if not (made.layout == torch.strided and overlaps(made.shape, made.stride())):
        made.data.copy_(value)


class _InPlaceOf(torch.autograd.Function):
    """A value in the place of what was made, whose gradient goes on as if it had been made."""

    @staticmethod
    def forward(ctx: Any, made: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """The value."""
        del ctx, made
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """The gradient as it came."""
        del ctx
        return gradients[0], None


def _seed(one: Pass, values: Values) -> torch.Tensor | None:
    """The gradient that a pass begins with; None where its target has no history."""
    target = values[one.slot]
    if not isinstance(target, torch.Tensor) or not target.requires_grad:
        return None
    gradient: Any = one.gradient
    if one.gradient_slot is not None:
        gradient = values[one.gradient_slot]
    elif one.gradient_start is not None:
        gradient = one.gradient_start
    if isinstance(gradient, Start):
        return drawn(gradient, target)
    if gradient is None:
        return torch.ones_like(target)
    return gradient.to(target.dtype) if isinstance(gradient, torch.Tensor) else spread(gradient, target)
