"""A recipe with every name bound: the `Plan`, and how lowered rows become calls on slots. Knows no text, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any, Final, Literal

import torch

from tensorflow_free.errors import Place
from tensorflow_free.files.opening import FileRead
from tensorflow_free.ops.guards.bounds import Guarded
from tensorflow_free.plan.calls import Call, Repeat, Site, Values, Within, whole
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.expressions import Slice
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.tensors.inits import Start

ValueKind = Literal["tensor", "step", "block", "check", "trace"]


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the run inside a lowered argument, by its id (before slots are given out) or its slot."""

    id: int


@dataclass(slots=True)
class CallRow:
    """A call before slots are given out: arguments hold `Value`s by id. A block has a body instead of a function.

    `changes` are values whose memory it changes, `shares` those in whose memory its result may lie (does lie, where
    `views` holds; `shares_sparse`: only where they are sparse). `holds` are values that hold the indices of a sparse
    tensor from then on, and `sparse` says that its result may be such a tensor, whatever it is made from.
    """

    function: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: int
    site: Site
    block: Block | None = None
    changes: tuple[int, ...] = ()
    shares: tuple[int, ...] = ()
    shares_sparse: tuple[int, ...] = ()
    holds: tuple[int, ...] = ()
    views: bool = False
    sparse: bool = False


@dataclass(slots=True)
class Block:
    """The inside of a `with` or `repeat`: its rows, and how values enter it and leave it, all by id."""

    rows: list[CallRow]
    context: Callable[[], Any] | None = None
    rounds: int = 1
    enters: list[tuple[int, int]] = field(default_factory=list)
    carry: list[tuple[int, int]] = field(default_factory=list)
    traces: list[tuple[int, int, bool]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recording:
    """A value that the result keeps: its name, what it is, its slot, and that of it as it stood when its step ended.

    `stood` is None where that is not kept; `after` says that it may change later, and so is kept as it is in the end.
    `given` is the path of the step that gives it, () for a starting tensor; `changers` are those of the steps that may
    change it.
    """

    name: str
    kind: ValueKind
    op: str | None
    slot: int
    stood: int | None
    after: bool = False
    given: KeyPath = ()
    changers: tuple[KeyPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Pass:
    """A call of backward after the steps: the slots of its target and inputs, and what its gradient is.

    `reads` are calls that read fields (`x.grad`, `qr.R`) just before it.
    """

    target: str
    reads: tuple[Call, ...]
    slot: int
    path: KeyPath
    gradient: Any
    gradient_slot: int | None
    gradient_start: Start | None
    inputs: tuple[int, ...] | None
    retain_graph: bool | None
    create_graph: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A step that runs on the results: the slot of its value, and the names of the values that it needs."""

    name: str
    op: str | None
    calls: tuple[Call, ...]
    slot: int
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe, bound.

    `initial` is what the list of values begins as: constants in their slots, None elsewhere. `forward` are the calls up
    to the first `backward` or `grad`, which a backend may compile and which then leaves what is needed later in the
    slots `returned`; `rest` are those after it. `standing` are slots that hold values as they stood while checks run.
    """

    recipe: Recipe
    place: Callable[[Sequence[str | int]], Place]
    starts: tuple[Start, ...]
    start_slots: tuple[int, ...]
    leaf_slots: tuple[int, ...]
    initial: tuple[Any, ...]
    prelude: tuple[Call, ...]
    forward: tuple[Call, ...]
    rest: tuple[Call, ...]
    returned: tuple[int, ...]
    passes: tuple[Pass, ...]
    retained: tuple[tuple[str, int], ...]
    watched: frozenset[str]
    checks: tuple[Check, ...]
    standing: dict[str, int]
    recordings: tuple[Recording, ...]
    differentiates: bool
    files: tuple[FileRead, ...] = ()
    ops: tuple[str, ...] = ()
    variants: tuple[tuple[Start, ...], ...] = ()

    @property
    def compiled(self) -> bool:
        """Whether a compiler runs the forward steps."""
        return self.recipe.backend.name != "eager"


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
    last = {identity: index for index, row in enumerate(rows) for identity in _ids(row)}
    calls: list[Call] = []
    for index, row in enumerate(rows):
        ids = dict.fromkeys(_ids(row))
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


NOTHING: Final = 2
"""The id and slot of results that nobody reads."""

RESERVED: Final = 3
"""The ids that are slots of their own: the tick, the watched gradients, and nothing."""


def _clear(slots: tuple[int, ...], values: Values) -> None:
    """Let go of the values in these slots."""
    for slot in slots:
        values[slot] = None


def _ids(row: CallRow) -> Iterator[int]:
    """Every id that a row reads or gives, a block's inside too."""
    yield from ids_in(row.args)
    yield from ids_in(list(row.kwargs.values()))
    if row.out >= RESERVED:
        yield row.out
    if row.block is not None:
        for inner in row.block.rows:
            yield from _ids(inner)
        for pair in (*row.block.enters, *row.block.carry):
            yield from pair
        for value, trace, _ in row.block.traces:
            yield from (value, trace)


def made_ids(row: CallRow) -> Iterator[int]:
    """Every id that a row gives, a block's inside too."""
    if row.block is None:
        yield row.out
        return
    for inner in row.block.rows:
        yield from made_ids(inner)
    for _, trace, _ in row.block.traces:
        yield trace


def read_ids(row: CallRow) -> Iterator[int]:
    """Every id that a row reads, a block's inside too."""
    yield from ids_in(row.args)
    yield from ids_in(list(row.kwargs.values()))
    if row.block is not None:
        for inner in row.block.rows:
            yield from read_ids(inner)
        for _, origin in (*row.block.enters, *row.block.carry):
            yield origin


def ids_in(argument: Any) -> Iterator[int]:
    """Every id inside a lowered argument."""
    if isinstance(argument, Value):
        if argument.id >= RESERVED:
            yield argument.id
    elif isinstance(argument, Slice):
        yield from ids_in((argument.start, argument.stop, argument.step))
    elif isinstance(argument, (list, tuple)):
        for part in argument:
            yield from ids_in(part)


def _call(row: CallRow, slots: Slots) -> Call:
    return _function(row, slots, frozenset()), _arguments(row, slots), slots.of(row.out), row.site


def _function(row: CallRow, slots: Slots, kept: AbstractSet[int]) -> Callable[..., Any]:
    """What a row calls: the op, with constant keywords filled in; or its block, which leaves the `kept` values be."""
    if row.block is not None:
        return _block(row.block, slots, kept)
    function = row.function
    assert function is not None, row.site  # noqa: S101 - a row without a block has one; this tells mypy
    if slots.traced and isinstance(function, Guarded):
        # a compiler would look through the checks, and compile an op that makes none of its own
        uncompiled: Callable[..., Any] = torch.compiler.disable
        function = uncompiled(function, reason="its arguments are checked")
    constants = {name: value for name, value in row.kwargs.items() if not _moves(value)}
    if len(constants) < len(row.kwargs):
        moving = tuple(name for name in row.kwargs if name not in constants)
        return partial(_with_keywords, function, moving, constants)
    return partial(function, **constants) if constants else function


def _with_keywords(
    function: Callable[..., Any], names: tuple[str, ...], constants: dict[str, Any], *operands: Any
) -> Any:
    """Call a function whose last operands are keyword arguments of these names."""
    count = len(operands) - len(names)
    return function(*operands[:count], **dict(zip(names, operands[count:], strict=True)), **constants)


def _block(block: Block, slots: Slots, kept: AbstractSet[int]) -> Callable[[Values], None]:
    def pairs(ids: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        return tuple((slots.of(to), slots.of(origin)) for to, origin in ids)

    enters = pairs(block.enters)
    if block.context is not None:
        return Within(block.context, lay_out(block.rows, slots, kept))
    # what a round takes from outside, or from the round before, the next round takes again
    made = {identity for row in block.rows for identity in made_ids(row)}
    outside = {identity for row in block.rows for identity in _ids(row)} - made
    handed = {identity for pair in (*block.enters, *block.carry) for identity in pair}
    body = lay_out(block.rows, slots, kept | outside | handed | {value for value, _, _ in block.traces})
    traces = tuple((slots.of(value), slots.of(trace), history) for value, trace, history in block.traces)
    return Repeat(block.rounds, body, enters, pairs(block.carry), traces)


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
    operands = [*row.args, *(value for value in row.kwargs.values() if _moves(value))]
    if slots.traced or any(_moves(one) and not isinstance(one, Value) for one in operands):
        return partial(_built, tuple(_placed(one, slots) for one in operands))
    places = [slots.of(one.id) if isinstance(one, Value) else slots.constant(one) for one in operands]
    if not places:
        return _none
    # itemgetter of one index gives the value bare; of a slice of one, a list of it
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


def _none(values: Values) -> tuple[()]:
    del values
    return ()


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
