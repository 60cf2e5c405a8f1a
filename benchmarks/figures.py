"""What a benchmark measures: two sides, run in turn, and the median of what each pair of runs gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any, Final, Literal

Kind = Literal["ratio", "seconds", "milliseconds"]

SIGNS: Final[dict[Kind, str]] = {"ratio": "×", "seconds": " s", "milliseconds": " ms"}  # noqa: RUF001 - it means times
"""What stands behind a number of each kind."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The median over all pairs, and the quartiles: half of the pairs lie between `low` and `high`."""

    value: float
    low: float
    high: float
    kind: Kind
    pairs: int


WALL: Final[Callable[[], float]] = perf_counter
"""The clock of what waits."""


def of_children() -> float:
    """The processor's clock of the commands that were waited for: seconds in them and in the system for them."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things that are compared: `act` is timed, on what `prepare` gives, which is not.

    The clock is that of the processor, so that what else the machine does counts less. What waits, for a disk or for
    another process, needs `WALL`.
    """

    act: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    clock: Callable[[], float] = process_time

    def seconds(self) -> float:
        """How long one run takes; what it gives is let go of only when the clock has stopped."""
        prepared = self.prepare()
        start = self.clock()
        given = self.act(prepared)
        seconds = self.clock() - start
        del given
        return seconds


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done: the share of the pairs, and of the sizes, that a figure for the table needs.

    `warm` says whether a first run of each side is made that is not counted.
    """

    pairs: float = 1.0
    sizes: float = 1.0
    warm: bool = True

    def pairs_of(self, full: int) -> int:
        """How many pairs to run."""
        return max(1, round(full * self.pairs))

    def size_of(self, full: int, least: int = 1) -> int:
        """How large to make what is measured."""
        return max(least, round(full * self.sizes))


FULL: Final = Effort()
QUICK: Final = Effort(pairs=0.1)
TINY: Final = Effort(pairs=0.0, sizes=0.001, warm=False)
"""For a test that the benchmarks run: one pair of the smallest sizes, and of whole commands nothing else."""


def ratio(ours: Side, theirs: Side, pairs: int, *, warm: bool = True) -> Figure:
    """How many times as long `ours` takes; `warm`: the first run of each is not counted."""
    return figure([mine / its for mine, its in _in_turn(ours, theirs, pairs, warm=warm)], "ratio")


def excess(
    ours: Side, theirs: Side, pairs: int, kind: Kind = "milliseconds", share: int = 1, *, warm: bool = True
) -> Figure:
    """How much longer each of `share` parts of `ours` takes."""
    scale = {"seconds": 1.0, "milliseconds": 1e3}[kind] / share
    return figure([(mine - its) * scale for mine, its in _in_turn(ours, theirs, pairs, warm=warm)], kind)


def figure(values: list[float], kind: Kind) -> Figure:
    """The median of some values, with their quartiles."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Figure(median(values), low, high, kind, len(values))


def _in_turn(ours: Side, theirs: Side, pairs: int, *, warm: bool = True) -> Iterator[tuple[float, float]]:
    """Seconds of both sides, run A B A B; where `warm`, the first run of each is not counted."""
    if warm:
        ours.seconds()
        theirs.seconds()
    for _ in range(pairs):
        yield ours.seconds(), theirs.seconds()
