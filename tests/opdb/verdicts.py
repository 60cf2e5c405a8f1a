"""What became of a case, and of all cases of an entry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tensorflow_free.support.sample_calls import SampleCall

WELL: Final = frozenset({"alike", "fails alike", "wavers", "refused"})


class Verdict(NamedTuple):
    """What became of a case: `alike`, `fails alike`, `wavers`, `refused`, or what is wrong, with the reason."""

    word: str
    reason: str = ""
    gradients: int = 0
    """How many gradients of inputs were compared."""


@dataclass
class Tally:
    """What became of an entry's cases: how many by verdict, and the reasons where something is wrong."""

    samples: int = 0
    gradients: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict | None, case: SampleCall) -> None:
        """Count one case; None is one that the trial does not concern."""
        if verdict is None:
            return
        self.gradients += verdict.gradients
        self.counts[verdict.word] += 1
        if verdict.word not in WELL:
            self.reasons.append(f"{case.form.name}: {verdict.word}: {verdict.reason}")

    @property
    def is_well(self) -> bool:
        """Whether something was compared, and every case was as in plain torch."""
        return self.counts["alike"] > 0 and set(self.counts) <= WELL
