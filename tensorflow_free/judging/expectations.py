"""Expectations judged: each that a recipe states becomes a verdict with its reason, those of an error among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.errors import words_of
from tensorflow_free.judging.found_values import CannotBeJudged, CannotHold, must_be_past_backward, must_have_gradient
from tensorflow_free.judging.known_faults import is_of, with_known_faults
from tensorflow_free.judging.probes import PROBES
from tensorflow_free.outcome.outcomes import ExpectationOutcome, Outcome
from tensorflow_free.outcome.plain_reasons import Bare, Because
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.conditions import holds
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.keys import ERROR, ERROR_KEYS, KINDS
from tensorflow_free.recipe.models import Expectation
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown

NOTHING: Final = "expect"
"""The path of the verdict that no expectation could be judged."""

COMPARING: Final = ("value", "close")
"""The kinds that a tolerance is for."""


def judge(result: Result, plan: Plan, cause: Exception | None) -> None:
    """Add a verdict for each expectation of the recipe to the result, and what it leaves out."""
    result.left_out = plan.left_out
    verdicts = list(_verdicts(result, plan, cause))
    result.expectations.extend(with_known_faults(verdicts, result, plan.recipe))
    judged = any(one.outcome != Outcome.NOT_JUDGED for one in result.expectations)
    left_out = result.left_out is not None and result.left_out.expectations
    if plan.recipe.expect and result.error is None and not judged and not left_out:
        result.expectations.append(_nothing_judged(is_asked=bool(result.expectations), plan=plan))


def _nothing_judged(*, is_asked: bool, plan: Plan) -> Verdict:
    """That no expectation could be judged: a failure, but where a compiled cell does not record what they are of.

    Args:
        is_asked: whether any is for this cell.
        plan: what ran.
    """
    outputs = plan.compiled and plan.recipe.record is None
    why = Bare(code="nothing expected of its outputs" if outputs else "nothing expected of it")
    outcome: ExpectationOutcome = Outcome.NOT_JUDGED if outputs and is_asked else Outcome.FAILS
    return verdict_of("expect", NOTHING, "to be compared", outcome, why)


def verdict_of(name: str, path: str, asks: str, outcome: ExpectationOutcome, cause: AnyReason | None = None) -> Verdict:
    """A verdict, with its reason in words, too."""
    message = "" if cause is None else words(cause)
    return Verdict(name=name, path=path, asks=asks, outcome=outcome, message=message, cause=cause)


def _verdicts(result: Result, plan: Plan, cause: Exception | None) -> Iterator[Verdict]:
    recipe = plan.recipe
    for name, expectations in recipe.expect.items():
        for position, one in enumerate(expectations):
            if not holds(one.when, recipe):
                continue
            path = f"expect.{name}" + (f".{position}" if len(expectations) > 1 else "")
            if name != ERROR:
                yield from _judge_value(name, one, path, result, plan)
            elif cause is None and result.left_out is not None and not result.left_out.is_nothing:
                # it may be one of autograd's
                result.left_out = result.left_out.with_expectation(path)
            else:
                yield _judge_error(one, path, result, cause)


# a run that must stop


def _judge_error(one: Expectation, path: str, result: Result, cause: Exception | None) -> Verdict:
    wanted = ", ".join(f"{key} {getattr(one, key)}" for key in ERROR_KEYS if getattr(one, key) is not None)

    def verdict(outcome: ExpectationOutcome, reason: AnyReason | None = None) -> Verdict:
        return verdict_of("error", path, f"an error: {wanted}" if wanted else "an error", outcome, reason)

    error = result.error
    if error is None or cause is None:
        return verdict(Outcome.FAILS, Bare(code="no error"))
    if error.code == "timed out":
        # that is the command line's limit, and says nothing of the step
        return verdict(Outcome.FAILS, Because(code="stopped", why=error.message))
    # where a compiler runs the steps as one, nothing tells which of them it was
    is_compiled = error.path == "steps" and one.step != "backward"
    if one.step is not None and not is_compiled and not is_of(error.step, one.step):
        reason = OfNames(code="stopped elsewhere", name=error.step, other=one.step, more=error.message)
        return verdict(Outcome.FAILS, reason)
    types = [kind.__name__ for kind in type(cause).__mro__]
    if one.type is not None and one.type not in types:
        reason = OfNames(code="another error", name=types[0], other=one.type, more=error.message)
        return verdict(Outcome.FAILS, reason)
    if one.match is not None and not re.search(one.match, error.message):
        return verdict(Outcome.FAILS, OfNames(code="no match", name=error.message, other=one.match))
    result.error = error.model_copy(update={"expected": True})
    return verdict(Outcome.HOLDS)


# a value


def _judge_value(name: str, one: Expectation, path: str, result: Result, plan: Plan) -> Iterator[Verdict]:
    for kind in KINDS:
        if kind not in one.model_fields_set:
            continue
        outcome: ExpectationOutcome = Outcome.FAILS
        cause: AnyReason | None
        try:
            if getattr(one, kind) is not None:
                must_be_past_backward(name, result)
                must_have_gradient(name, result, plan)
            cause = PROBES[kind](name, one, result, plan)
            outcome = Outcome.HOLDS if cause is None else Outcome.FAILS
        except CannotBeJudged as unjudged:
            outcome, cause = Outcome.NOT_JUDGED, unjudged.reason
        except CannotHold as unmet:
            cause = unmet.reason
        except Mismatch as mismatch:
            cause = Because(code="not a number", why=mismatch.message)
        except UNTAKEN as error:
            # torch has not every comparison for every kind of tensor
            cause = Because(code="not judged", why=words_of(error))
        yield verdict_of(name, path, _asks(kind, one), outcome, cause)


def _asks(kind: str, one: Expectation) -> str:
    wanted = getattr(one, kind)
    text = shown(wanted)
    words = {"value": "", "close": "close to ", "equal": "equal to ", "shares_memory": "shares memory with "}
    bound = f" within {one.ulp:g} ULP" if one.ulp is not None and kind in COMPARING else ""
    return words.get(kind, f"{kind} ") + text + bound
