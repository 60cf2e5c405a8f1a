"""Puts a plan together from bound rows: what is copied, kept and recorded, and the slot of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, strided

from tensorflow_free.binding.aliasing import Aliases, Guards
from tensorflow_free.binding.scope import Places, Scope
from tensorflow_free.files.opening import FileRead
from tensorflow_free.ops import backward
from tensorflow_free.ops.guards.handouts import check_indices, check_unshared
from tensorflow_free.plan.call_rows import RESERVED, CallRow, Value, made_ids, read_ids
from tensorflow_free.plan.calls import GRADIENTS, Site, retain, snapshot, watch
from tensorflow_free.plan.plan import Check, Pass, Plan, Recording, ValueKind
from tensorflow_free.plan.slots import NOTHING, Slots, lay_out
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

    def values(self) -> Iterator[tuple[str, int]]:
        """Every starting tensor and step, with its id."""
        for name, kind in self.kinds.items():
            if kind in ("tensor", "step"):
                yield name, self.live[name]


def assemble(parts: BoundParts, files: tuple[FileRead, ...], ops: tuple[str, ...]) -> Plan:
    """The plan of what binding has read."""
    compiled = parts.recipe.backend.name != "eager"
    changed = {name for name, identity in parts.values() if parts.aliases.is_changed(identity)}
    wanted = _wanted(parts, compiled=compiled)
    differentiates = bool(parts.passes) or any(_has_backward(row) for row in parts.rows)
    retained = _retained(parts, compiled=compiled) if differentiates else []
    copies = {name: parts.new() for name in wanted if name in changed and wanted[name]}
    if compiled:
        copies = {name: copy for name, copy in copies.items() if parts.kinds[name] == "tensor"}
    watched = frozenset(name for name, _ in retained if name in changed and not compiled)
    prelude = [
        _copy(parts.live[name], copy, name, ("tensors", name))
        for name, copy in copies.items()
        if parts.kinds[name] == "tensor"
    ]
    by_id = {parts.live[name]: name for name, _ in parts.values()}
    rows = parts.rows if compiled else list(_with_guards(parts.rows, parts.aliases.guards))
    rows = list(_with_copies(rows, by_id, copies, watched))
    unchanged = [identity for name, identity in retained if name not in changed or compiled]
    rows = list(_with_retention(rows, set(unchanged))) if unchanged else rows
    _keep_history(rows, {parts.live[name]: copy for name, copy in copies.items()})

    reuse = not compiled and parts.recipe.record != "all" and parts.recipe.record is not None
    slots = Slots({}, RESERVED, reuse=reuse, traced=compiled)
    start_slots = tuple(slots.of(parts.live[start.name]) for start in parts.starts)
    leaf_slots = tuple(slots.of(parts.leaves[start.name]) for start in parts.starts)
    kept = _kept(parts, wanted, changed, copies, [identity for _, identity in retained])
    prelude_calls = tuple(lay_out(prelude, slots, kept | {parts.live[row.site.name] for row in prelude}))
    split = next((i for i, row in enumerate(rows) if _has_runner(row)), len(rows)) if compiled else len(rows)
    forward = lay_out(rows[:split], slots, kept)
    rest = lay_out(rows[split:], slots, kept)
    slots.reuse = False
    passes = tuple(_pass(one, slots) for one in parts.passes)
    recordings = tuple(_recordings(parts, wanted, changed, copies, slots))
    returned = _returned(parts, rows[:split], rows[split:], recordings, slots) if compiled else ()
    checks = tuple(_checks(parts, slots))
    return Plan(
        recipe=parts.recipe,
        place=parts.place,
        starts=tuple(parts.starts),
        start_slots=start_slots,
        leaf_slots=leaf_slots,
        prelude=prelude_calls,
        forward=forward,
        rest=rest,
        returned=returned,
        passes=passes,
        retained=tuple((name, slots.of(identity)) for name, identity in retained),
        watched=watched,
        checks=checks,
        standing={name: slots.of(identity) for name, identity in parts.standing.items()},
        recordings=recordings,
        differentiates=differentiates,
        initial=tuple(slots.initial),
        files=files,
        ops=ops,
    )


# what changes


def aliases_of(starts: Sequence[Start], scope: Scope, rows: Sequence[CallRow]) -> Aliases:
    """What shares memory, and what changes, once the rows have run."""
    aliases = Aliases()
    for start in starts:
        live, leaf = scope.live[start.name], scope.leaves[start.name]
        data = start.arguments.get("data")
        sparse = isinstance(data, Tensor) and data.layout != strided
        aliases.give(
            live, [scope.live[start.input]] if start.init == "as_strided" and start.input else [], sparse=sparse
        )
        if leaf != live:
            aliases.give(leaf, [live])
        aliases.give(scope.gradients[start.name])
    aliases.follow(rows)
    return aliases


def _with_guards(rows: Sequence[CallRow], guards: Guards) -> Iterator[CallRow]:
    """The rows, and beside those that change what may hold a sparse tensor's indices, what looks whether they do."""
    for row in rows:
        if row.block is not None:
            row.block.rows = list(_with_guards(row.block.rows, guards))
        for value, held in guards.before.get(id(row), {}).items():
            args = tuple(Value(one) for one in (value, *sorted(held)))
            yield CallRow(check_unshared, args, {}, NOTHING, row.site)
        yield row
        if spoilt := guards.after.get(id(row)):
            yield CallRow(check_indices, tuple(Value(one) for one in sorted(spoilt)), {}, NOTHING, row.site)


def _copy(live: int, copy: int, name: str, path: KeyPath) -> CallRow:
    """What keeps a value, which stands at `path`, as it is: should that fail, it is told there."""
    return CallRow(snapshot, (Value(live),), {}, copy, Site(name, "snapshot", path, (name,)))


def _with_copies(
    rows: Sequence[CallRow], by_id: dict[int, str], copies: dict[str, int], watched: frozenset[str]
) -> Iterator[CallRow]:
    """The rows, each followed by what keeps its value as it stood, where a later step changes it."""
    for row in rows:
        yield row
        if row.block is not None:
            row.block.rows = list(_with_copies(row.block.rows, by_id, copies, watched))
        name = by_id.get(row.out, "")
        if name in copies:
            yield _copy(row.out, copies[name], name, row.site.path)
        if name in watched:
            args = (Value(row.out), name, Value(GRADIENTS))
            yield CallRow(watch, args, {}, NOTHING, Site(name, "watch", row.site.path, (name,)))


def _with_retention(rows: Sequence[CallRow], retained: set[int], carried: Sequence[int] = ()) -> Iterator[CallRow]:
    """The rows, each backward in mid-chain preceded by a call that keeps the gradients of what is made since the last.

    Inside a block, that is all that the block makes: a round may differentiate what the one before has handed on.
    """
    made = list(carried)
    for row in rows:
        ends = _has_backward(row)
        if ends and made:
            yield CallRow(retain, tuple(Value(identity) for identity in made), {}, NOTHING, row.site)
            made = list(carried)
        own = [identity for identity in made_ids(row) if identity in retained]
        if ends and row.block is not None:
            row.block.rows = list(_with_retention(row.block.rows, retained, own))
        made += own
        yield row


def _keep_history(rows: Sequence[CallRow], copies: Mapping[int, int]) -> None:
    """A trace that a later step reads keeps the history of its rounds; another is of the values as they stood."""
    read = {identity for row in rows for identity in read_ids(row)}
    for row in rows:
        if row.block is not None:
            traced = [(value, trace, trace in read) for value, trace, _ in row.block.traces]
            row.block.traces = [
                (value if keep else copies.get(value, value), trace, keep) for value, trace, keep in traced
            ]
            _keep_history(row.block.rows, copies)


def _has_backward(row: CallRow) -> bool:
    return row.site.op == "backward" or (row.block is not None and any(_has_backward(one) for one in row.block.rows))


def _has_runner(row: CallRow) -> bool:
    return row.site.op in backward.OPS or (row.block is not None and any(_has_runner(one) for one in row.block.rows))


# what is recorded


def _wanted(parts: BoundParts, *, compiled: bool) -> dict[str, bool]:
    """The names to record; False where only the value in the end is (`NAME.after`)."""
    record = parts.recipe.record or ("outputs" if compiled else "all")
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


def _retained(parts: BoundParts, *, compiled: bool) -> list[tuple[str, int]]:
    """The steps whose gradients are kept."""
    record = parts.recipe.record
    everything = record == "all" or (record is None and not compiled)
    listed = (
        {word.partition(".")[0] for word in record if word.endswith(".grad")} if isinstance(record, list) else set()
    )
    return [
        (name, identity)
        for name, identity in parts.values()
        if parts.kinds[name] == "step" and ((everything and not compiled) or name in parts.asked or name in listed)
    ]


def _kept(
    parts: BoundParts, wanted: dict[str, bool], changed: set[str], copies: dict[str, int], retained: Sequence[int]
) -> set[int]:
    """The ids whose values must stand when the steps have run."""
    kept = {
        parts.live[name]
        for name, stood in wanted.items()
        if stood or name in changed or isinstance(parts.recipe.record, list)
    }
    kept |= set(copies.values()) | set(retained)
    kept |= {identity for name, identity in parts.live.items() if "." in name}
    for one in parts.passes:
        kept |= {identity for row in one.rows for identity in read_ids(row)}
        kept |= {one.target, *(one.inputs or ())} | ({one.gradient_id} if one.gradient_id is not None else set())
    regrows = any(row.site.op.endswith("requires_grad_") for row in parts.rows)
    for start in parts.starts:
        if start.requires_grad or regrows:
            kept |= {parts.leaves[start.name], parts.live[start.name]}
    stands_for = {identity: parts.live[name] for name, identity in parts.standing.items()}
    read = {identity for row in parts.checks for identity in read_ids(row)}
    kept |= {stands_for[identity] for identity in read if identity in stands_for}
    return kept | (read & set(parts.live.values()))


def _recordings(
    parts: BoundParts, wanted: dict[str, bool], changed: set[str], copies: dict[str, int], slots: Slots
) -> Iterator[Recording]:
    listed = parts.recipe.record if isinstance(parts.recipe.record, list) else []
    for name, value_wanted in wanted.items():
        slot = slots.of(parts.live[name])
        is_changed = name in changed
        stood = slots.of(copies[name]) if name in copies else None if is_changed else slot
        if not value_wanted:
            stood = None
        after = is_changed or f"{name}.after" in listed
        if stood is not None or after:
            changers = parts.aliases.changers(parts.live[name]) if after else ()
            given = parts.paths.get(name, ())
            yield Recording(name, parts.kinds[name], parts.ops.get(name), slot, stood, after, given, changers)
    for block, names in parts.traces.items():
        for name in names:
            slot = slots.of(parts.live[f"{block}.{name}"])
            yield Recording(f"{block}.{name}", "trace", "repeat", slot, slot)


def _returned(
    parts: BoundParts,
    forward: Sequence[CallRow],
    rest: Sequence[CallRow],
    recordings: Sequence[Recording],
    slots: Slots,
) -> tuple[int, ...]:
    """The slots that the compiled function must give back: what is recorded, or read after it."""
    made = {slots.of(identity) for row in forward for identity in made_ids(row)}
    needed = {slot for one in recordings for slot in (one.slot, one.stood) if slot is not None}
    needed |= {slots.of(identity) for row in rest for identity in read_ids(row)}
    needed |= {slots.of(identity) for one in parts.passes for row in one.rows for identity in read_ids(row)}
    for one in parts.passes:
        needed |= {
            slots.of(identity)
            for identity in (one.target, one.gradient_id, *(one.inputs or ()))
            if identity is not None
        }
    return tuple(sorted(made & needed))


def _pass(one: PassRows, slots: Slots) -> Pass:
    return Pass(
        target=one.spec.target,
        reads=lay_out(one.rows, slots, set()),
        slot=slots.of(one.target),
        path=one.path,
        gradient=one.gradient,
        gradient_slot=None if one.gradient_id is None else slots.of(one.gradient_id),
        gradient_start=one.gradient_start,
        inputs=None if one.inputs is None else tuple(slots.of(identity) for identity in one.inputs),
        retain_graph=one.spec.retain_graph,
        create_graph=one.spec.create_graph,
    )


def _checks(parts: BoundParts, slots: Slots) -> Iterator[Check]:
    names = {identity: name for name, identity in parts.standing.items()}
    groups: dict[str, list[CallRow]] = {name: [] for name in parts.recipe.checks}
    for row in parts.checks:
        groups[str(row.site.path[1])].append(row)
    outs: dict[int, str] = {}
    for name, rows in groups.items():
        outs[rows[-1].out] = name
        reads = {identity for row in rows for identity in read_ids(row)}
        needed = [names.get(identity) or outs.get(identity) for identity in reads]
        yield Check(
            name=name,
            op=parts.ops.get(name),
            calls=lay_out(rows, slots, set()),
            slot=slots.of(rows[-1].out),
            reads=tuple(sorted(one for one in needed if one is not None and one != name)),
        )


__all__ = ["BoundParts", "PassRows", "aliases_of", "assemble"]
