"""`xfail`: the marks on cells, values and steps that are known to fail. Changes verdicts, whatever made them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, Literal

from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Bare, Because, Elements
from tensorflow_free.outcome.reasons import AnyReason, Marked
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.conditions import holds
from tensorflow_free.recipe.models import KnownFault, Recipe
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result

MarkCode = Literal["known fault", "fixed", "above the mark"]

_MARKABLE: Final = (Outcome.FAILS, Outcome.NONDETERMINISTIC, Outcome.KNOWN_FAULT)


def with_known_faults(verdicts: Sequence[Verdict], result: Result, recipe: Recipe) -> Sequence[Verdict]:
    """The verdicts with those marked that are known to fail, and one more for each mark that nothing bears out."""
    marked = list(verdicts)
    fixed: list[Verdict] = []
    for number, fault in enumerate(recipe.xfail):
        if not holds(fault.when, recipe):
            continue
        stopped = _mark_error(result, fault)
        if stopped:
            fixed.append(_stopped(fault, number, result))
        bears = _mark(marked, fault) | stopped
        if not bears and _is_judged(marked, result, fault):
            fixed.append(_fixed(fault, number))
    return [*marked, *fixed]


def with_verdict(result: Result, verdict: Verdict) -> list[Verdict]:
    """The verdicts of a judged run with one more before them, known where a mark is on it; such a mark is not fixed."""
    marked = [verdict]
    faults = [(number, one) for number, one in enumerate(result.recipe.xfail) if holds(one.when, result.recipe)]
    borne = {f"xfail.{number}" for number, fault in faults if _mark(marked, fault)}
    others = [one for one in result.expectations if one.outcome != Outcome.FIXED or one.path not in borne]
    return [*marked, *others]


def _mark(verdicts: list[Verdict], fault: KnownFault) -> bool:
    """Turn each failing verdict that the mark is on into a known fault, in place; whether there is one.

    One that is further away than the mark bears stays what it is, and says so.
    """
    found = False
    for position, verdict in enumerate(verdicts):
        if not is_marked(verdict.name, fault) or verdict.outcome not in _MARKABLE:
            continue
        used = _share(verdict.cause)
        is_borne = bears(fault, used)
        if is_borne or verdict.outcome == Outcome.FAILS:
            cause = mark_of(fault, "known fault" if is_borne else "above the mark", used, verdict.cause)
            outcome = Outcome.KNOWN_FAULT if is_borne else verdict.outcome
            update = {"outcome": outcome, "message": words(cause), "cause": cause}
            verdicts[position] = verdict.model_copy(update=update)
        found = found or is_borne
    return found


def bears(fault: KnownFault, used: float) -> bool:
    """Whether a mark bears what is away so many times what is allowed."""
    return fault.at_most is None or used <= fault.at_most


def mark_of(fault: KnownFault, code: MarkCode, used: float = math.inf, cause: AnyReason | None = None) -> Marked:
    """A mark as a reason; where it is bounded, with how many times what is allowed it is away."""
    return Marked(
        code=code,
        reason=fault.reason,
        keys=list(fault.keys or ()),
        issue=None if fault.issue is None else str(fault.issue),
        cause=cause,
        at_most=fault.at_most,
        used=None if fault.at_most is None or math.isinf(used) else used,
    )


def _share(cause: AnyReason | None) -> float:
    """How many times what an expectation allows a value is away; infinite where nothing is allowed, or no number is."""
    if isinstance(cause, Marked):
        return _share(cause.cause)
    return cause.used if isinstance(cause, Elements) and cause.used is not None else math.inf


def _mark_error(result: Result, fault: KnownFault) -> bool:
    """Take the error that stopped the run as expected, where the mark is on the run or on the step."""
    error = result.error
    if error is None or error.expected or error.code == "timed out" or not bears(fault, math.inf):
        return False
    if fault.keys is not None and not any(is_of(error.step, key.partition(".")[0]) for key in fault.keys):
        return False
    result.error = error.model_copy(update={"expected": True})
    return True


def _is_judged(verdicts: Sequence[Verdict], result: Result, fault: KnownFault) -> bool:
    """Whether the run went far enough, and recorded enough, to say that the fault is gone."""
    if result.has_failed or not is_whole(result, fault):
        return False
    on = [verdict for verdict in verdicts if is_marked(verdict.name, fault)]
    if any(verdict.outcome == Outcome.FAILS for verdict in on):
        # it is there, and worse than is known
        return False
    if not on:
        # what no expectation is for may be seen by a comparison alone
        return fault.keys is None
    return any(verdict.outcome != Outcome.NOT_JUDGED for verdict in on)


def is_whole(result: Result, fault: KnownFault) -> bool:
    """Whether a run has all that a mark is on: one that is forward only leaves out what needs gradients."""
    left = result.left_out
    if left is None:
        return True
    return left.is_nothing if fault.keys is None else not any(map(left.has, fault.keys))


def is_marked(name: str, fault: KnownFault) -> bool:
    """Whether a mark is on the value of this name, or on the value that it is a part of."""
    return fault.keys is None or any(name == key or name.startswith(f"{key}.") for key in fault.keys)


def _stopped(fault: KnownFault, number: int, result: Result) -> Verdict:
    error = result.error
    step, told = ("the run", "") if error is None else (error.step, error.message)
    why = Because(code="stopped", why=told)
    cause = mark_of(fault, "known fault", cause=why)
    asks = "the run to stop here"
    return Verdict(
        name=step, path=f"xfail.{number}", asks=asks, outcome=Outcome.KNOWN_FAULT, message=words(cause), cause=cause
    )


def _fixed(fault: KnownFault, number: int) -> Verdict:
    cause = Bare(code="holds now")
    return Verdict(
        name=", ".join(fault.keys) if fault.keys else "the run",
        path=f"xfail.{number}",
        asks=f"the known fault: {fault.reason}",
        outcome=Outcome.FIXED,
        message=words(cause),
        cause=cause,
    )


def is_of(stopped: str, step: str) -> bool:
    """Whether the step that stopped is this one, or a part of it where it is written in one line."""
    return re.fullmatch(rf"{re.escape(step)}(_\d+)?", stopped) is not None
