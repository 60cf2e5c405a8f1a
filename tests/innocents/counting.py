"""Counts of what blaming said of cells in which nothing is wrong, by part and dtype."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.innocents.acquitting import Acquitted

COLUMNS: Final = ("cells", "not judged", "judged", "called", "borne out", "unjudged", "moved", "raised")


@dataclass
class Count:
    """Counts by part and dtype.

    Attributes:
        wrong: the cells in which something is not as it should be.
    """

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[Acquitted] = field(default_factory=list)

    def add(self, one: Acquitted) -> Acquitted:
        """Count a cell."""
        count = self.counts[one.cell.part, one.cell.dtype]
        count["cells"] += 1
        count["not judged"] += one.outcome not in ("judged", "raised")
        count["raised"] += one.outcome == "raised"
        count["judged"] += one.judged
        count["called"] += len(one.culprits)
        count["borne out"] += one.borne_out
        count["unjudged"] += len(one.unjudged)
        count["moved"] += bool(one.moved)
        if one.culprits or one.unjudged or one.moved or one.outcome == "raised":
            self.wrong.append(one)
        return one

    def table(self) -> Iterator[str]:
        """A row a part and dtype, and one for all."""
        yield f"{'part':16}{'dtype':10}" + "".join(f"{word:>{len(word) + 3}}" for word in COLUMNS)
        total: Counter[str] = Counter()
        for (part, dtype), count in self.counts.items():
            yield _row(part, dtype, count)
            total.update(count)
        yield _row("all", "", total)

    def beside(self, table: str) -> Count:
        """These counts, and those of a table that they do not have."""
        found = Count()
        for line in table.splitlines():
            words = line.split()
            if len(words) == len(COLUMNS) + 2 and words[2].isdigit():
                found.counts[words[0], words[1]] = Counter(dict(zip(COLUMNS, map(int, words[2:]), strict=True)))
        found.counts.update(self.counts)
        return found


def _row(part: str, dtype: str, count: Counter[str]) -> str:
    return f"{part:16}{dtype:10}" + "".join(f"{count[word]:{len(word) + 3}}" for word in COLUMNS)
