"""What a plan keeps: which values are recorded, copied before a change, retained, and must stand at the end. By ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tensorflow_free.binding.aliasing import Aliases
from tensorflow_free.binding.scope import Places
from tensorflow_free.plan.call_rows import CallRow, read_ids
from tensorflow_free.plan.plan import ValueKind
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import BackwardPass, Recipe
from tensorflow_free.tensors.starting_tensors import Start


@dataclass(slots=True)
class PassRows:
    """A backward pass by ids, before slots are given out."""

    spec: BackwardPass
    path: KeyPath
    rows: list[CallRow]
    target: int
    gradient: Any
    gradient_id: int | None
    gradient_start: Start | None
    inputs: list[int] | None

    def ids(self) -> list[int]:
        """What it starts from and what it differentiates, besides what its rows read."""
        given = () if self.gradient_id is None else (self.gradient_id,)
        return [self.target, *given, *(self.inputs or ())]


@dataclass(slots=True)
class BoundParts:
    """What binding has read: rows, and what is known of each name. All values are ids."""

    recipe: Recipe
    place: Places
    starts: list[Start]
    rows: list[CallRow]
    passes: list[PassRows]
    checks: list[CallRow]
    standing: dict[str, int]
    live: dict[str, int]
    kinds: dict[str, ValueKind]
    ops: dict[str, str]
    leaves: dict[str, int]
    gradients: dict[str, int]
    read: set[str]
    asked: set[str]
    traces: dict[str, tuple[str, ...]]
    new: Callable[[], int]
    aliases: Aliases
    paths: Mapping[str, KeyPath]
    devices: tuple[str, ...]

    def values(self) -> Iterator[tuple[str, int]]:
        """Every starting tensor and step, with its id."""
        for name, kind in self.kinds.items():
            if kind in ("tensor", "step"):
                yield name, self.live[name]


class Keeping:
    """What the plan of a recipe keeps of its values, decided before any slot is given out."""

    def __init__(self, parts: BoundParts) -> None:
        self._parts = parts
        self.compiled = parts.recipe.backend.name != "eager"

    @cached_property
    def changed(self) -> frozenset[str]:
        """The names of values that a later step changes."""
        parts = self._parts
        return frozenset(name for name, identity in parts.values() if parts.aliases.is_changed(identity))

    @cached_property
    def differentiates(self) -> bool:
        """Whether a backward pass runs, after the steps or among them."""
        return bool(self._parts.passes) or any(has_backward(row) for row in self._parts.rows)

    @cached_property
    def wanted(self) -> dict[str, bool]:
        """The names to record; False where only the value at the end is (`NAME.after`)."""
        parts = self._parts
        record = parts.recipe.record or ("outputs" if self.compiled else "all")
        names = [name for name, _ in parts.values()]
        if record == "all":
            return dict.fromkeys(names, True)
        if record == "outputs":
            return {
                name: parts.kinds[name] == "step"
                for name in names
                if parts.kinds[name] == "tensor" or name not in parts.read
            }
        listed = {word.partition(".")[0]: False for word in record}
        listed |= {word.partition(".")[0]: True for word in record if word.partition(".")[2] != "after"}
        return {name: listed[name] for name in names if name in listed}

    @cached_property
    def retained(self) -> list[tuple[str, int]]:
        """The steps whose gradients are kept, each with its id."""
        parts = self._parts
        if not self.differentiates:
            return []
        record = parts.recipe.record
        everything = not self.compiled and record in ("all", None)
        listed = (
            {word.partition(".")[0] for word in record if word.endswith(".grad")} if isinstance(record, list) else set()
        )
        return [
            (name, identity)
            for name, identity in parts.values()
            if parts.kinds[name] == "step" and (everything or name in parts.asked or name in listed)
        ]

    @cached_property
    def copies(self) -> dict[str, int]:
        """The ids of the copies that keep values as they stood before a later step changes them."""
        parts = self._parts
        names = [name for name, stood in self.wanted.items() if stood and name in self.changed]
        if self.compiled:
            names = [name for name in names if parts.kinds[name] == "tensor"]
        return {name: parts.new() for name in names}

    @cached_property
    def watched(self) -> frozenset[str]:
        """The names whose gradients are gathered by a hook, since a later step changes them."""
        return frozenset(name for name, _ in self.retained if name in self.changed and not self.compiled)

    @cached_property
    def at_the_end(self) -> frozenset[int]:
        """The ids whose values must stand when the steps have run."""
        kept = self._recorded() | set(self.copies.values()) | {identity for _, identity in self.retained}
        kept |= {identity for name, identity in self._parts.live.items() if "." in name}
        return frozenset(kept | self._of_passes() | self._of_starts() | self._of_checks())

    def _recorded(self) -> set[int]:
        listed = isinstance(self._parts.recipe.record, list)
        return {
            self._parts.live[name] for name, stood in self.wanted.items() if stood or name in self.changed or listed
        }

    def _of_passes(self) -> set[int]:
        passes = self._parts.passes
        read = {identity for one in passes for row in one.rows for identity in read_ids(row)}
        return read | {identity for one in passes for identity in one.ids()}

    def _of_starts(self) -> set[int]:
        parts = self._parts
        regrows = any(row.site.op.endswith("requires_grad_") for row in parts.rows)
        names = [start.name for start in parts.starts if start.requires_grad or regrows]
        return {table[name] for name in names for table in (parts.leaves, parts.live)}

    def _of_checks(self) -> set[int]:
        parts = self._parts
        stands_for = {identity: parts.live[name] for name, identity in parts.standing.items()}
        read = {identity for row in parts.checks for identity in read_ids(row)}
        return {stands_for[identity] for identity in read if identity in stands_for} | (read & set(parts.live.values()))


def has_backward(row: CallRow) -> bool:
    """Whether a row, or one in its block, is a backward pass."""
    return row.site.op == "backward" or (row.block is not None and any(has_backward(one) for one in row.block.rows))
