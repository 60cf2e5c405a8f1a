"""Slots: the position of each value in a run's list of values; rows turned into calls on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from operator import itemgetter
from typing import Any

import torch

from tensorflow_free.ops.guards.bounds import Guarded
from tensorflow_free.plan.call_rows import Block, CallRow, Value, ids_of, made_ids
from tensorflow_free.plan.calls import NOTHING, Call, Repeat, Site, Values, Within, nothing, whole
from tensorflow_free.recipe.expressions import Slice


class Slots:
    """Gives slots to ids.

    Where `reuse` holds, a slot is given out again after its value's last use. Where `traced` holds, calls take their
    operands by Python alone, which a compiler can follow.
    """

    def __init__(self, constants: dict[int, Any], reserved: int, *, reuse: bool, traced: bool = False) -> None:
        self.initial: list[Any] = [None] * reserved
        self.reuse = reuse
        self.traced = traced
        self._constants = constants
        self._slots: dict[int, int] = {identity: identity for identity in range(reserved)}
        self._free: list[int] = []

    def of(self, identity: int) -> int:
        """The slot of an id; a new or a free one where it has none."""
        slot = self._slots.get(identity)
        if slot is None:
            constant = identity in self._constants
            slot = self._free.pop() if self._free and not constant else self._new(self._constants.get(identity))
            self._slots[identity] = slot
        return slot

    def has(self, identity: int) -> bool:
        """Whether the id has a slot still: inside a block it may have been let go."""
        return identity in self._slots

    def constant(self, value: Any) -> int:
        """A slot that holds a constant of the plan."""
        return self._new(value)

    def release(self, identity: int) -> int:
        """Take back the slot of a value that nothing reads any more."""
        slot = self._slots.pop(identity)
        self._free.append(slot)
        return slot

    def _new(self, value: Any) -> int:
        self.initial.append(value)
        return len(self.initial) - 1


def lay_out(rows: Sequence[CallRow], slots: Slots, kept: AbstractSet[int]) -> tuple[Call, ...]:
    """The rows as calls on slots.

    Args:
        rows: what to run, in order.
        slots: what gives out the slots.
        kept: ids whose values must stand at the end.
    """
    if not slots.reuse:
        return tuple(_call(row, slots) for row in rows)
    last = {identity: index for index, row in enumerate(rows) for identity in ids_of(row)}
    calls: list[Call] = []
    for index, row in enumerate(rows):
        ids = dict.fromkeys(ids_of(row))
        dying = [one for one in ids if last[one] == index and one not in kept]
        before = [one for one in dying if row.block is None and one != row.out]
        function = _function(row, slots, kept | (ids.keys() - set(dying)))
        arguments = _arguments(row, slots)
        # arguments are read before the result is stored, so that the result may take the slot of one of them
        emptied = [slots.release(one) for one in before]
        out = slots.of(row.out)
        calls.append((function, arguments, out, row.site))
        emptied = [slot for slot in emptied if slot != out]
        emptied += [slots.release(one) for one in dying if one not in before and slots.has(one)]
        if emptied:
            calls.append((partial(_clear, tuple(emptied)), whole, slots.of(NOTHING), row.site))
    return tuple(calls)


def _clear(slots: tuple[int, ...], values: Values) -> None:
    """Let go of the values in these slots."""
    for slot in slots:
        values[slot] = None


def _call(row: CallRow, slots: Slots) -> Call:
    return _function(row, slots, frozenset()), _arguments(row, slots), slots.of(row.out), row.site


def _function(row: CallRow, slots: Slots, kept: AbstractSet[int]) -> Callable[..., Any]:
    """What a row calls: the op, with constant keywords filled in; or its block, which leaves the `kept` values be."""
    if row.block is not None:
        return _block(row.block, row.site, slots, kept)
    function = row.function
    assert function is not None, row.site  # noqa: S101 - a row without a block has one; this tells mypy
    if slots.traced and isinstance(function, Guarded):
        # a compiler would look through the checks, and compile an op that makes none of its own
        uncompiled: Callable[..., Any] = torch.compiler.disable
        function = uncompiled(function, reason="its arguments are checked")
    if not row.kwargs:
        return function
    constants = {name: value for name, value in row.kwargs.items() if not _moves(value)}
    if len(constants) < len(row.kwargs):
        moving = tuple(name for name in row.kwargs if name not in constants)
        return partial(_with_keywords, function, moving, constants)
    return partial(function, **constants)


def _with_keywords(
    function: Callable[..., Any], names: tuple[str, ...], constants: dict[str, Any], *operands: Any
) -> Any:
    """Call a function whose last operands are keyword arguments of these names."""
    count = len(operands) - len(names)
    return function(*operands[:count], **dict(zip(names, operands[count:], strict=True)), **constants)


def _block(block: Block, site: Site, slots: Slots, kept: AbstractSet[int]) -> Callable[[Values], None]:
    def pairs(ids: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        return tuple((slots.of(to), slots.of(origin)) for to, origin in ids)

    enters = pairs(block.enters)
    if block.context is not None:
        return Within(block.context, lay_out(block.rows, slots, kept))
    # what a round takes from outside, or from the round before, the next round takes again
    made = {identity for row in block.rows for identity in made_ids(row)}
    outside = {identity for row in block.rows for identity in ids_of(row)} - made
    handed = {identity for pair in (*block.enters, *block.carry) for identity in pair}
    body = lay_out(block.rows, slots, kept | outside | handed | {value for value, _, _ in block.traces})
    traces = tuple((slots.of(value), slots.of(trace), how) for value, trace, how in block.traces)
    return Repeat(block.rounds, body, enters, pairs(block.carry), traces, site)


def _moves(argument: Any) -> bool:
    """Whether an argument is more than a constant."""
    if isinstance(argument, Value):
        return True
    if isinstance(argument, Slice):
        return True
    return isinstance(argument, (list, tuple)) and any(_moves(part) for part in argument)


def _arguments(row: CallRow, slots: Slots) -> Callable[[Values], Sequence[Any]]:
    """How a row's operands are taken from the values, as fast as Python can."""
    if row.block is not None:
        return whole
    operands = (*row.args, *[value for value in row.kwargs.values() if _moves(value)]) if row.kwargs else row.args
    if slots.traced or any([type(one) is not Value and _moves(one) for one in operands]):  # noqa: C419 - it is faster
        return partial(_built, tuple(_placed(one, slots) for one in operands))
    places = [slots.of(one.id) if type(one) is Value else slots.constant(one) for one in operands]
    if not places:
        return nothing
    # itemgetter of one index gives the value bare; of a slice of one, a list of it
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


def _placed(argument: Any, slots: Slots) -> Any:
    """A lowered argument with slots for ids."""
    if isinstance(argument, Value):
        return Value(slots.of(argument.id))
    if isinstance(argument, Slice):
        return Slice(*(_placed(part, slots) for part in (argument.start, argument.stop, argument.step)))
    if isinstance(argument, (list, tuple)) and _moves(argument):
        return type(argument)([_placed(part, slots) for part in argument])
    return argument


def _built(operands: tuple[Any, ...], values: Values) -> list[Any]:
    """Operands that hold values inside lists or subscripts."""
    return [build(one, values) for one in operands]


def build(argument: Any, values: Values) -> Any:
    """An argument with each `Value` replaced by what its slot holds."""
    if isinstance(argument, Value):
        return values[argument.id]
    if isinstance(argument, Slice):
        return slice(*(build(part, values) for part in (argument.start, argument.stop, argument.step)))
    if isinstance(argument, list):
        return [build(part, values) for part in argument]
    if isinstance(argument, tuple):
        return tuple(build(part, values) for part in argument)
    return argument
