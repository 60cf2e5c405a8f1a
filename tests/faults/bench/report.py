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

MOST_USED: Final = 20
"""What of the share of the allowed error is of interest: how near a fault is to escaping."""

OTHER: Final = "other"
"""What stands for how bad one of whole numbers, truth values, NaN and infinities is."""

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

    @property
    def dtype(self) -> str:
        return self.name.split(" | ")[0].split()[1]

    @property
    def kind(self) -> str:
        return self.name.split(" | ")[1].split()[0]

    @property
    def op(self) -> str:
        return self.name.split(" | ")[1].split()[1]

    @property
    def is_right(self) -> bool:
        return self.verdict in ("green", "red")

    @property
    def counts(self) -> bool:
        return self.verdict in ("caught", "escaped")

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.ratio:>8} {self.used:>8} {'named' if self.named else '':<6} {self.name}"


def line_of(one: Tried) -> Line:
    """What the report says of a fault or a right cell."""
    right = one.fault.wrong is None
    verdict = ("red" if one.is_red else "green") if right else one.verdict
    exact = one.fault.exact and one.other
    ratio = OTHER if exact and not right else "" if right else f"{one.ratio:.2g}"
    used = f"{one.used:.2g}" if one.used < MOST_USED else f">{MOST_USED}"
    return Line(one.fault.name, verdict, ratio, used, one.names_it and not right)


def text_of(lines: Sequence[Line]) -> str:
    """The whole report."""
    faults, right = [[one for one in lines if one.is_right is which] for which in (False, True)]
    parts = [
        ABOUT,
        _part("By dtype", _grid(lines, lambda one: (one.dtype,))),
        _part("By kind and dtype", _grid(lines, lambda one: (one.kind, one.dtype))),
        _part("What escaped", (str(one) for one in faults if one.verdict == "escaped")),
        _part("Right cells that are called wrong", (str(one) for one in right if one.verdict == "red")),
        _part("By op, dtype and kind", _grid(lines, lambda one: (one.op, one.dtype, one.kind))),
        _part(FAULTS, map(str, faults)),
        _part(RIGHT, map(str, right)),
    ]
    return "\n".join(parts)


def _part(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, "-" * len(title), *(line.rstrip() for line in lines), ""])


def _grid(lines: Sequence[Line], key_of: Callable[[Line], tuple[str, ...]]) -> Iterator[str]:
    """A line for each key: how many faults count and were caught, and how many right cells were called wrong."""
    yield f"{'':<64} {'8x':>11} {'16x':>11} {'other':>9} {'named':>6} {'alarms':>9}"
    for key in sorted(set(map(key_of, lines))):
        mine = [one for one in lines if key_of(one) == key]
        counting = [one for one in mine if one.counts]
        graded = [one for one in counting if one.ratio != OTHER]
        twice = [one for one in graded if float(one.ratio) >= TWICE]
        other = [one for one in counting if one.ratio == OTHER]
        right = [one for one in mine if one.is_right]
        alarms = f"{sum(one.verdict == 'red' for one in right)}/{len(right)}"
        shares = f"{_caught(graded):>11} {_caught(twice):>11} {_caught(other):>9}"
        yield f"{' '.join(key):<64} {shares} {sum(one.named for one in counting):>6} {alarms:>9}"


def _caught(faults: Sequence[Line]) -> str:
    return f"{sum(one.verdict == 'caught' for one in faults)}/{len(faults)}"


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
        others: whatever else is other: a fault that is caught now, one that is not in the report. Whether a fault that is
            caught counts is not of them: another CPU has other errors.
    """

    lost: list[str]
    alarms: list[str]
    others: list[str]


def change(report: dict[str, Line], found: Sequence[Line]) -> Change:
    """Hold a run against a report."""
    lost, alarms, others = [], [], []
    for one in found:
        before = report[one.name].verdict if one.name in report else "not in the report"
        if one.verdict == before or {one.verdict, before} == {"caught", "unused"}:
            continue
        told = f"{before} before: {one}"
        if one.verdict == "escaped" and before == "caught":
            lost.append(told)
        elif one.verdict == "red":
            alarms.append(told)
        else:
            others.append(told)
    return Change(lost, alarms, others)
