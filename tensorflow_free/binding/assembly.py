"""Puts a plan together from bound rows: what is copied, kept and recorded, and the slot of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, strided

from tensorflow_free.binding.aliasing import Aliases, Guards
from tensorflow_free.binding.keeping import BoundParts, Keeping, PassRows, has_backward
from tensorflow_free.binding.scope import Scope
from tensorflow_free.files.opening import FileRead
from tensorflow_free.ops import backward
from tensorflow_free.ops.guards.handouts import check_indices, check_unshared
from tensorflow_free.plan.call_rows import RESERVED, CallRow, Value, made_ids, read_ids
from tensorflow_free.plan.calls import GRADIENTS, NOTHING, Site, TraceKind, retain, snapshot, watch
from tensorflow_free.plan.plan import Check, Pass, Plan, RecordedKind, Recording
from tensorflow_free.plan.slots import Slots, lay_out
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.registry import registered
from tensorflow_free.tensors.starting_tensors import Start


def assemble(parts: BoundParts, files: tuple[FileRead, ...], ops: tuple[str, ...]) -> Plan:
    """The plan of what binding has read."""
    keeping = Keeping(parts)
    compiled, copies = keeping.compiled, keeping.copies
    rows = _all_rows(parts, keeping)
    split = next((i for i, row in enumerate(rows) if _has_runner(row)), len(rows)) if compiled else len(rows)

    reuse = not compiled and parts.recipe.record != "all" and parts.recipe.record is not None
    slots = Slots({}, RESERVED, reuse=reuse, traced=compiled)
    start_slots = tuple(slots.of(parts.live[start.name]) for start in parts.starts)
    leaf_slots = tuple(slots.of(parts.leaves[start.name]) for start in parts.starts)
    prelude = [
        _copy(parts.live[name], copy, name, ("tensors", name))
        for name, copy in copies.items()
        if parts.kinds[name] == "tensor"
    ]
    kept = keeping.at_the_end
    prelude_calls = lay_out(prelude, slots, kept | {parts.live[row.site.name] for row in prelude})
    forward = lay_out(rows[:split], slots, kept)
    rest = lay_out(rows[split:], slots, kept)
    slots.reuse = False
    passes = tuple(_pass(one, slots) for one in parts.passes)
    recordings = tuple(_recordings(parts, keeping, slots))
    returned = _returned(parts, rows[:split], rows[split:], recordings, slots) if compiled else ()
    inside = {identity for row in rows[:split] for identity in made_ids(row)} if compiled else set[int]()
    unseen = {identity for identity in inside if slots.of(identity) not in returned}
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
        retained=tuple((name, slots.of(identity)) for name, identity in keeping.retained),
        watched=keeping.watched,
        checks=tuple(_checks(parts, slots, unseen)),
        standing={name: slots.of(identity) for name, identity in parts.standing.items()},
        recordings=recordings,
        differentiates=keeping.differentiates,
        initial=tuple(slots.initial),
        files=files,
        ops=ops,
        devices=parts.devices,
    )


def _all_rows(parts: BoundParts, keeping: Keeping) -> list[CallRow]:
    """The rows of the steps, with what guards indices, copies what is changed, and retains gradients among them."""
    by_id = {parts.live[name]: name for name, _ in parts.values()}
    rows = parts.rows if keeping.compiled else list(_with_guards(parts.rows, parts.aliases.guards))
    rows = list(_with_copies(rows, by_id, keeping.copies, keeping.watched))
    unchanged = {identity for name, identity in keeping.retained if name not in keeping.changed or keeping.compiled}
    rows = list(_with_retention(rows, unchanged)) if unchanged else rows
    _settle_traces(rows, {parts.live[name]: copy for name, copy in keeping.copies.items()})
    return rows


# what changes


def follow_all(aliases: Aliases, starts: Sequence[Start], scope: Scope, rows: Sequence[CallRow]) -> None:
    """Have aliases follow the starting tensors and then the rows."""
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
    """What copies a value, which is at `path`; an error in it is reported there."""
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
        ends = has_backward(row)
        if ends and made:
            yield CallRow(retain, tuple(Value(identity) for identity in made), {}, NOTHING, row.site)
            made = list(carried)
        own = [identity for identity in made_ids(row) if identity in retained]
        if ends and row.block is not None:
            row.block.rows = list(_with_retention(row.block.rows, retained, own))
        made += own
        yield row


def _settle_traces(rows: Sequence[CallRow], copies: Mapping[int, int]) -> None:
    """A trace that a later step reads keeps the history of its rounds; another is of the values as they stood."""
    if all(row.block is None for row in rows):
        return
    read = {identity for row in rows for identity in read_ids(row)}
    for row in rows:
        if row.block is not None:
            otherwise: TraceKind = "copied" if _may_change_a_round(row) else "unchanged"
            row.block.traces = [
                (value, trace, "with history") if trace in read else (copies.get(value, value), trace, otherwise)
                for value, trace, _ in row.block.traces
            ]
            _settle_traces(row.block.rows, copies)


def _may_change_a_round(row: CallRow) -> bool:
    """Whether it may change what an earlier round made: in place, or as an op of the user's own that gives it again."""
    inside = row.block is not None and any(map(_may_change_a_round, row.block.rows))
    return bool(row.changes) or row.site.op in registered() or inside


def _has_runner(row: CallRow) -> bool:
    return row.site.op in backward.OPS or (row.block is not None and any(_has_runner(one) for one in row.block.rows))


# what is recorded


def _recordings(parts: BoundParts, keeping: Keeping, slots: Slots) -> Iterator[Recording]:
    copies = keeping.copies
    listed = parts.recipe.record if isinstance(parts.recipe.record, list) else []
    for name, value_wanted in keeping.wanted.items():
        slot = slots.of(parts.live[name])
        is_changed = name in keeping.changed
        stood = slots.of(copies[name]) if name in copies else None if is_changed else slot
        if not value_wanted:
            stood = None
        after = is_changed or f"{name}.after" in listed
        if stood is not None or after:
            changers = parts.aliases.changers(parts.live[name]) if after else ()
            given = parts.paths.get(name, ())
            kind: RecordedKind = "tensor" if parts.kinds[name] == "tensor" else "step"
            yield Recording(name, kind, parts.ops.get(name), slot, stood, after, given, changers)
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
    needed |= {slots.of(identity) for one in parts.passes for identity in one.ids()}
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


def _checks(parts: BoundParts, slots: Slots, unseen: set[int]) -> Iterator[Check]:
    """The checks; one that reads the end of a value that a compiled function keeps to itself waits for ever."""
    names = {identity: name for name, identity in parts.standing.items()}
    names |= {identity: f"{name}.after" for name, identity in parts.live.items() if identity in unseen}
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
