"""The run that a relation starts from, and runs of the same plan on tensors that are made of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import torch

from tensorflow_free.cell.random_names import random_names
from tensorflow_free.cell.stored_pair import StoredPair
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Pass, Plan
from tensorflow_free.recipe.graph import reads_of, steps_of
from tensorflow_free.recipe.models import RelationSpec
from tensorflow_free.recipe.relation_kinds import ALONE, RelationKind
from tensorflow_free.relations.changed_dimensions import narrowed
from tensorflow_free.relations.refused_shapes import unlogged
from tensorflow_free.replay.visits import draws, draws_gradients
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.run.lost_devices import LostError
from tensorflow_free.run.process_state import process_state
from tensorflow_free.run.watching import Watch
from tensorflow_free.runner import GivenTensors, draw, run
from tensorflow_free.tensors.starting_tensors import Start

GRADIENT: Final = ".grad"

_JUDGED: Final = frozenset({"step", "gradient", "after", "trace"})
"""Kinds of records that a relation is about."""


REFUSED: Final = (RuntimeError, MemoryError, IndexError)
"""What torch raises where it has not every op for every kind of tensor."""


class UnrelatedError(Exception):
    """A relation says nothing of this run; its text says why."""


@dataclass(frozen=True)
class Asked:
    """A relation that a recipe states.

    Attributes:
        kind: its row of the table.
        spec: what the recipe says of it.
        path: where it stands in the recipe: `relations.batch`.
    """

    kind: RelationKind
    spec: RelationSpec
    path: str

    @property
    def bits(self) -> bool:
        """Whether it must hold bit for bit."""
        return self.kind.bits if self.spec.bits is None else self.spec.bits

    @property
    def changed(self) -> frozenset[str] | None:
        """The tensors that it changes; None where it changes what is around the run."""
        if self.kind.takes in ALONE:
            return None
        of = self.spec.of
        return frozenset({*of, *of.values()} if self.kind.takes == "tensor" else of)

    def dimensions(self) -> dict[str, int]:
        """The dimension of each tensor that it changes."""
        return {name: told["dim"] if isinstance(told, dict) else told for name, told in self.spec.of.items()}

    def told(self, name: str, key: str, usual: Any) -> Any:
        """What is said of a tensor under a key, or what is usual."""
        told = self.spec.of[name]
        return told.get(key, usual) if isinstance(told, dict) else usual


@dataclass
class Rebuilt:
    """What runs on other tensors gave, made into what the run itself should have.

    Attributes:
        how: how the tensors were changed, in words: `rows alone`, `reversed`.
        values: by name, of the shape of the run's own.
        left: values of which the relation says nothing here, and why.
        loose: values that hold within noise at best, as they are sums in another order.
        dtype: the dtype of the recipe that ran, where it is another.
    """

    how: str
    values: dict[str, Any] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)
    dtype: str | None = None


class Ground:
    """The run that relations start from.

    Attributes:
        plan: what ran.
        result: what it gave.
        noise: how far rounding may take its values, by the dtype of the other run, once that was asked.
    """

    def __init__(self, plan: Plan, result: Result, given: GivenTensors | None, watch: Watch | None = None) -> None:
        self.result = result
        self._given = given
        self._watch = watch
        self.noise: dict[str | None, StoredPair] = {}
        # what a run on other tensors is expected to give, its relation tells
        plain = {"expect": {}, "relations": {}, "xfail": [], "repeats": 1}
        self.plan = replace(plan, recipe=plan.recipe.model_copy(update=plain), checks=())

    @cached_property
    def _drawn(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """What the run started from, and where the random stream stood then."""
        plan = self.plan
        values = list(plan.initial)
        with process_state(plan):
            draw(plan, plan.starts, values, self._given)
            stream = torch.default_generator.get_state()
        return {start.name: values[slot].detach() for start, slot in self._slots()}, stream

    def _slots(self) -> list[tuple[Start, int]]:
        return list(zip(self.plan.starts, self.plan.start_slots, strict=True))

    @property
    def starts(self) -> dict[str, torch.Tensor]:
        """The tensors that the run started from."""
        return self._drawn[0]

    def length(self, dimensions: Mapping[str, int]) -> int:
        """How long the dimensions are that go together.

        Raises:
            UnrelatedError: they differ, or a tensor does not have its dimension.
        """
        lengths = {}
        for name, dimension in dimensions.items():
            shape = self.starts[name].shape
            if not -len(shape) <= dimension < len(shape):
                raise UnrelatedError(f"'{name}' has the shape {list(shape)}, and no dimension {dimension}")
            lengths[name] = shape[dimension]
        if len(set(lengths.values())) > 1:
            raise UnrelatedError(f"the dimensions that go together have the lengths {lengths}")
        return next(iter(lengths.values()))

    def names(self, asked: Asked) -> list[str]:
        """The values and gradients that a relation is about: those it names, or all recorded ones it may change."""
        if asked.spec.values is not None:
            return list(asked.spec.values)
        found = [one for one in self.result.records.values() if one.kind in _JUDGED and one.value is not None]
        if asked.changed is None:
            return [one.name for one in found]
        made = self.below(asked.changed) | asked.changed
        joined = self._joined(made)
        return [one.name for one in found if root_of(one.name) in (joined if one.kind == "gradient" else made)]

    def _joined(self, made: set[str]) -> set[str]:
        """Some values, and all that they are made of: a gradient may change where it comes by a step that does."""
        found = set(made)
        for step, reads in reversed(self._reads.items()):
            if step in found:
                found.update(reads)
        return found

    @cached_property
    def _reads(self) -> dict[str, tuple[str, ...]]:
        return reads_of(self.plan.recipe)

    @cached_property
    def random(self) -> frozenset[str]:
        """The values that lie downstream of a random step."""
        if not draws(self.plan.recipe):
            return frozenset()
        found = random_names(self.plan, self._given, self.result)
        records = self.result.records
        if draws_gradients(self.plan.recipe) and all(records[one].kind == "gradient" for one in found & records.keys()):
            # no step draws: it is the gradient that a backward pass begins with, and that is drawn alike in each run
            return frozenset()
        return found

    def below(self, tensors: Collection[str]) -> set[str]:
        """The steps that read any of these tensors, or a value that was made of one."""
        found, steps = set(tensors), dict(steps_of(self.plan.recipe.steps))
        for step, reads in self._reads.items():
            if not found.isdisjoint(reads):
                found.add(step)
                op = steps[step].op or ""
                # what a step changes in place is made of all that it reads
                found.update(reads[:1] if op.endswith("_") or op == "[]=" else ())
        return found - set(tensors)

    def run(
        self,
        changed: Mapping[str, torch.Tensor],
        *,
        plan: Plan | None = None,
        gradients: Sequence[float] | None = None,
        forward: bool = False,
    ) -> Result:
        """A run on other tensors, with the random stream of the first where its steps began.

        Args:
            changed: the tensors that are others, by name.
            plan: what runs, where it is another than the first run's.
            gradients: what each backward pass begins with, times its own, where that is not 1.
            forward: whether the backward passes are left out.

        Raises:
            UnrelatedError: a limit ended it.
            LostError: it lost a device.
        """
        plan = self._on(plan or self.plan, changed)
        if forward:
            plan = replace(plan, passes=())
        elif gradients is not None and any(one != 1 for one in gradients):
            passes = [_times(one, times) for one, times in zip(plan.passes, gradients, strict=True)]
            plan = replace(plan, passes=tuple(passes))
        with unlogged():
            found, _ = run(plan, given={**self.starts, **changed}, watch=self._watch)
        if found.error is not None and found.error.code == "device lost":
            raise LostError(found.error)
        if found.error is not None and found.error.code in ("timed out", "out of memory"):
            raise UnrelatedError(f"a run on other tensors was ended: {found.error.message}")
        return found

    def _on(self, plan: Plan, changed: Mapping[str, torch.Tensor]) -> Plan:
        """The plan, whose tensors of another shape lie in plain memory, and whose stream stands as it stood."""
        if plan.variants:
            raise UnrelatedError("it is compiled for several cases, each with tensors of its own")
        stream = self._drawn[1]

        def stands() -> None:
            torch.default_generator.set_state(stream)

        starts = tuple(_plain(one) if self._is_reshaped(one, changed) else one for one in plan.starts)
        row = (stands, lambda _: (), len(plan.initial), Site("tensors", "tensors", ("tensors",)))
        return replace(plan, starts=starts, initial=(*plan.initial, None), prelude=(row, *plan.prelude))

    def _is_reshaped(self, start: Start, changed: Mapping[str, torch.Tensor]) -> bool:
        return start.name in changed and changed[start.name].shape != self.starts[start.name].shape


def _plain(start: Start) -> Start:
    return replace(start, stride=None, storage_offset=0)


def _times(one: Pass, times: float) -> Pass:
    """A backward pass that begins with a gradient of so many times its own, which is a number."""
    return replace(one, gradient=times if one.gradient is None else one.gradient * times)


def cut(ground: Ground, dimensions: Mapping[str, int], begin: int, length: int) -> dict[str, torch.Tensor]:
    """A part of each tensor, in memory of its own."""
    return {name: narrowed(ground.starts[name], [at], begin, length) for name, at in dimensions.items()}


def root_of(name: str) -> str:
    """The step or tensor that a value, a field of it or its gradient is of."""
    return name.partition(".")[0]


def missing(found: Result, name: str) -> str:
    """Why a run on other tensors has no value of a name."""
    if found.error is not None:
        first = found.error.message.partition("\n")[0]
        return f"a run on the changed tensors stops at '{found.error.step}': {first}"
    return f"a run on the changed tensors has no '{name}'"


def plain_value(record: Record | None) -> torch.Tensor | None:
    """The numbers of a record, where they are one plain tensor."""
    value = None if record is None else record.value
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_nested:
        return None
    return None if value.is_quantized or value.is_meta else value
