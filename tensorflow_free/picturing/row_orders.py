"""The order of what stands in rows, so that few lines between neighbouring rows cross: barycentres, back and forth."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

RowEntry = str | int
"""What stands in a row: a value or block by its name, a lane by its number."""

SWEEPS: Final = 8
"""How often the rows are gone through, down and up in turn."""

Links = Mapping[RowEntry, Sequence[RowEntry]]
"""What each entry is joined to in the next row."""


def ordered(
    rows: Mapping[tuple[str | None, int], Sequence[RowEntry]], links: Iterable[tuple[RowEntry, RowEntry]]
) -> dict[RowEntry, int]:
    """The place of each entry in its row, from the left.

    Args:
        rows: what stands in each row of each block.
        links: what is joined in neighbouring rows of one block, the upper one first.
    """
    below, above = defaultdict[RowEntry, list[RowEntry]](list), defaultdict[RowEntry, list[RowEntry]](list)
    for upper, lower in links:
        below[upper].append(lower)
        above[lower].append(upper)
    found: dict[RowEntry, int] = {}
    blocks: dict[str | None, list[tuple[int, Sequence[RowEntry]]]] = defaultdict(list)
    for (block, rank), row in rows.items():
        blocks[block].append((rank, row))
    for listed in blocks.values():
        listed.sort(key=lambda pair: pair[0])
        for row in _best([list(row) for _, row in listed], below, above):
            found.update({entry: place for place, entry in enumerate(row)})
    return found


def _best(rows: list[list[RowEntry]], below: Links, above: Links) -> list[list[RowEntry]]:
    """The rows in the best order that is found."""
    best, fewest = rows, crossings(rows, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        rows = _swept(rows, above) if sweep % 2 == 0 else _swept(rows[::-1], below)[::-1]
        if (count := crossings(rows, below)) < fewest:
            best, fewest = rows, count
    return best


def _swept(rows: Sequence[Sequence[RowEntry]], joined: Links) -> list[list[RowEntry]]:
    """The rows, each in the order of the mean place of what it is joined to in the row before."""
    swept: list[list[RowEntry]] = []
    places: dict[RowEntry, float] = {}
    for row in rows:
        means: dict[RowEntry, float] = {}
        for place, entry in enumerate(row):
            found = [places[one] for one in joined.get(entry, ()) if one in places]
            # what is joined to nothing keeps its place
            means[entry] = sum(found) / len(found) if found else place / max(1, len(row) - 1)
        swept.append(sorted(row, key=means.__getitem__))
        places = {entry: place / max(1, len(row) - 1) for place, entry in enumerate(swept[-1])}
    return swept


def crossings(rows: Sequence[Sequence[RowEntry]], below: Links) -> int:
    """How many lines between neighbouring rows cross."""
    count = 0
    for row, following in pairwise(rows):
        places = {entry: place for place, entry in enumerate(following)}
        passed: list[int] = []
        for entry in row:
            ends = sorted(places[one] for one in below.get(entry, ()) if one in places)
            count += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return count
