"""What a script has to show: the element that is wrong and its digits, or the error that stops the run."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from tensorflow_free.cell.blamed_runs import BlamedRun
from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.outcome.plain_reasons import Elements
from tensorflow_free.outcome.reasons import CompilerStage, StepFailed
from tensorflow_free.outcome.sentences import words
from tensorflow_free.result.result import Result

FaultKind = Literal["value", "error", "nothing"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a cell.

    Attributes:
        kind: a value that is out of bounds or not as expected, an error that stops the run, or nothing.
        value: the value's name in the result: `y`, `qr.Q`, `w.grad`.
        at: the index of the element that is furthest off.
        digits: the number there, as Python prints it; of an error its type and first line.
        wanted: what would be right, as it was told.
        sentence: what is wrong, in a sentence.
        why: which step is to blame, where that is known, in sentences.
    """

    kind: FaultKind
    value: str = ""
    at: tuple[int, ...] = ()
    digits: str = ""
    wanted: str = ""
    sentence: str = ""
    why: tuple[str, ...] = ()

    @property
    def is_gradient(self) -> bool:
        """Whether it is a gradient of a value."""
        return self.value.endswith(".grad")

    @property
    def root(self) -> str:
        """The tensor or step that it is of."""
        return self.value.partition(".")[0]


def fault_of(found: BlamedRun) -> Fault:
    """The first thing that is wrong with a run: a step that failed, the culprit's value, an expectation."""
    result = found.result
    if result.has_failed and result.error is not None:
        said = _said(result.error)
        return Fault("error", result.error.step or "", digits=said, sentence=f"'{result.error.step}' fails: {said}")
    if not result.records:
        return Fault("nothing", sentence=f"What {result.name} computes on {_cell(result)}")
    bad = [] if found.comparison is None else found.comparison.bad
    shown = [fault for one in _culprit_first(found, bad) if (fault := _of_value(result, one)) is not None]
    if shown:
        return replace(shown[0], why=_why(found))
    for one in result.unmet:
        value = result[one.name] if one.name in result else None  # noqa: SIM401 - a result is no mapping
        if isinstance(value, torch.Tensor) and value.layout == torch.strided and isinstance(one.cause, Elements):
            at = tuple(one.cause.at)
            sentence = f"{one.name} is not what is expected: {one.message}"
            return Fault("value", one.name, at, digits_at(value, at), one.cause.wanted, sentence)
    return Fault("nothing", sentence=_unshown(found, bad) or "Nothing is wrong in this cell")


def _said(error: StepFailed) -> str:
    """An error's type and first line, without the line of the user's code that it came through."""
    first = re.sub(r" \(at [^()]+:\d+\)$", "", next(iter(error.message.splitlines()), ""))
    return error.type if first in ("", error.type) else f"{error.type}: {first}"


def _unshown(found: BlamedRun, bad: list[ValueVerdict]) -> str:
    """What is wrong where no element of a tensor shows it, in a sentence; empty where nothing is."""
    told = [f"{one.name} is wrong: {one.reason}" for one in bad]
    told += [f"{one.name} is not what is expected: {one.message}" for one in found.result.unmet]
    if not told and found.is_wrong:
        told = ["A step is wrong for what it read, by less than what the run allows"]
    return f"{told[0]}; the script computes it, and prints no element that shows it" if told else ""


def _why(found: BlamedRun) -> tuple[str, ...]:
    """Which step is to blame, and up to which stage of a compiler all is right, in sentences."""
    blame = None if found.comparison is None else found.comparison.blame
    if blame is None:
        return ()
    stages = (words(note) for note in blame.notes if isinstance(note, CompilerStage))
    return tuple(f"{line[0].upper()}{line[1:]}." for line in (*blame_lines(blame), *stages))


def _culprit_first(found: BlamedRun, bad: list[ValueVerdict]) -> list[ValueVerdict]:
    """The values out of bounds: that of the culprit, where it is among them, before the first by order."""
    comparison = found.comparison
    blame = None if comparison is None else comparison.blame
    culprits = [] if blame is None else [one.value for one in blame.culprits]
    return sorted(bad, key=lambda one: one.name not in culprits)


def _of_value(result: Result, one: ValueVerdict) -> Fault | None:
    value = result[one.name] if one.name in result else None  # noqa: SIM401 - a result is no mapping
    if (
        not isinstance(value, torch.Tensor)
        or value.layout != torch.strided
        or one.measure is None
        or one.kind == "tensor"
    ):
        return None
    at = one.measure.at or one.measure.max_abs_at
    if at is None or len(at) != value.dim():
        return None
    where = f"{one.name}{list(at) if at else ''}"
    sentence = f"{where} is {one.measure.found} on {_cell(result)}, and {one.measure.wanted} in float64"
    return Fault("value", one.name, tuple(at), digits_at(value, tuple(at)), one.measure.wanted, sentence)


def _cell(result: Result) -> str:
    recipe = result.recipe
    return " ".join([recipe.device, recipe.dtype, *([] if recipe.backend.name == "eager" else [recipe.backend.name])])


def digits_at(value: torch.Tensor, at: tuple[int, ...]) -> str:
    """An element as a script prints it."""
    number: Any = value[at].item()
    return repr(number)
