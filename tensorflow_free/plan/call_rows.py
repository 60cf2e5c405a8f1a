"""Rows: calls before slots are assigned, whose arguments name values by id; which values a row reads and makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tensorflow_free.plan.calls import Site, TraceKind
from tensorflow_free.recipe.expressions import Slice

RESERVED: Final = 3
"""The ids that are slots of their own: the tick, the watched gradients, and nothing."""


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
    traces: list[tuple[int, int, TraceKind]] = field(default_factory=list)


def ids_of(row: CallRow) -> Iterator[int]:
    """Every id that a row reads or gives, a block's inside too."""
    yield from ids_in(row.args)
    yield from ids_in(list(row.kwargs.values()))
    if row.out >= RESERVED:
        yield row.out
    if row.block is not None:
        for inner in row.block.rows:
            yield from ids_of(inner)
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
