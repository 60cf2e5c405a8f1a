"""The report of the bench: what the judge caught of each kind, op and dtype, as a text that is committed and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.bench.trying import Tried

REPORT: Final = Path(__file__).parent / "report.txt"

TWICE: Final = 16.0
"""How many times as bad as eager PyTorch a fault is that half precision is held to more strictly for."""

ABOUT: Final = """\
What the judge caught of the faults of the bench. `python -m tests.faults.bench --write` writes this file.

A fault counts where it is clearly worse than eager PyTorch, measured from the numbers alone: of every value and gradient
of the cell the root mean square and the largest of its errors, each beside that of the eager run in the same dtype, both
from a float64 run of the same numbers; eager PyTorch's error is at least half an ulp of the value's root mean square. The
largest of these ratios is the fault's. It counts from 8 on. One of whole numbers, truth values, NaN or infinities counts
where any of these is other than eager PyTorch's.

A fault is caught where the comparison that a sweep makes has a mismatch; it is named where the first step of it is the one
that is wrong (known of ops of the user's own alone). A right cell is the same host with nothing wrong: run eagerly,
compiled, and with each step by an op of the user's own that is right.

There is no device yet whose faults could be tried.
"""

FAULTS: Final = "Faults, with how many times as bad as eager PyTorch they are and the share of what is allowed"
RIGHT: Final = "Right cells"


@dataclass(frozen=True, slots=True)
class Line:
    """One fault, or one right cell, as the report has it.

    Attributes:
        name: its name.
        verdict: `caught`, `escaped` or `unused` of a fault; `green` or `red` of a right cell.
        ratio: how bad it is, in words.
        used: the largest share of what is allowed, in words.
        named: whether the step that is wrong was named.
    """

    name: str
    verdict: str
    ratio: str
    used: str
    named: bool = False

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.ratio:>8} {self.used:>8} {'named' if self.named else '':<6} {self.name}"


def line_of(one: Tried) -> Line:
    """What the report says of a fault or a right cell."""
    right = one.fault.wrong is None
    verdict = ("red" if one.is_red else "green") if right else one.verdict
    exact = one.fault.exact and one.other
    ratio = "other" if exact and not right else "" if right else f"{one.ratio:.2g}"
    return Line(one.fault.name, verdict, ratio, f"{one.used:.2g}", one.names_it and not right)


def text_of(found: Sequence[Tried]) -> str:
    """The whole report."""
    faults = [one for one in found if one.fault.wrong is not None]
    right = [one for one in found if one.fault.wrong is None]
    escapes = [line for one in faults if (line := line_of(one)).verdict == "escaped"]
    alarms = [line for one in right if (line := line_of(one)).verdict == "red"]
    parts = [
        ABOUT,
        _part("By dtype", _grid(faults, right, lambda one: (one.fault.host.dtype,))),
        _part("By kind and dtype", _grid(faults, right, lambda one: (one.fault.target.kind, one.fault.host.dtype))),
        _part("What escaped", map(str, escapes)),
        _part("Right cells that are called wrong", map(str, alarms)),
        _part(
            "By op, dtype and kind",
            _grid(faults, right, lambda one: (one.fault.target.op, one.fault.host.dtype, one.fault.target.kind)),
        ),
        _part(FAULTS, (str(line_of(one)) for one in faults)),
        _part(RIGHT, (str(line_of(one)) for one in right)),
    ]
    return "\n".join(parts)


def _part(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, "-" * len(title), *(line.rstrip() for line in lines), ""])


def _grid(faults: Sequence[Tried], right: Sequence[Tried], key_of: Callable[[Tried], tuple[str, ...]]) -> Iterator[str]:
    """A line for each key: how many faults count and were caught, and how many right cells were called wrong."""
    yield f"{'':<64} {'8x':>11} {'16x':>11} {'other':>9} {'named':>6} {'alarms':>9}"
    for key in sorted({key_of(one) for one in (*faults, *right)}):
        mine = [one for one in faults if key_of(one) == key]
        cells = [one for one in right if key_of(one) == key]
        graded = [one for one in mine if one.counts and not (one.fault.exact and one.other)]
        exact = [one for one in mine if one.fault.exact and one.other]
        named = sum(one.names_it for one in mine if one.counts)
        twice = [one for one in graded if one.ratio >= TWICE]
        alarms = f"{sum(one.is_red for one in cells)}/{len(cells)}"
        yield f"{' '.join(key):<64} {_caught(graded):>11} {_caught(twice):>11} {_caught(exact):>9} {named:>6} {alarms:>9}"


def _caught(faults: Sequence[Tried]) -> str:
    return f"{sum(one.is_red for one in faults)}/{len(faults)}"


def lines_in(text: str) -> dict[str, Line]:
    """The faults and right cells of a report, by name."""
    found = {}
    for title in (FAULTS, RIGHT):
        part = text.partition(f"{title}\n{'-' * len(title)}\n")[2].partition("\n\n")[0]
        for line in part.splitlines():
            one = _read(line)
            found[one.name] = one
    return found


def _read(line: str) -> Line:
    # columns as `Line` writes them
    return Line(line[34:], line[:8].strip(), line[9:17].strip(), line[18:26].strip(), line[27:33].strip() == "named")


@dataclass(frozen=True, slots=True)
class Change:
    """What a run found otherwise than the report says.

    Attributes:
        lost: faults that were caught and are not any more.
        alarms: right cells that are called wrong now.
        others: whatever else is other: a fault that is caught now, one that is not in the report.
    """

    lost: list[str]
    alarms: list[str]
    others: list[str]


def change(report: dict[str, Line], found: Sequence[Tried]) -> Change:
    """Hold a run against a report."""
    lost, alarms, others = [], [], []
    for one in map(line_of, found):
        before = report[one.name].verdict if one.name in report else "not in the report"
        if one.verdict == before:
            continue
        told = f"{before} before: {one}"
        if one.verdict == "escaped" and before == "caught":
            lost.append(told)
        elif one.verdict == "red":
            alarms.append(told)
        else:
            others.append(told)
    return Change(lost, alarms, others)
