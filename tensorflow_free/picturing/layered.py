"""A chain's graph laid out in rows: the rank and place of each value inside its block, and lanes for long edges.

Each block is laid out for itself, so that it can be folded. In each, every reading leads at least one rank down, but
for what a round hands to the next. A value has one lane of places down through the ranks, from which its readers branch
off; a reader that is too many ranks below the lane has no place in it and is drawn apart. So all of it is linear in the
chain's length. What only comes after another step, as memory was changed, takes part in ranks alone. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_free.picturing.graph_model import ChainEdge, ChainGraph
from tensorflow_free.picturing.row_orders import RowEntry, ordered

LEAST_FAR: Final = 6
MOST_FAR: Final = 40
LANES: Final = 6000
"""Ranks by which a lane is made longer for one reader, in a large graph and in a small one, and lanes of all."""

Container = str | None
"""A block by its name; None for the whole."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands: in which block, in which row from the top, at which place from the left."""

    container: Container
    rank: int
    order: int


@dataclass(frozen=True, slots=True)
class LaneSpot:
    """Where the lane of a value crosses a row.

    Attributes:
        source: the value.
        spot: where.
        above: the lane that it comes from, by its number; None where it comes from the value itself.
    """

    source: str
    spot: Spot
    above: int | None


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A graph and where all of it stands.

    Attributes:
        graph: the graph.
        spots: of each value and block, by name.
        lanes: where lanes cross rows.
        ends: of each edge, the lane that it leaves, by its number; None where it comes from the value itself.
        far: the edges, by number, that have no way in lanes.
    """

    graph: ChainGraph
    spots: Mapping[str, Spot]
    lanes: tuple[LaneSpot, ...]
    ends: tuple[int | None, ...]
    far: frozenset[int]

    def to_plain(self) -> dict[str, Any]:
        """The graph as JSON holds it, each value and block with its rank and order, each edge with its lane.

        A lane is `[value, block, rank, order, lane above]`.
        """
        plain = self.graph.to_plain()
        for one in (*plain["nodes"], *plain["groups"]):
            spot = self.spots[one["id"]]
            one.update({"rank": spot.rank, "order": spot.order})
        for number, (one, end) in enumerate(zip(plain["edges"], self.ends, strict=True)):
            one.update({"far": True} if number in self.far else {} if end is None else {"lane": end})
        spots = [(one.source, one.spot, one.above) for one in self.lanes]
        plain["lanes"] = [[source, at.container, at.rank, at.order, above] for source, at, above in spots]
        return plain


def laid_out(graph: ChainGraph) -> LaidOut:
    """The graph with the rank and order of all that is in it."""
    nesting = Nesting(graph)
    ranks = ranks_of(graph, nesting)
    far = min(MOST_FAR, max(LEAST_FAR, LANES // max(1, len(graph.edges))))
    lanes = _Lanes(nesting, ranks, far)
    ends = [lanes.end(edge) for edge in graph.edges]
    orders = ordered(lanes.rows(), lanes.links(graph, ends))
    spots = {name: Spot(nesting.container[name], rank, orders[name]) for name, rank in ranks.items()}
    placed = tuple(
        LaneSpot(lane.source, Spot(lane.container, lane.rank, orders[number]), lane.above)
        for number, lane in enumerate(lanes.lanes)
    )
    astray = frozenset(number for number, end in enumerate(ends) if end == _NO_WAY)
    return LaidOut(graph, spots, placed, tuple(None if end == _NO_WAY else end for end in ends), astray)


class Nesting:
    """Which blocks each value and block stands in."""

    def __init__(self, graph: ChainGraph) -> None:
        self.container: dict[str, Container] = {one.name: one.parent for one in graph.groups}
        self.container |= {one.name: one.group for one in graph.nodes}
        self._ways: dict[Container, tuple[str, ...]] = {None: ()}
        for one in graph.groups:
            self._ways[one.name] = (*self._ways[one.parent], one.name)

    def way(self, name: str) -> tuple[str, ...]:
        """The blocks around a value, the outermost first, and the value."""
        return (*self._ways[self.container[name]], name)

    def parted(self, edge: ChainEdge) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the ends of an edge stand in, each from where the two part."""
        one, other = self.way(edge.source), self.way(edge.to)
        shared = 0
        while shared < min(len(one), len(other)) - 1 and one[shared] == other[shared]:
            shared += 1
        return one[shared:], other[shared:]


def ranks_of(graph: ChainGraph, nesting: Nesting) -> dict[str, int]:
    """The row of each value and block inside its block: below all that it reads there, in the recipe's order.

    Starting tensors stand just above their first reader.
    """
    ranks = dict.fromkeys(nesting.container, 0)
    first: dict[str, int] = {}
    places = {one.name: at for at, one in enumerate(graph.nodes)}
    for edge in sorted(graph.edges, key=lambda edge: places[edge.to]):
        (source, *_), (to, *_) = nesting.parted(edge)
        if edge.kind != "carry" and source != to:
            ranks[to] = max(ranks[to], ranks[source] + 1)
    for edge in graph.edges:
        (source, *_), (to, *_) = nesting.parted(edge)
        first[source] = min(first.get(source, ranks[to]), ranks[to])
    sunk = {one.name: first[one.name] - 1 for one in graph.nodes if one.kind == "tensor" and one.name in first}
    return ranks | sunk


_NO_WAY: Final = -1


@dataclass(slots=True)
class _Lane:
    source: str
    container: Container
    rank: int
    above: int | None


class _Lanes:
    """The lanes of values, made longer for each reader."""

    def __init__(self, nesting: Nesting, ranks: Mapping[str, int], far: int) -> None:
        self._nesting, self._ranks, self._far = nesting, ranks, far
        self.lanes: list[_Lane] = []
        self._last: dict[Container, int] = {}
        for name, rank in ranks.items():
            container = nesting.container[name]
            self._last[container] = max(self._last.get(container, 0), rank)
        self._trunks: dict[tuple[Container, str], list[int]] = {}

    def end(self, edge: ChainEdge) -> int | None:
        """The number of the lane that an edge leaves, made now at the latest; `_NO_WAY` where it has none."""
        (source, *above), (to, *below) = self._nesting.parted(edge)
        if edge.kind in ("carry", "after") or source == to:
            return _NO_WAY
        container, ranks = self._nesting.container, self._ranks
        leaves = [(container[one], ranks[one] + 1, self._last[container[one]]) for one in reversed(above)]
        leaves.append((container[source], ranks[source] + 1, ranks[to] - 1))
        stretches = [*leaves, *((container[one], 0, ranks[one] - 1) for one in below)]
        if any(self._missing(edge.source, *one) > self._far for one in stretches):
            return _NO_WAY
        lane: int | None = None
        for where, first, last in stretches:
            lane = self._extended(edge.source, where, first, last, lane)
        return lane

    def _missing(self, source: str, container: Container, first: int, last: int) -> int:
        return last - first + 1 - len(self._trunks.get((container, source), ()))

    def _extended(self, source: str, container: Container, first: int, last: int, above: int | None) -> int | None:
        """The lane of a value at a rank, its trunk in this block made as long."""
        trunk = self._trunks.setdefault((container, source), [])
        while len(trunk) <= last - first:
            self.lanes.append(_Lane(source, container, first + len(trunk), trunk[-1] if trunk else above))
            trunk.append(len(self.lanes) - 1)
        return trunk[last - first] if last >= first else above

    def links(self, graph: ChainGraph, ends: Sequence[int | None]) -> Iterator[tuple[RowEntry, RowEntry]]:
        """What stands in neighbouring rows of one block and is joined there, the upper one first."""
        for number, lane in enumerate(self.lanes):
            if lane.above is not None and self.lanes[lane.above].container == lane.container:
                yield lane.above, number
            elif (item := self._item(lane.source, lane.container)) is not None:
                yield item, number
        for edge, end in zip(graph.edges, ends, strict=True):
            if end is None:
                (source, *_), (to, *_) = self._nesting.parted(edge)
                yield source, to
            elif end != _NO_WAY and (item := self._item(edge.to, self.lanes[end].container)) is not None:
                yield end, item

    def _item(self, name: str, container: Container) -> str | None:
        """What a value stands in, directly inside a block: itself or a smaller block; None where it is elsewhere."""
        way = self._nesting.way(name)
        return next((one for one in way if self._nesting.container[one] == container), None)

    def rows(self) -> dict[tuple[Container, int], list[RowEntry]]:
        """What stands in each row of each block, in the recipe's order."""
        rows: dict[tuple[Container, int], list[RowEntry]] = {}
        for name, rank in self._ranks.items():
            rows.setdefault((self._nesting.container[name], rank), []).append(name)
        for number, lane in enumerate(self.lanes):
            rows.setdefault((lane.container, lane.rank), []).append(number)
        return rows
