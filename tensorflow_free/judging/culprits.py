"""Which step is wrong for its own inputs: what blaming finds, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tensorflow_free.outcome.outcomes import ValueOutcome
from tensorflow_free.outcome.plain_reasons import PlainFloat
from tensorflow_free.outcome.reasons import AnyReason, Problems
from tensorflow_free.outcome.sentences import words
from tensorflow_free.text.characters import printable
from tensorflow_free.text.phrases import cut

Direction = Literal["forward", "backward", "operand"]

ALONE: Final = "float64 of what it read"
"""What a step is held against alone."""

LONGEST: Final = 300
"""Characters of why no culprit was found."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """A step that is wrong for its own inputs.

    Attributes:
        step: the step's name.
        op: its op.
        direction: forward: its result; backward: a gradient that it hands on (its vector-Jacobian product); operand: it
            changed an operand without saying so.
        value: the value that is wrong: `y`, `qr.Q`; backward `x.grad`, the gradient to its operand x; the operand.
        noise: how many times as far it is from float64 on the same operands as rounding moves it; infinite where NaN,
            an infinity or the structure decide.
        rounds: in `repeat`, the round of each block around it, from the outermost in, counted from 1.
        cause: what is wrong with the value, as data.
        calls: how many calls of the step are wrong so: in `repeat`, of how many rounds.
        operands: what it read: `x: float32 [3, 4]`.
        lengths: in `repeat`, how many rounds each block around it has, as of `rounds`; empty where that is not known.
        unchanged: of an operand, whether the step left it as it was, where it should have changed it.
    """

    step: str
    op: str | None
    direction: Direction
    value: str
    noise: PlainFloat
    rounds: tuple[int, ...] = ()
    cause: AnyReason | None = None
    calls: int = 1
    operands: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    unchanged: bool = False

    @property
    def why(self) -> str:
        """What is wrong with the value, in words."""
        return "" if self.cause is None else words(self.cause, ALONE)


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What a step made of its own operands, judged alone; of its calls in several rounds, the worst.

    Attributes:
        step: the step's name.
        op: its op.
        direction: as of `Culprit`; operand: what it left of an operand.
        value: as of `Culprit`.
        outcome: what was found.
        used: the share of the allowed error that it used, as of `ValueVerdict`.
        rule: what judged it.
        rounds: as of `Culprit`.
        calls: how many calls were judged.
        cause: why it is not ok, as data.
    """

    step: str
    op: str | None
    direction: Direction
    value: str
    outcome: ValueOutcome
    used: PlainFloat = 0.0
    rule: str = ""
    rounds: tuple[int, ...] = ()
    calls: int = 1
    cause: AnyReason | None = None


@dataclass(frozen=True, slots=True)
class Blame:
    """What is to blame for values out of bounds: each step judged alone, by what it made of its own operands.

    Attributes:
        culprits: the steps that are wrong for their own inputs, in the order in which they ran; before them the
            one that is the first value out of bounds itself, if it alone explains how far.
        shows_at: the first value that is out of bounds by what the whole chain gives; None where none is.
        amplified: how many times the first culprit's error it is, where that is most: RMSE over RMS of that value, over
            RMSE over RMS of what the culprit itself made; None where it is nowhere more, or is not known.
        amplified_at: the value where it is most.
        right: the steps whose values are out of bounds and that are right for their inputs.
        drift: whether values are out of bounds, no step is wrong, and none overflows.
        judged: how many calls of steps, and of their vector-Jacobian products, were judged alone.
        unjudged: the steps that could not be judged alone.
        candidates: where it is not known which, the steps one of which is wrong.
        notes: what is worth saying of how it was found.
        steps: what was found of each step alone, forward and of each gradient that it hands on.
        overflows: of them, what is infinite just where the exact number is larger than its dtype holds, which is right.
        is_beyond_drift: whether values are so far out of bounds, though no step is wrong, that small errors that add up
            do not explain it.
    """

    culprits: tuple[Culprit, ...] = ()
    shows_at: str | None = None
    amplified: PlainFloat | None = None
    right: tuple[str, ...] = ()
    drift: bool = False
    judged: int = 0
    unjudged: tuple[str, ...] = ()
    candidates: tuple[Culprit, ...] = ()
    notes: tuple[AnyReason, ...] = ()
    amplified_at: str | None = None
    steps: tuple[StepVerdict, ...] = ()
    overflows: tuple[StepVerdict, ...] = ()
    is_beyond_drift: bool = False

    @property
    def first(self) -> Culprit | None:
        """The first culprit; None where there is none."""
        return self.culprits[0] if self.culprits else None

    @property
    def told(self) -> list[str]:
        """The notes in words."""
        return [words(note) for note in self.notes]


def not_found(why: str) -> Problems:
    """That the culprit was not found, and why, of which the first line is kept."""
    return Problems(code="culprit not found", problems=[printable(cut(why.partition("\n")[0], LONGEST))])
