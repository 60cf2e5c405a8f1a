"""Judges what a recipe expects of its result: each expectation becomes a verdict with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.errors import words_of
from tensorflow_free.judging.closeness import dense, is_floating, not_close, not_equal, not_within
from tensorflow_free.judging.known_faults import is_of, with_known_faults
from tensorflow_free.judging.rules import stated_tolerance
from tensorflow_free.outcome.outcomes import ExpectationOutcome, Outcome
from tensorflow_free.outcome.reasons import AnyReason, Bare, Because, Differing, OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.calls import described
from tensorflow_free.plan.conditions import holds
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.keys import ERROR, ERROR_KEYS, KINDS
from tensorflow_free.recipe.models import Expectation, Recipe
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record, of_name
from tensorflow_free.tensors.dtypes import EXACT, TORCH_DTYPES, Tolerance, dtype_of, tolerance_of, word_of
from tensorflow_free.tensors.inits import flat
from tensorflow_free.tensors.literals import literal_number
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown

COMPARING: Final = ("value", "close")
"""The kinds that a tolerance is for."""


class _Told(Exception):
    """What a value is not, or why it is not judged."""

    def __init__(self, reason: AnyReason) -> None:
        super().__init__(words(reason))
        self.reason = reason


class _Unmet(_Told):
    """A value that cannot be what is expected of it."""


class _Unjudged(_Told):
    """An expectation of a value that this cell does not record."""


def judge(result: Result, plan: Plan, cause: Exception | None) -> None:
    """Add a verdict for each expectation of the recipe to the result."""
    verdicts = list(_verdicts(result, plan, cause))
    result.expectations.extend(with_known_faults(verdicts, result, plan.recipe))
    judged = any(one.outcome != Outcome.NOT_JUDGED for one in result.expectations)
    if plan.recipe.expect and result.error is None and not judged:
        outputs = plan.compiled and plan.recipe.record is None
        why = Bare(code="nothing expected of its outputs" if outputs else "nothing expected of it")
        result.expectations.append(verdict_of("expect", "expect", "to be compared", Outcome.FAILS, why))


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
            if name == ERROR:
                yield _judge_error(one, path, result, cause)
            else:
                yield from _judge_value(name, one, path, result, plan)


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
    if one.step is not None and not is_of(error.step, one.step):
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
                _must_be_past_backward(name, result)
            cause = _PROBES[kind](name, one, result, plan)
            outcome = Outcome.HOLDS if cause is None else Outcome.FAILS
        except _Unjudged as unjudged:
            outcome, cause = Outcome.NOT_JUDGED, unjudged.reason
        except _Unmet as unmet:
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


def find_value(name: str, result: Result, plan: Plan) -> Any:
    """The value of this name: a record, an index into one, or the gradient that there is not.

    Raises:
        _Unjudged: this cell does not record it.
        _Unmet: the run has no such value.
    """
    record = of_name(result.records, name)
    if record is not None:
        return record.value
    root, *fields = name.split(".")
    for cut in range(len(fields), -1, -1):
        record = of_name(result.records, ".".join((root, *fields[:cut])))
        if record is not None and cut < len(fields) and all(part.isdigit() for part in fields[cut:]):
            value = record.value
            for part in fields[cut:]:
                value = _indexed(value, part, name)
            return value
    if (record := _by_position(root, fields, result)) is not None:
        return record.value
    if fields[-1:] == ["grad"]:
        return _no_gradient(name, result, plan)
    if result.error is not None:
        raise _Unjudged(OfNames(code="stopped before", name=name))
    if _is_unrecorded(root, result, plan):
        raise _Unjudged(OfNames(code="not recorded here", name=name, other=_recorded_words(plan)))
    near = did_you_mean(name, result.records) or _fields_there(root, result)
    raise _Unmet(OfNames(code="no such value", name=name, other=near))


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
        raise _Unmet(Because(code="not an index", written=name, why=str(error))) from error


def _no_gradient(name: str, result: Result, plan: Plan) -> None:
    """None for a value without a gradient, where this cell would have kept one."""
    root = name.partition(".")[0]
    if result.error is not None:
        raise _Unjudged(OfNames(code="stopped before", name=name))
    is_start = any(start.name == root for start in plan.starts)
    listed = isinstance(plan.recipe.record, list) and name not in plan.recipe.record
    is_kept = is_start or (not plan.compiled and root in [kept for kept, _ in plan.retained])
    if listed or (plan.differentiates and not is_kept):
        raise _Unjudged(OfNames(code="not recorded here", name=name, other=_recorded_words(plan)))


def _must_be_past_backward(name: str, result: Result) -> None:
    """Refuse to judge the gradient that a leaf does not have yet, where the run stopped on its way there.

    Raises:
        _Unjudged: the gradient is none, and a step failed before all of them had run.
    """
    record = of_name(result.records, name)
    is_missing = record is not None and record.value is None and name.endswith(".grad")
    if is_missing and result.error is not None and not result.error.path.startswith("checks."):
        raise _Unjudged(OfNames(code="stopped before", name=name))


def _is_unrecorded(root: str, result: Result, plan: Plan) -> bool:
    known = {one.name for one in plan.recordings if one.stood is not None}
    is_check = root in plan.recipe.checks
    there = any(name.partition(".")[0] == root for name in result.records)
    return (root not in known or is_check) and not there


def _recorded_words(plan: Plan) -> str:
    record = plan.recipe.record or ("outputs" if plan.compiled else "all")
    return record if isinstance(record, str) else f"[{', '.join(record)}]"


def _fields_there(root: str, result: Result) -> str:
    names = [name for name in result.records if name.partition(".")[0] == root]
    return f"; it has {', '.join(names[:12])}" if names else ""


# what may be asked


def _probe_value(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    actual = find_value(name, result, plan)
    if one.value is None:
        return None if actual is None else Differing(code="a value", found=_brief(actual))
    return _compare(actual, one.value, one, plan)


def _probe_close(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    return _compare(find_value(name, result, plan), _other(one.close, result, plan), one, plan)


def _probe_equal(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    actual, other = find_value(name, result, plan), _other(one.equal, result, plan)
    if _is_text(actual) or _is_text(other):
        differs = Differing(code="word is not expected", found=_text(actual), wanted=_text(other))
        return None if _text(actual) == _text(other) else differs
    mine = _tensor(actual)
    its = _tensor(other) if isinstance(one.equal, str) else _literal(other, mine, plan.recipe)
    if mine.dtype != its.dtype:
        return Differing(code="dtypes differ", found=word_of(mine.dtype), wanted=word_of(its.dtype))
    spreads = not isinstance(other, torch.Tensor)
    return _shapes_differ(mine, its, spreads=spreads) or not_equal(*_both(mine, its))


def _other(written: Any, result: Result, plan: Plan) -> Any:
    """What a value is held against: the value of another name, or a literal."""
    if not isinstance(written, str):
        return written
    found = find_value(written, result, plan)
    if found is None:
        raise _Unmet(OfNames(code="nothing to hold against", name=written))
    return found


def _probe_shape(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    shape = list(_tensor(find_value(name, result, plan)).shape)
    return None if shape == one.shape else Differing(code="shape is not expected", found=shape)


def _probe_dtype(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    dtype = _tensor(find_value(name, result, plan)).dtype
    wanted = dtype_of(one.dtype or "", plan.recipe.dtype)
    return None if dtype == wanted else Differing(code="dtype is not expected", found=word_of(dtype))


def _probe_stride(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    stride = _stride(name, result, plan)
    return None if stride == one.stride else Differing(code="stride is not expected", found=stride)


def _probe_contiguous(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    value, stride = _tensor(find_value(name, result, plan)), _stride(name, result, plan)
    meta = torch.empty_strided(value.shape, stride, device="meta")
    is_met = meta.is_contiguous() == one.contiguous
    return None if is_met else Differing(code="stride is not expected", found=stride)


def _stride(name: str, result: Result, plan: Plan) -> list[int]:
    """The strides as the run had them; the copy that is kept of a value changed in place may have others."""
    value, record = _tensor(find_value(name, result, plan)), of_name(result.records, name)
    if record is not None and record.stride is not None:
        return list(record.stride)
    if value.layout != torch.strided:
        layout = str(value.layout).removeprefix("torch.")
        raise _Unmet(Differing(code="layout has no strides", found=layout))
    return list(value.stride())


def _probe_shares_memory(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    mine, its = (_live(word, result, plan) for word in (name, str(one.shares_memory)))
    if "meta" in (mine.device.type, its.device.type):
        raise _Unjudged(Bare(code="meta memory"))
    shared = mine.untyped_storage().data_ptr() == its.untyped_storage().data_ptr() and mine.numel() > 0
    return None if shared else Bare(code="memory of its own")


_PROBES: Final = {
    "value": _probe_value,
    "close": _probe_close,
    "equal": _probe_equal,
    "shape": _probe_shape,
    "dtype": _probe_dtype,
    "stride": _probe_stride,
    "contiguous": _probe_contiguous,
    "shares_memory": _probe_shares_memory,
}


def _live(name: str, result: Result, plan: Plan) -> torch.Tensor:
    """The tensor in the memory that the run used: of a value changed in place, as it is in the end."""
    after = result.records.get(f"{name}.after")
    return after.value if after is not None else _tensor(find_value(name, result, plan))


def _tensor(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, (bool, int, float, complex)):
        return torch.tensor(value, dtype=_NUMBERS[type(value)])
    if isinstance(value, (torch.Size, list, tuple)):
        return torch.tensor(list(value))
    if type(value).__module__ == "numpy":
        return torch.as_tensor(value)
    raise _Unmet(Differing(code="not a tensor", found=described(value)))


_NUMBERS: Final = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}


# comparing


def tolerance_for(dtype: torch.dtype, plan: Plan) -> Tolerance:
    """The default (rtol, atol) for a value: of its dtype, but no tighter than the recipe's or the coarsest input's."""
    if not is_floating(dtype):
        return EXACT
    recipe = plan.recipe
    dtypes = {dtype, TORCH_DTYPES[recipe.dtype]}
    dtypes |= {start.dtype for start in plan.starts if start.dtype is not None and is_floating(start.dtype)}
    pairs = [stated_tolerance(one, recipe) or tolerance_of(one) for one in dtypes]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _compare(actual: Any, expected: Any, one: Expectation, plan: Plan) -> AnyReason | None:
    """Why `actual` is not close to `expected`, or None."""
    if actual is None:
        return Differing(code="no value", wanted=_brief(expected))
    if _is_text(actual):
        is_met = _text(actual) == _text(expected)
        return None if is_met else Differing(code="value is not expected", found=_text(actual))
    mine = _tensor(actual)
    its = _tensor(expected) if _is_value(expected) else _literal(expected, mine, plan.recipe, wide=True)
    if why := _shapes_differ(mine, its, spreads=not isinstance(expected, torch.Tensor)):
        return why
    mine, its = _both(mine, its)
    bounded = one.ulp is not None and is_floating(mine.dtype)
    far = not_within(mine, its, one.ulp or 0.0) if bounded else None
    if bounded and one.rtol is None and one.atol is None:
        return far
    return far or not_close(mine, its, _tolerance(mine, one, plan))


def _is_value(expected: Any) -> bool:
    return isinstance(expected, torch.Tensor) or type(expected) in (torch.Size, int, float, bool, complex)


def _is_text(value: Any) -> bool:
    """Whether a value is compared as a word: a dtype, a device, the name of what made a tensor."""
    return not (_is_value(value) or isinstance(value, (list, tuple, dict)) or type(value).__module__ == "numpy")


def _shapes_differ(mine: torch.Tensor, its: torch.Tensor, *, spreads: bool) -> Differing | None:
    """Why the shapes do not agree; where it `spreads`, one number stands for every element, if there is one."""
    if mine.shape == its.shape:
        return None
    if spreads and its.dim() == 0:
        return None if mine.numel() else Differing(code="no elements", found=list(mine.shape))
    return Differing(code="shape is not that expected", found=list(mine.shape), wanted=list(its.shape))


def _both(mine: torch.Tensor, its: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    if mine.device.type == "meta":
        raise _Unjudged(Bare(code="meta values"))
    return dense(mine), dense(its).expand(mine.shape)


def _tolerance(mine: torch.Tensor, one: Expectation, plan: Plan) -> Tolerance:
    if one.rtol is not None or one.atol is not None:
        return one.rtol or 0.0, one.atol or 0.0
    return tolerance_for(mine.dtype, plan)


def _literal(written: Any, like: torch.Tensor, recipe: Recipe, *, wide: bool = False) -> torch.Tensor:
    """Literal numbers as a tensor to hold a value against: in the value's own dtype, or wide enough to lose nothing."""
    word = word_of(like.dtype) if like.is_floating_point() else recipe.dtype
    numbers = _numbers(written, word)
    kinds = {type(number) for number in flat(numbers)}
    dtype = next((wider for kind, wider in _WIDE.items() if kind in kinds), None) if wide else like.dtype
    if wide and dtype is None and like.dtype == torch.uint64 and int in kinds:
        dtype = torch.uint64
    try:
        return torch.tensor(numbers, dtype=dtype)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        why, kind = str(error), word_of(like.dtype)
        cause = Because(code="not a literal of it", written=shown(written), dtype=kind, why=why)
        raise _Unmet(cause) from error


_WIDE: Final = {complex: torch.complex128, float: torch.float64}


def _numbers(written: Any, dtype: str) -> Any:
    if isinstance(written, (list, tuple)):
        return [_numbers(part, dtype) for part in written]
    if isinstance(written, dict) and list(written) == ["tensor"]:
        return _numbers(written["tensor"], dtype)
    return literal_number(written, dtype)


def _text(value: Any) -> str:
    """A value as a word of a recipe."""
    if isinstance(value, (str, torch.dtype, torch.device, torch.layout, torch.memory_format)):
        return str(value).removeprefix("torch.")
    return shown(value) if _is_value(value) or isinstance(value, list) else type(value).__name__


def _brief(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{value.item()}" if value.numel() == 1 and value.device.type != "meta" else described(value)
    return described(value) if type(value) in _NUMBERS else shown(value)
