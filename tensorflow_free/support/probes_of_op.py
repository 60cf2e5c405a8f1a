"""What is run of an op to fill its cells: scripts that ask for one run after another, and are told the row of each."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tensorflow_free.outcome.outcomes import RANKS, Outcome
from tensorflow_free.support.cutting import cut_down
from tensorflow_free.support.kinds_of_row import (
    ENDED,
    KindVerdict,
    OpSide,
    Verdicts,
    has_stopped,
    stop_of,
    verdicts_of,
    verdicts_of_both,
)
from tensorflow_free.support.matrix_file import SKIPPED, SupportCell
from tensorflow_free.support.sample_recipes import NoSample, SampleRecipe, chosen_samples, smaller_samples
from tensorflow_free.sweep.rows import Row

MOST_SMALLER: Final = 6
"""Smaller samples that are tried where one fails."""

MOST_LOST: Final = {Outcome.CRASHED: 2, Outcome.OUT_OF_MEMORY: 2, Outcome.TIMED_OUT: 0}
"""The same where each try may cost a worker process, or as long as the first took."""

MOST_CUTS: Final = 24
"""Tries to cut a sample down."""

FORWARD_ONLY: Final = "forward=true"
"""The override that leaves a recipe's backward passes out."""


@dataclass(frozen=True)
class Probe:
    """A run that is asked for.

    Attributes:
        recipe: a recipe that holds tensors, or the path of a file.
        overrides: what it is given besides.
    """

    recipe: Mapping[str, Any] | str
    overrides: tuple[str, ...] = ()


Script = Generator[Probe, Row, None]
"""Asks for runs, and is sent the row of each."""


@dataclass
class KindTally:
    """What samples came to, of the value or of the gradient.

    Attributes:
        worst: the worst verdict; None before the first.
        samples: how many there were.
        smallest: by outcome, the smallest sample that came to it.
        counts: by outcome, how many did.
    """

    worst: KindVerdict | None = None
    samples: int = 0
    smallest: dict[Outcome, SampleRecipe] = field(default_factory=dict)
    counts: dict[Outcome, int] = field(default_factory=dict)

    def add(self, verdict: KindVerdict, sample: SampleRecipe) -> None:
        """Take in a sample."""
        self.samples += 1
        self.counts[verdict.outcome] = self.counts.get(verdict.outcome, 0) + 1
        before = self.smallest.setdefault(verdict.outcome, sample)
        if sample.elements < before.elements:
            self.smallest[verdict.outcome] = sample
        if self.worst is None or RANKS[verdict.outcome] < RANKS[self.worst.outcome]:
            self.worst = verdict


@dataclass
class OpSettings:
    """What is wanted of each entry.

    Attributes:
        device: the kind of device.
        samples: how many samples; None for all.
        forward: whether gradients are left out.
        searches: how many more cells that each cost worker processes get a smaller sample.
    """

    device: str
    samples: int | None = 1
    forward: bool = False
    searches: int = 20

    def spend(self) -> bool:
        """Whether one more such cell gets a smaller sample."""
        self.searches -= 1
        return self.searches >= 0


@dataclass
class OpProbes:
    """An entry of the database in one dtype: its cells, and the recipes of the samples that fail.

    Attributes:
        cells: what became of the value and of the gradient, once the script is through.
        failing: by kind, the smallest sample that fails.
    """

    entry: str
    dtype: str
    settings: OpSettings
    cells: dict[OpSide, SupportCell] = field(default_factory=dict)
    failing: dict[OpSide, SampleRecipe] = field(default_factory=dict)

    def script(self) -> Script:
        """Run some samples, and look for the smallest that fails."""
        try:
            chosen = chosen_samples(self.entry, self.dtype, self.settings.device, self.settings.samples)
        except NoSample as why:
            self.cells["value"] = SupportCell(outcome=SKIPPED, reason=str(why))
            return
        tallies: dict[OpSide, KindTally] = {}
        for sample in chosen:
            wanted = sample.forward() if self.settings.forward else sample
            for kind, verdict in (yield from _tried(wanted)).items():
                tallies.setdefault(kind, KindTally()).add(verdict, wanted)
        for kind, tally in tallies.items():
            yield from self._settle(kind, tally)

    def _settle(self, kind: OpSide, tally: KindTally) -> Script:
        """The cell of what is through, with the smallest sample that comes to the same."""
        worst = tally.worst
        if worst is None or worst.outcome == Outcome.OK:
            self.cells[kind] = SupportCell(outcome=Outcome.OK, samples=tally.samples)
            return
        sample, reason = yield from self._smallest(kind, worst, tally.smallest[worst.outcome])
        self.failing[kind] = sample
        self.cells[kind] = SupportCell(
            outcome=worst.outcome,
            reason=reason,
            samples=tally.samples,
            bad=tally.counts[worst.outcome],
            elements=sample.elements,
        )

    def _smallest(self, kind: OpSide, worst: KindVerdict, sample: SampleRecipe) -> Generator[Probe, Row, Smallest]:
        """The smallest sample that comes to an outcome, and why it does: another one of the database's, cut down."""
        for other in self.failing.values():
            if other.elements <= sample.elements and (reason := (yield from _alike(other, kind, worst))) is not None:
                return other, reason
        found = (sample, worst.reason)
        if worst.outcome in MOST_LOST and not self.settings.spend():
            return found
        others = [] if self.settings.samples is None else smaller_samples(sample, self.settings.device)
        for one in others[: MOST_LOST.get(worst.outcome, MOST_SMALLER)]:
            smaller = one.forward() if self.settings.forward else one
            if (reason := (yield from _alike(smaller, kind, worst))) is not None:
                found = (smaller, reason)
                break
        return (yield from _cut(*found, kind, worst))


Smallest = tuple[SampleRecipe, str]
"""A sample that fails, and why."""


def _cut(sample: SampleRecipe, reason: str, kind: OpSide, worst: KindVerdict) -> Generator[Probe, Row, Smallest]:
    """The sample cut down as far as it fails alike, and why it does."""
    cutting = cut_down(sample)
    try:
        candidate = next(cutting)
        for _ in range(MOST_LOST.get(worst.outcome, MOST_CUTS)):
            why = yield from _alike(candidate, kind, worst)
            if why is not None:
                sample, reason = candidate, why
            candidate = cutting.send(why is not None)
    except StopIteration:
        pass
    return sample, reason


def _alike(sample: SampleRecipe, kind: OpSide, worst: KindVerdict) -> Generator[Probe, Row, str | None]:
    """Why a sample comes to the same outcome; None where it comes to another."""
    if worst.outcome in ENDED:
        # the run that is to end alike is enough
        row = yield Probe((sample.forward() if kind == "value" else sample).mapping)
        found: KindVerdict | None = stop_of(row)
    else:
        found = (yield from _tried(sample)).get(kind)
    return found.reason if found is not None and found.outcome == worst.outcome else None


def _tried(sample: SampleRecipe) -> Generator[Probe, Row, Verdicts]:
    """What a sample comes to: without its backward pass once more, where it does not come to its end."""
    row = yield Probe(sample.mapping)
    if sample.has_gradient and has_stopped(row):
        return verdicts_of_both(row, (yield Probe(sample.forward().mapping)))
    return verdicts_of(row, has_gradient=sample.has_gradient)


@dataclass
class RecipeProbes:
    """A user's recipe in one dtype.

    Attributes:
        path: its file, as typed.
        overrides: its case and dtype.
        has_gradient: whether it differentiates anything, and that is wanted.
        cells: as of `OpProbes`.
    """

    path: str
    overrides: tuple[str, ...]
    dtype: str
    has_gradient: bool
    cells: dict[OpSide, SupportCell] = field(default_factory=dict)
    failing: dict[OpSide, SampleRecipe] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its row is called."""
        return " ".join([self.path, *(one for one in self.overrides if one.startswith("case="))])

    def script(self) -> Script:
        """Run it, and again without its backward pass where it does not come to its end."""
        row = yield Probe(self.path, self.overrides)
        if self.has_gradient and has_stopped(row):
            verdicts = verdicts_of_both(row, (yield Probe(self.path, (*self.overrides, FORWARD_ONLY))))
        else:
            verdicts = verdicts_of(row, has_gradient=self.has_gradient)
        for kind, verdict in verdicts.items():
            bad = verdict.outcome != Outcome.OK
            self.cells[kind] = SupportCell(
                outcome=verdict.outcome,
                reason=verdict.reason,
                samples=1,
                bad=int(bad),
                recipe=self.path if bad else "",
                command=row.command if bad else "",
            )
