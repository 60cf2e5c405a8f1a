"""What a comparison found, as reasons: what is out of bounds and not known, what it leaves open, what else to tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from tensorflow_free.judging.culprit_words import place_of
from tensorflow_free.judging.culprits import Culprit
from tensorflow_free.judging.known_faults import bears, is_marked, mark_of
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import AnyReason, CellMismatch, Hidden, OfNames, OtherK, Shortfall
from tensorflow_free.plan.calls import described
from tensorflow_free.plan.conditions import holds
from tensorflow_free.recipe.graph import paths_of, reads_of, steps_of
from tensorflow_free.recipe.models import KnownFault
from tensorflow_free.result.result import Result
from tensorflow_free.text.phrases import some

MOST_NAMES: Final = 5
"""Names that are listed of the values out of bounds."""


def notes_of(comparison: Comparison) -> Iterator[AnyReason]:
    """What is worth saying of a comparison, and is no failure."""
    for one in comparison.values:
        if one.outcome == Outcome.DTYPE_DEPENDENT:
            yield OfNames(code="dtype-dependent value", name=one.name, cause=one.cause)
    others = [one for one in comparison.values if one.outcome == Outcome.NOT_COMPARABLE and not one.is_open]
    if others:
        names = some((one.name for one in others), MOST_NAMES)
        yield OfNames(code="not comparable values", name=names, cause=others[0].cause)
    if comparison.k is not None and comparison.usual_k is not None and comparison.k != comparison.usual_k:
        yield OtherK(k=comparison.k, usual=comparison.usual_k)
    if comparison.vacuous:
        yield _shortfall("vacuous", comparison.vacuous, comparison)


def compiler_notes(result: Result) -> Iterator[OfNames]:
    """That the compiler of a run did not compute all of it, so that the run says less about it than it seems to."""
    compiled = result.compiled
    if compiled is not None and compiled.is_nothing:
        yield OfNames(code="nothing compiled", name=result.recipe.backend.name, more=compiled.why)
    elif compiled is not None and compiled.fell_back:
        yield OfNames(code="fell back", name=result.recipe.backend.name, more="; ".join(compiled.fell_back))


def shortfalls_of(comparison: Comparison) -> Iterator[Shortfall]:
    """The values that could not be judged; those of one reason together."""
    alike: dict[str, list[ValueVerdict]] = {}
    for one in comparison.unjudged:
        if one.cause is not None:
            alike.setdefault(one.cause.kind, []).append(one)
    for ones in alike.values():
        yield _shortfall("partly judged", ones, comparison)


def _shortfall(
    code: Literal["partly judged", "vacuous"], ones: Sequence[ValueVerdict], comparison: Comparison
) -> Shortfall:
    return Shortfall(
        code=code,
        names=[one.name for one in ones[:MOST_NAMES]],
        count=len(ones),
        values=comparison.compared + len(comparison.unjudged),
        cause=ones[0].cause if code == "partly judged" else None,
    )


def unmarked(comparison: Comparison, marks: Iterable[KnownFault]) -> list[ValueVerdict]:
    """The values out of bounds that no mark bears."""
    borne = list(marks)
    return [one for one in comparison.bad if not any(is_borne_by(one, mark) for mark in borne)]


def is_borne_by(one: ValueVerdict, mark: KnownFault) -> bool:
    """Whether a mark is on a value, and bears so much."""
    return is_marked(one.name, mark) and bears(mark, one.used)


def marks_of(result: Result) -> dict[int, KnownFault]:
    """The known faults that are marked for the cell, by their places."""
    recipe = result.recipe
    return {number: one for number, one in enumerate(recipe.xfail) if holds(one.when, recipe)}


def hidden_in(comparison: Comparison, marks: Iterable[KnownFault]) -> list[Hidden]:
    """The steps that are wrong alone where every value is within bounds, but for those that a mark is on."""
    if comparison.blame is None or comparison.bad:
        return []
    known = list(marks)
    return [_hidden(one) for one in comparison.blame.culprits if not any(is_on(mark, one) for mark in known)]


def is_on(mark: KnownFault, culprit: Culprit) -> bool:
    """Whether a mark is on a step that is wrong alone, or on what is wrong of it, and bears so much."""
    return bears(mark, culprit.noise) and (is_marked(culprit.value, mark) or is_marked(culprit.step, mark))


def _hidden(one: Culprit) -> Hidden:
    return Hidden(
        place=place_of(one),
        step=one.step,
        op=one.op,
        direction=one.direction,
        value=one.value,
        noise=one.noise,
        cause=one.cause,
    )


def mismatch_of(comparison: Comparison, result: Result, bad: Sequence[ValueVerdict]) -> CellMismatch:
    """The first value out of bounds that no mark bears, what it was made from, and how many there are."""
    where = comparison.where
    first = next((one for one in bad if where is not None and one.name == where.value), bad[0])
    if where is not None and first.name != where.value:
        # it starts at a value whose fault is known
        where = None
    above = next((mark for mark in marks_of(result).values() if is_marked(first.name, mark)), None)
    # backward, it is the backward of a step that reads the value which went wrong
    steps = () if where is None else where.through if where.direction == "backward" else (where.step,)
    first_culprit = next(iter(() if comparison.blame is None else comparison.blame.culprits), None)
    if first_culprit is not None and (first_culprit.direction, first_culprit.value) == ("operand", first.name):
        # the step that made it is right, and another changed it
        steps = (first_culprit.step,)
    read = [(step, operands) for step in steps if (operands := operands_of(result, step))]
    return CellMismatch(
        value=first.name,
        cause=first.cause,
        message=first.reason,
        used=first.used,
        allowed=first.allowed,
        mark=None if above is None else mark_of(above, "above the mark"),
        operands=[f"{op_of(result, step)} of {'; '.join(operands)}" for step, operands in read],
        bad=len(comparison.bad),
        names=[one.name for one in comparison.bad[:MOST_NAMES]],
        values=len(comparison.values),
    )


def operands_of(result: Result, step: str) -> list[str]:
    """What a step read, as far as the run recorded it: `x: float16 [3, 4] cpu`."""
    names = reads_of(result.recipe).get(step, ())
    return [f"{name}: {described(result.records[name].value)}" for name in names if name in result.records]


def op_of(result: Result, step: str) -> str:
    """The op of a step, inside blocks too; its name where it has none."""
    found = dict(steps_of(result.recipe.steps)).get(step)
    return step if found is None or found.op is None else found.op


def shared_ops(result: Result, reference: Result) -> Iterator[OfNames]:
    """That an op of the user's own is its own measure, if it is."""
    for name in result.ops:
        if name in reference.ops:
            yield OfNames(code="own op in the reference", name=name, more=_other_ops(result, name))


def _other_ops(result: Result, own: str) -> str:
    """What a reference would say instead of an op of the user's own: `steps.h.op: OP`."""
    steps = [step for _, step in steps_of(result.recipe.steps)]
    paths = [path for _, path in paths_of(result.recipe.steps)]
    its = [".".join(map(str, path)) for step, path in zip(steps, paths, strict=True) if step.op == own]
    return ", ".join(f"{path}.op: OP" for path in its[:MOST_NAMES])
