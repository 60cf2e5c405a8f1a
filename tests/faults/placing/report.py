"""The report of the bench of placing, as a text that is committed and read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.placing.placing import Placed

REPORT: Final = Path(__file__).parent / "report.txt"

GOALS: Final[Mapping[str, float]] = {
    "eager": 0.95,
    "readers": 0.95,
    "repeat": 0.95,
    "in_place": 0.95,
    "unsaid": 0.95,
    "mid_chain": 0.95,
    "blocks": 0.95,
    "amplifiers": 0.95,
    "hidden": 0.95,
    "two": 0.95,
    "bench": 0.95,
    "compiled": 0.85,
    "right": 1.0,
}
"""The share of each part that is to be placed rightly."""

ABOUT: Final = """\
Which step the judge names as the culprit, and which it is. `python -m tests.faults.placing --write` writes this file.

A fault counts where the comparison that a sweep makes has a mismatch; one of `hidden` where it has none, as only the
isolated verdict can find it: it is at least 24 epsilons off in a step that rounds once. It is right where the culprit that is named first is the
step that is wrong, and the only one, in its direction: forward, backward, or an operand that is overwritten. `round`:
where it is in a `repeat`, whether the first bad round is named, too. `both`: of two culprits, whether both are named. A
cell of `right` is right where no culprit is named.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A cell as the report has it.

    Attributes:
        name: its name.
        verdict: `right`, `wrong` or `unused`.
        more: `round` where the round is named, `not round` where it is not; the same of `both`.
        named: what was named, in words.
    """

    name: str
    verdict: str
    more: str = ""
    named: str = ""

    @property
    def part(self) -> str:
        return self.name.partition(":")[0]

    @property
    def dtype(self) -> str:
        words = self.name.partition(" |")[0].split()
        return next(one for one in words if one in ("float32", "bfloat16", "float16"))

    def __str__(self) -> str:
        return f"{self.verdict:<6} {self.more:<9} {self.name} -> {self.named or 'nothing'}"


def line_of(one: Placed) -> Line:
    """What the report says of a cell."""
    more = ""
    for word, found in (("both", one.both), ("round", one.by_round)):
        if found is not None and one.verdict != "unused":
            more = word if found else f"not {word}"
    return Line(one.cell.name, one.verdict, more, "; ".join(map(str, one.culprits)) or one.why)


def text_of(lines: Sequence[Line]) -> str:
    """The whole report."""
    parts = [
        ABOUT,
        _section("By part", shares(lines)),
        _section("Not placed", (str(one) for one in lines if one.verdict == "wrong")),
        _section("Placed", (str(one) for one in lines if one.verdict == "right" and one.part != "right")),
        _section("Right cells", (str(one) for one in lines if one.verdict == "right" and one.part == "right")),
        _section("Faults that do not count", (str(one) for one in lines if one.verdict == "unused")),
    ]
    return "\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines, ""])


def shares(lines: Sequence[Line]) -> Iterator[str]:
    """How many of each part were placed rightly, by dtype, and beside the goal."""
    dtypes = ("float32", "bfloat16", "float16")
    yield f"{'':<12}" + "".join(f"{one:>12}" for one in ("placed", "share", "goal", *dtypes, "round", "both"))
    for part, goal in GOALS.items():
        mine = counting(lines, part)
        right = share(mine)
        by_dtype = [_of([one for one in mine if one.dtype == dtype]) for dtype in dtypes]
        more = [_told(mine, word) for word in ("round", "both")]
        words = (_of(mine), f"{100 * right:.1f} %", f"{100 * goal:.0f} %", *by_dtype, *more)
        yield (f"{part:<12}" + "".join(f"{one:>12}" for one in words)).rstrip()


def counting(lines: Iterable[Line], part: str) -> list[Line]:
    """The lines of a part that count."""
    return [one for one in lines if one.part == part and one.verdict != "unused"]


def share(lines: Sequence[Line]) -> float:
    """The share of lines that are right."""
    return sum(one.verdict == "right" for one in lines) / len(lines) if lines else 1.0


def _of(lines: Sequence[Line]) -> str:
    return f"{sum(one.verdict == 'right' for one in lines)}/{len(lines)}"


def _told(lines: Sequence[Line], word: str) -> str:
    found = [one.more for one in lines if one.more.endswith(word)]
    return f"{found.count(word)}/{len(found)}" if found else ""


def lines_in(text: str) -> dict[str, Line]:
    """The lines of a report, by name."""
    found = {}
    for written in text.splitlines():
        line, arrow, culprits = written.partition(" -> ")
        if arrow and line.split(" ")[0] in ("right", "wrong", "unused"):
            # columns as `Line` writes them
            one = Line(line[17:], line[:6].strip(), line[7:16].strip(), "" if culprits == "nothing" else culprits)
            found[one.name] = one
    return found


def changed(report: Mapping[str, Line], found: Sequence[Line]) -> list[str]:
    """What a run found otherwise than a report says."""
    told = []
    for one in found:
        before = report[one.name].verdict if one.name in report else "not in the report"
        if one.verdict != before:
            told.append(f"{before} before: {one}")
    return told
