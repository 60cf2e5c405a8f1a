"""A graph in lines of text, as `git log --graph` draws one: a column for each value that is still read. Without torch.

A value begins with `o` where it is a starting tensor, else with `*`. On its line, `+` marks the columns of what it
reads, and `'` those that it is the last to read. What is read too far below has no column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tensorflow_free.picturing.graph_model import ChainGraph, ChainNode

MOST_COLUMNS: Final = 10
"""Values with a column at once."""

FARTHEST: Final = 60
"""Lines over which a value has a column without being read."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """A line of the drawing.

    Attributes:
        lanes: the columns, drawn.
        name: the value's, or the block's.
        depth: how many blocks it stands in.
        title: of a block, what it is; else empty.
    """

    lanes: str
    name: str
    depth: int
    title: str = ""


def text_rows(graph: ChainGraph) -> Iterator[TextRow]:
    """The lines of a graph: each starting tensor just above its first reader, each block's title above its steps."""
    listed = list(_listed(graph))
    lanes = _Columns(graph, [one.name for one in listed])
    blocks = {one.name: one for one in graph.groups}
    shown: tuple[str, ...] = ()
    for at, node in enumerate(listed):
        around = [node.group] if node.group is not None else []
        while around and (parent := blocks[around[0]].parent) is not None:
            around.insert(0, parent)
        if node.kind == "tensor":
            # it stands where it is read, also inside a block
            yield TextRow(lanes.row(at, node), node.name, len(shown))
            continue
        kept = next((depth for depth, pair in enumerate(zip(shown, around, strict=False)) if pair[0] != pair[1]), None)
        kept = min(len(shown), len(around)) if kept is None else kept
        for depth, name in enumerate(around[kept:], start=kept):
            yield TextRow(lanes.passing(), name, depth, blocks[name].title)
        shown = tuple(around)
        yield TextRow(lanes.row(at, node), node.name, len(shown))


def _listed(graph: ChainGraph) -> Iterator[ChainNode]:
    """The values in the recipe's order, each starting tensor just before what reads it first."""
    tensors = {one.name: one for one in graph.nodes if one.kind == "tensor"}
    reads: dict[str, dict[str, None]] = {}
    for edge in graph.edges:
        reads.setdefault(edge.to, {})[edge.source] = None
    for node in graph.nodes:
        if node.kind != "tensor":
            yield from (tensors.pop(name) for name in reads.get(node.name, {}) if name in tensors)
            yield node
    yield from tensors.values()


class _Columns:
    """The columns of values, as they are given to some and taken back."""

    def __init__(self, graph: ChainGraph, names: list[str]) -> None:
        self._columns: list[str | None] = []
        self._places = {name: at for at, name in enumerate(names)}
        self._reads: dict[str, set[str]] = {}
        self._readers: dict[str, list[int]] = {}
        for edge in graph.edges:
            if edge.kind not in ("carry", "after"):
                self._reads.setdefault(edge.to, set()).add(edge.source)
                self._readers.setdefault(edge.source, []).append(self._places[edge.to])
        self._last = {name: self._kept_until(name, sorted(places)) for name, places in self._readers.items()}

    def _kept_until(self, name: str, places: list[int]) -> int:
        """The last line that reads a value and is not too far below the one before."""
        last = self._places[name]
        for place in places:
            if place - last > FARTHEST:
                break
            last = place
        return last

    def passing(self) -> str:
        """The columns on a line of no value."""
        return " ".join(" " if one is None else "|" for one in self._columns).rstrip()

    def row(self, at: int, node: ChainNode) -> str:
        """The columns on the line of a value, which has one from there on where something reads it."""
        read = [column for column, name in enumerate(self._columns) if name in self._reads.get(node.name, ())]
        ending = {column for column in read if self._last[self._columns[column] or ""] <= at}
        own = self._own(ending)
        drawn = self._drawn(read, ending, own, "o" if node.kind == "tensor" else "*")
        for column in ending:
            self._columns[column] = None
        is_read = self._last.get(node.name, at) > at
        if own < MOST_COLUMNS and is_read:
            self._columns += [None] * (own + 1 - len(self._columns))
            self._columns[own] = node.name
        while self._columns and self._columns[-1] is None:
            self._columns.pop()
        return drawn

    def _own(self, ending: set[int]) -> int:
        """The column of the next value: the first of those that end here, or that are free."""
        free = [column for column, name in enumerate(self._columns) if name is None or column in ending]
        return min(free, default=len(self._columns))

    def _drawn(self, read: list[int], ending: set[int], own: int, mark: str) -> str:
        first, last = min([*read, own]), max([*read, own])
        text = ""
        for column in range(max(len(self._columns), own + 1)):
            name = self._columns[column] if column < len(self._columns) else None
            inside = first <= column <= last
            if column == own:
                text += mark
            elif column in read:
                text += "'" if column in ending else "+"
            else:
                text += "|" if name is not None else "-" if inside else " "
            text += "-" if first <= column < last else " "
        return text.rstrip()
