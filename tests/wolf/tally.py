"""What became of the cells of a bench: counts by part and dtype, and every red value with its numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.wolf.borne_out import BorneOut, borne_out
from tests.wolf.cells import Judged, Red

COLUMNS: Final = (
    *("cells", "unsupported", "failed", "no reference", "refused"),
    *("ok", "not comparable", "dtype-dependent", "vacuous", "red cells", "red", "borne out", "seconds"),
)


@dataclass
class Tally:
    """Counts by part and dtype, and the reds."""

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    explained: list[tuple[Red, BorneOut]] = field(default_factory=list)
    unexplained: list[Red] = field(default_factory=list)
    unjudged: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, one: Judged) -> None:
        """Count a cell."""
        count = self.counts[one.cell.part, one.cell.dtype]
        count["cells"] += 1
        count["seconds"] += one.seconds
        count.update(one.values)
        if one.outcome != "judged":
            count[one.outcome] += 1
            self.unjudged.append((f"{one.cell.part}: {one.cell.words}", one.outcome, one.why))
        count["red cells"] += any(borne_out(red) is None for red in one.reds)
        for red in one.reds:
            evidence = borne_out(red)
            count["red" if evidence is None else "borne out"] += 1
            if evidence is None:
                self.unexplained.append(red)
            else:
                self.explained.append((red, evidence))

    def table(self) -> Iterator[str]:
        """A row a part and dtype, and one for all."""
        yield f"{'part':16}{'dtype':10}" + "".join(f"{word:>{_width(word)}}" for word in COLUMNS)
        total: Counter[str] = Counter()
        for (part, dtype), count in self.counts.items():
            yield _row(part, dtype, count)
            total.update(count)
        yield _row("all", "", total)

    def plain(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        return {
            "counts": {" ".join(key): dict(count) for key, count in self.counts.items()},
            "unexplained": [asdict(one) for one in self.unexplained],
            "borne out": [asdict(one) for one, _ in self.explained],
            "unjudged": self.unjudged,
        }


def _width(word: str) -> int:
    return max(8, len(word) + 2)


def _row(part: str, dtype: str, count: Counter[str]) -> str:
    return f"{part:16}{dtype:10}" + "".join(f"{count[word]:{_width(word)}.0f}" for word in COLUMNS)


def line(red: Red) -> str:
    """A red value in a line, with its numbers."""
    where = f"{red.part}: {red.cell} {red.dtype} {red.value} ({red.op}; {red.rule})"
    if red.rmse is None:
        return f"{where}: {red.reason}"
    size = (
        f"rmse {red.rmse:.3g} of rms {red.rms:.3g}, max {red.max_abs:.3g}, {red.max_ulp} ULP, {red.elements} elements"
    )
    return (
        f"{where}: used {red.used:.3g}; {size}; it is {red.found}, and {red.wanted} in float64; allowed {red.allowed}"
    )
