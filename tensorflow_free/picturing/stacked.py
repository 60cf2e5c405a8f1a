"""Rows of a graph stacked: where each box and lane stands, in pixels. Without torch.

A browser does the same by `pages/assets/graph_layout.js`, again as blocks fold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tensorflow_free.picturing.layered import LaidOut, Nesting
from tensorflow_free.picturing.row_orders import RowEntry

GAP_X: Final = 18.0
GAP_Y: Final = 34.0
LANE: Final = 14.0
PAD: Final = 14.0
TITLE: Final = 24.0
TRACK: Final = 8.0
"""Pixels between boxes, between rows, of a lane, around what is in a block, of its title, and of a line up its side."""

SWEEPS: Final = 6

LONG_ROWS: Final = 30
PULL: Final = 0.08
"""From so many rows on, a chain is held near its middle by so much, from which small steps would lead it far away."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a value or block stands: its left upper corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """How far its middle is from the left."""
        return self.x + self.width / 2


@dataclass(slots=True)
class Stacked:
    """Where all of a graph stands, in pixels.

    Attributes:
        boxes: of each value and block, by name.
        lanes: of each lane, by its number: from the left, its top and its bottom.
        width: of the whole; so is `height`.
    """

    boxes: dict[str, Box] = field(default_factory=dict)
    lanes: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


@dataclass(slots=True)
class _Inside:
    """What is in a block, measured: its rows, the middle of each entry, and how large it is."""

    rows: list[list[RowEntry]]
    sizes: dict[RowEntry, tuple[float, float]]
    middles: dict[RowEntry, float]
    heights: list[float]
    least: float
    width: float
    height: float


def stacked(layout: LaidOut, size: Callable[[str], tuple[float, float]]) -> Stacked:
    """Where all of a graph stands.

    Args:
        layout: its rows.
        size: gives the width and height of a value's box, in pixels.
    """
    stacking = _Stacking(layout, size)
    whole = stacking.measured(None)
    stacking.put(whole, PAD, PAD)
    stacking.found.width, stacking.found.height = whole.width + 2 * PAD, whole.height + 2 * PAD
    return stacking.found


class _Stacking:
    def __init__(self, layout: LaidOut, size: Callable[[str], tuple[float, float]]) -> None:
        self._size = size
        self._blocks = {one.name for one in layout.graph.groups}
        self._rows: dict[str | None, dict[int, list[tuple[int, RowEntry]]]] = defaultdict(lambda: defaultdict(list))
        for name, spot in layout.spots.items():
            self._rows[spot.container][spot.rank].append((spot.order, name))
        for number, lane in enumerate(layout.lanes):
            self._rows[lane.spot.container][lane.spot.rank].append((lane.spot.order, number))
        self._above, self._below = (
            defaultdict[RowEntry, list[RowEntry]](list),
            defaultdict[RowEntry, list[RowEntry]](list),
        )
        for upper, lower in links_of(layout):
            self._below[upper].append(lower)
            self._above[lower].append(upper)
        self._tracks = tracks_of(layout)
        self._inside: dict[str, _Inside] = {}
        self.found = Stacked()

    def measured(self, block: str | None) -> _Inside:
        """What is in a block, those in it measured before."""
        ranked = self._rows[block]
        rows = [[entry for _, entry in sorted(ranked[rank])] for rank in sorted(ranked)]
        sizes = {entry: self._extent(entry) for row in rows for entry in row}
        middles = self._middles(rows, sizes)
        heights = [max((sizes[entry][1] for entry in row), default=0.0) for row in rows]
        least = min((middles[one] - sizes[one][0] / 2 for one in middles), default=0.0)
        greatest = max((middles[one] + sizes[one][0] / 2 for one in middles), default=0.0)
        height = sum(heights) + GAP_Y * max(0, len(heights) - 1)
        return _Inside(rows, sizes, middles, heights, least, greatest - least, height)

    def _extent(self, entry: RowEntry) -> tuple[float, float]:
        if isinstance(entry, int):
            return LANE, 0.0
        if entry not in self._blocks:
            return self._size(entry)
        inside = self._inside[entry] = self.measured(entry)
        return inside.width + 2 * PAD + TRACK * self._tracks.get(entry, 0), inside.height + TITLE + PAD

    def _middles(
        self, rows: list[list[RowEntry]], sizes: Mapping[RowEntry, tuple[float, float]]
    ) -> dict[RowEntry, float]:
        """The middle of each entry: rows in their order, each entry near the mean of what it is joined to."""
        middles: dict[RowEntry, float] = {}
        offsets = [_offsets(row, sizes) for row in rows]
        for row, starts in zip(rows, offsets, strict=True):
            middles.update({one: start - starts[-1] / 2 for one, start in zip(row, starts, strict=True)})
        held = 1 - PULL if len(rows) > LONG_ROWS else 1.0
        ways = [*([self._above, self._below] * SWEEPS)[: SWEEPS - 1], None]
        for way in ways:
            for at in range(len(rows))[:: -1 if way is self._below else 1]:
                wanted = [self._wanted(one, way, middles, held) for one in rows[at]]
                middles.update(zip(rows[at], spaced(offsets[at], wanted), strict=True))
        return middles

    def _wanted(
        self,
        one: RowEntry,
        way: Mapping[RowEntry, list[RowEntry]] | None,
        middles: Mapping[RowEntry, float],
        held: float,
    ) -> float:
        ways = [way] if way is not None else [self._above, self._below]
        near = [middles[other] for joined in ways for other in joined.get(one, ()) if other in middles]
        return held * sum(near) / len(near) if near else middles[one]

    def put(self, inside: _Inside, left: float, top: float) -> None:
        """Place what is in a block, whose upper left corner is known now."""
        for row, height in zip(inside.rows, inside.heights, strict=True):
            for entry in row:
                width, tall = inside.sizes[entry]
                x, y = left + inside.middles[entry] - inside.least - width / 2, top + (height - tall) / 2
                if isinstance(entry, int):
                    self.found.lanes[entry] = x + width / 2, top, top + height
                    continue
                self.found.boxes[entry] = Box(x, y, width, tall)
                if entry in self._inside:
                    self.put(self._inside[entry], x + PAD, y + TITLE)
            top += height + GAP_Y


def links_of(layout: LaidOut) -> Iterator[tuple[RowEntry, RowEntry]]:
    """What is joined in neighbouring rows of one block, the upper one first."""
    nesting = Nesting(layout.graph)

    def item(name: str, block: str | None) -> str | None:
        return next((one for one in nesting.way(name) if nesting.container[one] == block), None)

    for number, lane in enumerate(layout.lanes):
        block = lane.spot.container
        if lane.above is not None and layout.lanes[lane.above].spot.container == block:
            yield lane.above, number
        elif (source := item(lane.source, block)) is not None:
            yield source, number
    for number, (edge, end) in enumerate(zip(layout.graph.edges, layout.ends, strict=True)):
        if number in layout.far:
            continue
        if end is None:
            (source, *_), (to, *_) = nesting.parted(edge)
            yield source, to
        elif (reader := item(edge.to, layout.lanes[end].spot.container)) is not None:
            yield end, reader


def tracks_of(layout: LaidOut) -> dict[str | None, int]:
    """How many lines lead back up inside each block."""
    nesting, counts = Nesting(layout.graph), defaultdict[str | None, int](int)
    for edge in layout.graph.edges:
        if edge.kind == "carry":
            counts[around(nesting, edge.source, edge.to)] += 1
    return counts


def around(nesting: Nesting, one: str, other: str) -> str | None:
    """The innermost block that two values stand in."""
    shared = [block for block in nesting.way(one)[:-1] if block in nesting.way(other)[:-1]]
    return shared[-1] if shared else None


def _offsets(row: Sequence[RowEntry], sizes: Mapping[RowEntry, tuple[float, float]]) -> list[float]:
    """How far the middle of each entry is from that of the first, at least."""
    offsets = [0.0]
    for one, other in pairwise(row):
        gap = 2.0 if isinstance(one, int) and isinstance(other, int) else GAP_X
        offsets.append(offsets[-1] + (sizes[one][0] + sizes[other][0]) / 2 + gap)
    return offsets


def spaced(offsets: Sequence[float], wanted: Sequence[float]) -> list[float]:
    """Middles in order and apart, as near as can be to where each is wanted: those that would overlap are pooled."""
    pools: list[tuple[float, int]] = []
    for offset, want in zip(offsets, wanted, strict=True):
        total, count = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            before, more = pools.pop()
            total, count = total + before, count + more
        pools.append((total, count))
    means = [total / count for total, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
