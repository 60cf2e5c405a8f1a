"""Judges what a recipe expects of its result: each expectation becomes a verdict with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch

from tensorflow_free.arguments import Mismatch
from tensorflow_free.calls import described
from tensorflow_free.conditions import holds
from tensorflow_free.dtypes import EXACT, TORCH_DTYPES, Tolerance, dtype_of, tolerance_of, ulp_distance, word_of
from tensorflow_free.names import did_you_mean
from tensorflow_free.plan import Plan
from tensorflow_free.recipe import KINDS, Expectation, KnownFault, Pair, Recipe, shown
from tensorflow_free.result import Outcome, Record, Result, Verdict
from tensorflow_free.starts import literal_number


class _Unjudged(Exception):
    """An expectation of a value that this cell does not record."""


def judge(result: Result, plan: Plan, cause: Exception | None) -> None:
    """Add a verdict for each expectation of the recipe to the result."""
    verdicts = list(_verdicts(result, plan, cause))
    result.expectations.extend(_with_known_faults(verdicts, result, plan.recipe))
    if plan.recipe.expect and not any(one.outcome != "not judged" for one in result.expectations):
        why = "nothing was compared: no expectation is for this cell, or of a value that it records"
        result.expectations.append(
            Verdict(name="expect", path="expect", asks="something", outcome="fails", message=why)
        )


def _verdicts(result: Result, plan: Plan, cause: Exception | None) -> Iterator[Verdict]:
    recipe = plan.recipe
    for name, expectations in recipe.expect.items():
        for position, one in enumerate(expectations):
            if not holds(one.when, recipe):
                continue
            path = f"expect.{name}" + (f".{position}" if len(expectations) > 1 else "")
            if name == "error":
                yield _judge_error(one, path, result, cause)
            else:
                yield from _judge_value(name, one, path, result, plan)


# a run that must stop


def _judge_error(one: Expectation, path: str, result: Result, cause: Exception | None) -> Verdict:
    wanted = ", ".join(
        f"{key} {getattr(one, key)}" for key in ("step", "type", "match") if getattr(one, key) is not None
    )

    def verdict(outcome: Outcome, message: str = "") -> Verdict:
        return Verdict(
            name="error",
            path=path,
            asks=f"an error: {wanted}" if wanted else "an error",
            outcome=outcome,
            message=message,
        )

    error = result.error
    if error is None or cause is None:
        return verdict("fails", "the run ended without an error")
    if one.step is not None and not re.fullmatch(rf"{re.escape(one.step)}(_\d+)?", error.step):
        return verdict("fails", f"the run stopped at {error.step}, not at {one.step}: {error.message}")
    types = [kind.__name__ for kind in type(cause).__mro__]
    if one.type is not None and one.type not in types:
        return verdict("fails", f"the run stopped with {types[0]}, not {one.type}: {error.message}")
    if one.match is not None and not re.search(one.match, error.message):
        return verdict("fails", f"'{error.message}' does not match '{one.match}'")
    result.error = error.model_copy(update={"expected": True})
    return verdict("holds")


# a value


def _judge_value(name: str, one: Expectation, path: str, result: Result, plan: Plan) -> Iterator[Verdict]:
    for kind in KINDS:
        if kind not in one.model_fields_set:
            continue
        outcome: Outcome = "holds"
        message = ""
        try:
            message = _PROBES[kind](name, one, result, plan) or ""
            outcome = "fails" if message else "holds"
        except _Unjudged as unjudged:
            outcome, message = "not judged", str(unjudged)
        except Mismatch as mismatch:
            outcome, message = "fails", mismatch.message
        yield Verdict(name=name, path=path, asks=_asks(kind, one), outcome=outcome, message=message)


def _asks(kind: str, one: Expectation) -> str:
    wanted = getattr(one, kind)
    text = shown(wanted)
    words = {"value": "", "close": "close to ", "equal": "equal to ", "shares_memory": "shares memory with "}
    bound = f" within {one.ulp:g} ULP" if one.ulp is not None and kind in ("value", "close") else ""
    return words.get(kind, f"{kind} ") + text + bound


def find_value(name: str, result: Result, plan: Plan) -> Any:
    """The value of this name: a record, an index into one, or the gradient that there is not.

    Raises:
        _Unjudged: this cell does not record it.
        Mismatch: the run has no such value.
    """
    record = _record(name, result)
    if record is not None:
        return record.value
    root, *fields = name.split(".")
    for cut in range(len(fields), -1, -1):
        record = _record(".".join((root, *fields[:cut])), result)
        if record is not None and cut < len(fields) and all(part.isdigit() for part in fields[cut:]):
            value = record.value
            for part in fields[cut:]:
                value = _indexed(value, part, name)
            return value
    if fields[-1:] == ["grad"]:
        return _no_gradient(name, result, plan)
    if result.error is not None:
        raise _Unjudged(f"the run stopped before '{name}' was there")
    if _is_unrecorded(root, result, plan):
        raise _Unjudged(f"'{name}' is not recorded in this cell (record: {_recorded_words(plan)})")
    raise Mismatch(
        f"'{name}' is not a value of this run{did_you_mean(name, result.records) or _fields_there(root, result)}"
    )


def _record(name: str, result: Result) -> Record | None:
    """The record of a name; `NAME.after` is NAME where nothing changed it."""
    record = result.records.get(name)
    if record is None and name.endswith(".after"):
        record = result.records.get(name.removesuffix(".after"))
    return record


def _indexed(value: Any, part: str, name: str) -> Any:
    try:
        return value[int(part)]
    except (IndexError, TypeError) as error:
        raise Mismatch(f"'{name}' is not a value of this run: {error}") from error


def _no_gradient(name: str, result: Result, plan: Plan) -> None:
    """None for a value without a gradient, where this cell would have kept one."""
    root = name.partition(".")[0]
    if result.error is not None:
        raise _Unjudged(f"the run stopped before '{name}' was there")
    is_start = any(start.name == root for start in plan.starts)
    listed = isinstance(plan.recipe.record, list) and name not in plan.recipe.record
    if listed or (not is_start and root not in [kept for kept, _ in plan.retained] and plan.differentiates):
        raise _Unjudged(f"'{name}' is not recorded in this cell (record: {_recorded_words(plan)})")


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


def _probe_value(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    actual = find_value(name, result, plan)
    if one.value is None:
        return None if actual is None else f"there is one: {_brief(actual)}"
    return _compare(actual, one.value, one, plan)


def _probe_close(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    actual = find_value(name, result, plan)
    other = find_value(one.close, result, plan) if isinstance(one.close, str) else one.close
    return _compare(actual, other, one, plan)


def _probe_equal(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    actual = find_value(name, result, plan)
    other = find_value(one.equal, result, plan) if isinstance(one.equal, str) else one.equal
    if actual is None or other is None:
        return None if actual is other else f"{_brief(actual)} is not {_brief(other)}"
    mine = _tensor(actual)
    its = _tensor(other) if isinstance(other, (torch.Tensor, int, float)) and isinstance(one.equal, str) else None
    if its is None:
        its = other if isinstance(other, torch.Tensor) else _literal(other, mine, plan.recipe)
        if its.dim() == 0 and mine.dim() > 0:
            its = its.expand(mine.shape)
    return _bits_differ(mine, its)


def _probe_shape(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    shape = list(_tensor(find_value(name, result, plan)).shape)
    return None if shape == one.shape else f"the shape is {shape}"


def _probe_dtype(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    dtype = _tensor(find_value(name, result, plan)).dtype
    wanted = dtype_of(one.dtype or "", plan.recipe.dtype)
    return None if dtype == wanted else f"the dtype is {word_of(dtype)}"


def _probe_stride(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    find_value(name, result, plan)
    record = _record(name, result)
    stride = list(record.stride or ()) if record is not None else None
    return None if stride == one.stride else f"the stride is {stride}"


def _probe_contiguous(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    value = _tensor(find_value(name, result, plan))
    record = _record(name, result)
    stride = record.stride if record is not None and record.stride is not None else value.stride()
    meta = torch.empty_strided(value.shape, stride, device="meta")
    return None if meta.is_contiguous() == one.contiguous else f"the stride is {list(stride)}"


def _probe_shares_memory(name: str, one: Expectation, result: Result, plan: Plan) -> str | None:
    mine, its = (_live(word, result, plan) for word in (name, str(one.shares_memory)))
    shared = mine.untyped_storage().data_ptr() == its.untyped_storage().data_ptr() and mine.numel() > 0
    return None if shared else "it lies in memory of its own"


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
    raise Mismatch(f"the value is {described(value)}, not a tensor")


_NUMBERS: Final = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}


# comparing


def tolerance_for(dtype: torch.dtype, plan: Plan) -> Tolerance:
    """The default (rtol, atol) for a value: of its dtype, but no tighter than the recipe's or the coarsest input's."""
    if not (dtype.is_floating_point or dtype.is_complex):
        return EXACT
    recipe = plan.recipe
    dtypes = {dtype, TORCH_DTYPES[recipe.dtype]}
    dtypes |= {start.dtype for start in plan.starts if start.dtype is not None and start.dtype.is_floating_point}
    pairs = [_stated(one, recipe) or tolerance_of(one) for one in dtypes]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _stated(dtype: torch.dtype, recipe: Recipe) -> Tolerance | None:
    """What the recipe says of a dtype; a pair without a dtype is for the recipe's own."""
    stated = recipe.tolerance
    if stated is None:
        return None
    word = word_of(dtype)
    pair: Pair | None = getattr(stated, word, None)
    if pair is None and word == recipe.dtype and (stated.rtol is not None or stated.atol is not None):
        pair = stated
    return None if pair is None else (pair.rtol or 0.0, pair.atol or 0.0)


def _compare(actual: Any, expected: Any, one: Expectation, plan: Plan) -> str | None:
    """Why `actual` is not close to `expected`, or None."""
    if actual is None:
        return f"there is none; {shown(expected)} is expected"
    if isinstance(expected, str) or isinstance(actual, (str, torch.dtype, torch.device, torch.layout)):
        text = str(actual).removeprefix("torch.")
        return None if text == str(expected).removeprefix("torch.") else f"it is {text}"
    mine = _dense(_tensor(actual))
    its = _dense(expected) if isinstance(expected, torch.Tensor) else _literal(expected, mine, plan.recipe, wide=True)
    if its.dim() == 0 and mine.dim() > 0 and not isinstance(expected, torch.Tensor):
        its = its.expand(mine.shape)
    if mine.shape != its.shape:
        return f"the shape is {list(mine.shape)}, and {list(its.shape)} is expected"
    if mine.device.type == "meta":
        raise _Unjudged("a meta tensor has no values")
    mine, its = mine.cpu(), its.cpu()
    if one.ulp is not None and mine.is_floating_point():
        off = ulp_distance(mine, its.to(mine.dtype))
        bad = off > one.ulp
        return _told(mine, its, bad, off, f"{one.ulp:g} ULP", "ULP") if bool(bad.any()) else None
    rtol, atol = _tolerance(mine, its, one, plan)
    wide = torch.complex128 if mine.is_complex() or its.is_complex() else torch.float64
    if not (mine.is_floating_point() or mine.is_complex() or its.is_floating_point() or its.is_complex()):
        wide = torch.int64
    a, b = mine.to(wide), its.to(wide)
    if wide == torch.int64 and (rtol, atol) == EXACT:
        bad = a != b
    else:
        bad = ~torch.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if not bool(bad.any()):
        return None
    off = (a - b).abs().to(torch.float64)
    return _told(mine, its, bad, off, f"rtol {rtol:g}, atol {atol:g}", "")


def _tolerance(mine: torch.Tensor, its: torch.Tensor, one: Expectation, plan: Plan) -> Tolerance:
    if one.rtol is not None or one.atol is not None:
        return one.rtol or 0.0, one.atol or 0.0
    return (
        tolerance_for(mine.dtype if mine.is_floating_point() or mine.is_complex() else its.dtype, plan)
        if (mine.is_floating_point() or mine.is_complex())
        else EXACT
    )


def _dense(value: torch.Tensor) -> torch.Tensor:
    if value.is_quantized:
        value = value.dequantize()
    return (value if value.layout == torch.strided else value.to_dense()).resolve_conj().resolve_neg()


def _literal(written: Any, like: torch.Tensor, recipe: Recipe, *, wide: bool = False) -> torch.Tensor:
    """Literal numbers as a tensor to hold a value against: in the value's own dtype, or wide enough to lose nothing."""
    word = word_of(like.dtype) if like.is_floating_point() else recipe.dtype
    numbers = _numbers(written, word)
    try:
        tensor = torch.tensor(numbers, dtype=None if wide else like.dtype)
    except (ValueError, TypeError, RuntimeError) as error:
        raise Mismatch(f"'{shown(written)}' is not a tensor: {error}") from error
    if wide and tensor.is_floating_point():
        return torch.tensor(numbers, dtype=torch.float64)
    return torch.tensor(numbers, dtype=torch.complex128) if wide and tensor.is_complex() else tensor


def _numbers(written: Any, dtype: str) -> Any:
    if isinstance(written, (list, tuple)):
        return [_numbers(part, dtype) for part in written]
    if isinstance(written, dict) and list(written) == ["tensor"]:
        return _numbers(written["tensor"], dtype)
    return literal_number(written, dtype)


def _bits_differ(mine: torch.Tensor, its: torch.Tensor) -> str | None:
    if mine.dtype != its.dtype:
        return f"the dtypes are {word_of(mine.dtype)} and {word_of(its.dtype)}"
    if mine.shape != its.shape:
        return f"the shapes are {list(mine.shape)} and {list(its.shape)}"
    mine, its = _dense(mine).cpu(), _dense(its).cpu()
    if mine.numel() == 0:
        return None
    bad = (bits(mine) != bits(its)).view(*mine.shape, -1).any(-1) if mine.dim() else (bits(mine) != bits(its)).any()
    if not bool(bad.any()):
        return None
    wide = torch.complex128 if mine.is_complex() else torch.float64
    return _told(mine, its, bad, (mine.to(wide) - its.to(wide)).abs(), "bit for bit", "")


def bits(values: torch.Tensor) -> torch.Tensor:
    """A tensor's bytes, a last dimension of them for each element."""
    return values.contiguous().unsqueeze(-1).view(torch.uint8)


def _told(mine: torch.Tensor, its: torch.Tensor, bad: torch.Tensor, off: torch.Tensor, allowed: str, unit: str) -> str:
    """Where the worst element is, what it is and should be, and how many there are."""
    weight = torch.where(bad, off.nan_to_num(torch.inf, torch.inf), torch.full_like(off, -1.0))
    worst = int(weight.flatten().argmax()) if weight.numel() else 0
    index = [int(part) for part in torch.unravel_index(torch.tensor(worst), mine.shape)] if mine.dim() else []
    here = f" at {index}" if index else ""
    apart = float(off.flatten()[worst])
    by = f", {apart:.3g}{' ' + unit if unit else ''} apart" if apart == apart else ""
    count = f"; {int(bad.sum())} of {mine.numel()} elements differ" if mine.numel() > 1 else ""
    return f"it is {_number(mine, worst)}{here}, and {_number(its, worst)} is expected{by} (allowed: {allowed}){count}"


def _number(values: torch.Tensor, position: int) -> str:
    number = values.flatten()[position].item()
    return shown(number) if isinstance(number, (bool, int)) else f"{number:.9g}"


def _brief(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{value.item()}" if value.numel() == 1 and value.device.type != "meta" else described(value)
    return described(value)


# known faults


def _with_known_faults(verdicts: Sequence[Verdict], result: Result, recipe: Recipe) -> Iterator[Verdict]:
    faults = [fault for fault in recipe.xfail if holds(fault.when, recipe)]
    marked = list(verdicts)
    for number, fault in enumerate(faults):
        failing = False
        for position, verdict in enumerate(marked):
            if not _is_marked(verdict.name, fault):
                continue
            if verdict.outcome in ("fails", "known fault"):
                failing = True
                message = f"{verdict.message} (known: {fault.reason})"
                marked[position] = verdict.model_copy(update={"outcome": "known fault", "message": message})
        if (
            result.error is not None
            and not result.error.expected
            and (fault.keys is None or result.error.step in fault.keys)
        ):
            result.error = result.error.model_copy(update={"expected": True})
            failing = True
        if not failing:
            marked.append(_fixed(fault, number))
    yield from marked


def _is_marked(name: str, fault: KnownFault) -> bool:
    return fault.keys is None or any(name == key or name.startswith(f"{key}.") for key in fault.keys)


def _fixed(fault: KnownFault, number: int) -> Verdict:
    what = ", ".join(fault.keys) if fault.keys else "the run"
    return Verdict(
        name=what,
        path=f"xfail.{number}",
        asks=f"the known fault: {fault.reason}",
        outcome="fixed",
        message="it holds now: take the mark away",
    )
