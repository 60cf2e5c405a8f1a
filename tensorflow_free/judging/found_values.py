"""The value that an expectation is of, found among what a run recorded; or why it cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorflow_free.outcome.plain_reasons import Because
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record, of_name


class ExpectationStopped(Exception):
    """What a value is not, or why it is not judged."""

    def __init__(self, reason: AnyReason) -> None:
        super().__init__(words(reason))
        self.reason = reason


class CannotHold(ExpectationStopped):
    """A value that cannot be what is expected of it."""


class CannotBeJudged(ExpectationStopped):
    """An expectation of a value that this cell does not record."""


def find_value(name: str, result: Result, plan: Plan) -> Any:
    """The value of this name: a record, an index into one, or the gradient that there is not.

    Raises:
        CannotBeJudged: this cell does not record it.
        CannotHold: the run has no such value.
    """
    record = of_name(result.records, name)
    if record is not None:
        return _readable(record)
    root, *fields = name.split(".")
    for cut in range(len(fields), -1, -1):
        record = of_name(result.records, ".".join((root, *fields[:cut])))
        if record is not None and cut < len(fields) and all(part.isdigit() for part in fields[cut:]):
            value = _readable(record)
            for part in fields[cut:]:
                value = _indexed(value, part, name)
            return value
    if (record := _by_position(root, fields, result)) is not None:
        return _readable(record)
    if fields[-1:] == ["grad"]:
        return _no_gradient(name, result, plan)
    if result.error is not None:
        raise CannotBeJudged(OfNames(code="stopped before", name=name))
    if _is_unrecorded(root, fields, result, plan):
        raise CannotBeJudged(OfNames(code="not recorded here", name=name, other=_recorded_words(plan)))
    near = did_you_mean(name, result.records) or _fields_there(root, result)
    raise CannotHold(OfNames(code="no such value", name=name, other=near))


def _readable(record: Record) -> Any:
    """The value of a record.

    Raises:
        CannotBeJudged: its numbers were lost with their device.
    """
    if record.unstored:
        raise CannotBeJudged(Because(code="not stored", why=record.unstored))
    return record.value


def _by_position(root: str, fields: Sequence[str], result: Result) -> Record | None:
    """The field of several values that has a name, by its position: `topk.0` is `topk.values`."""
    if len(fields) != 1 or not fields[0].isdigit():
        return None
    ends = (f"{root}.grad", f"{root}.after")
    parts = [one for name, one in result.records.items() if name.rpartition(".")[0] == root and name not in ends]
    position = int(fields[0])
    return parts[position] if position < len(parts) else None


def _indexed(value: Any, part: str, name: str) -> Any:
    try:
        return value[int(part)]
    except (IndexError, TypeError) as error:
        raise CannotHold(Because(code="not an index", written=name, why=str(error))) from error


def _no_gradient(name: str, result: Result, plan: Plan) -> None:
    """None for a value without a gradient, where this cell would have kept one."""
    root = name.partition(".")[0]
    if result.error is not None:
        raise CannotBeJudged(OfNames(code="stopped before", name=name))
    is_start = any(start.name == root for start in plan.starts)
    listed = isinstance(plan.recipe.record, list) and name not in plan.recipe.record
    is_kept = is_start or (not plan.compiled and root in [kept for kept, _ in plan.retained])
    if listed or (plan.differentiates and not is_kept):
        raise CannotBeJudged(OfNames(code="not recorded here", name=name, other=_recorded_words(plan)))


def must_be_past_backward(name: str, result: Result) -> None:
    """Refuse to judge the gradient that a leaf does not have yet, where the run stopped on its way there.

    Raises:
        CannotBeJudged: the gradient is none, and a step failed before all of them had run.
    """
    record = of_name(result.records, name)
    is_missing = record is not None and record.value is None and name.endswith(".grad")
    if is_missing and result.error is not None and not result.error.path.startswith("checks."):
        raise CannotBeJudged(OfNames(code="stopped before", name=name))


def must_have_gradient(name: str, result: Result, plan: Plan) -> None:
    """Refuse to hold anything against the gradient of a starting tensor that is not marked to have one.

    Raises:
        CannotBeJudged: this cell does not record it.
        CannotHold: there is no gradient, as the tensor does not require one.
    """
    root, _, field = name.partition(".")
    spec = plan.recipe.tensors.get(root)
    if field == "grad" and spec is not None and not spec.requires_grad and find_value(name, result, plan) is None:
        raise CannotHold(OfNames(code="requires no gradient", name=root))


def _is_unrecorded(root: str, fields: Sequence[str], result: Result, plan: Plan) -> bool:
    """Whether this cell records nothing of a value as it stood, or as it is at the end where that is asked.

    A gradient is no record of its value, nor is what became of the value later.
    """
    if fields[:1] == ["after"]:
        return all(one.name != root for one in plan.recordings)
    known = {one.name for one in plan.recordings if one.stood is not None}
    if root in known and root not in plan.recipe.checks:
        return False
    stood = (name for name, one in result.records.items() if one.kind not in ("gradient", "after"))
    return all(name.partition(".")[0] != root for name in stood)


def _recorded_words(plan: Plan) -> str:
    record = plan.recipe.record or ("outputs" if plan.compiled else "all")
    return record if isinstance(record, str) else f"[{', '.join(record)}]"


def _fields_there(root: str, result: Result) -> str:
    names = [name for name in result.records if name.partition(".")[0] == root]
    return f"; it has {', '.join(names[:12])}" if names else ""
