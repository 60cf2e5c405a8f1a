"""Verdicts on one value, from its record and what was found."""

from __future__ import annotations

from typing import Literal

import torch

from tensorflow_free.judging.as_tensors import kind_of
from tensorflow_free.judging.measured import Measure, Rule
from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.verdicts import NOTHING_ALLOWED, ValueVerdict
from tensorflow_free.outcome.outcomes import Outcome, ValueOutcome
from tensorflow_free.outcome.plain_reasons import Elements
from tensorflow_free.outcome.reasons import AnyReason
from tensorflow_free.outcome.sentences import words
from tensorflow_free.result.run_value import Record
from tensorflow_free.tensors.dtypes import word_of


def verdict_on(  # noqa: PLR0913 - what is not given is as usual
    record: Record,
    outcome: ValueOutcome,
    rule: Rule,
    used: float = 0.0,
    *,
    cause: AnyReason | None = None,
    allowed: str = "",
    measure: Measure | None = None,
    vacuous: bool = False,
) -> ValueVerdict:
    """A verdict on a value of the judged run."""
    value = record.value
    is_tensor = isinstance(value, torch.Tensor)
    shape = tuple(value.shape) if is_tensor and not value.is_nested else None
    dtype = word_of(value.dtype) if is_tensor else kind_of(value)
    reason = "" if cause is None else words(cause)
    return ValueVerdict(
        record.name, record.kind, record.op, outcome, rule, used, reason, dtype, shape, allowed, measure, cause,
        vacuous,
    )  # fmt: skip


def unjudged(record: Record, cause: AnyReason) -> ValueVerdict:
    """That nothing is said of a value, and why."""
    return verdict_on(record, Outcome.NOT_COMPARABLE, "none", cause=cause)


def mismatch(record: Record, rule: Rule, cause: AnyReason, found: Measure | None = None) -> ValueVerdict:
    """That a value is wrong, where nothing is allowed."""
    return verdict_on(record, Outcome.MISMATCH, rule, NOTHING_ALLOWED, cause=cause, measure=found)


def other_signs(record: Record, errors: Errors, count: int) -> ValueVerdict:
    """That zeros have other signs."""
    signs = Elements(code="signed zeros", count=count, elements=errors.elements)
    return mismatch(record, "exact", signs, errors.measure())


NumberCode = Literal[
    "overflows",
    "out of bounds",
    "non-finite",
    "inputs differ",
    "integers differ",
    "integers differ from eager",
    "dtype-dependent",
]


def elements_of(code: NumberCode, found: Measure) -> Elements:
    """What is wrong with numbers: the worst of them, and how many there are."""
    return Elements(
        code=code,
        found=found.found,
        wanted=found.wanted,
        at=found.at or (),
        count=found.nonfinite if code in ("non-finite", "overflows") else found.unequal or 0,
        elements=found.elements,
        apart=found.max_abs,
    )
