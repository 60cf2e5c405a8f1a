"""What may be asked of a value, each kind of expectation a probe: why it does not hold, or None."""

from __future__ import annotations

from typing import Any, Final

import torch

from tensorflow_free.judging.closeness import dense, is_floating, not_close, not_equal, not_within
from tensorflow_free.judging.found_values import CannotBeJudged, CannotHold, find_value
from tensorflow_free.judging.rules import stated_tolerance
from tensorflow_free.outcome.plain_reasons import Bare, Because, Differing
from tensorflow_free.outcome.reasons import AnyReason, OfNames
from tensorflow_free.plan.calls import described
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Expectation, Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import of_name
from tensorflow_free.tensors.dtypes import EXACT, TORCH_DTYPES, Tolerance, dtype_of, tolerance_of, word_of
from tensorflow_free.tensors.inits import flat
from tensorflow_free.tensors.literals import literal_number
from tensorflow_free.text.phrases import shown


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
    """What a value is compared with: the value of another name, or a literal."""
    if not isinstance(written, str):
        return written
    found = find_value(written, result, plan)
    if found is None:
        raise CannotHold(OfNames(code="nothing to hold against", name=written))
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
        raise CannotHold(Differing(code="layout has no strides", found=layout))
    return list(value.stride())


def _probe_shares_memory(name: str, one: Expectation, result: Result, plan: Plan) -> AnyReason | None:
    mine, its = (_live(word, result, plan) for word in (name, str(one.shares_memory)))
    if "meta" in (mine.device.type, its.device.type):
        raise CannotBeJudged(Bare(code="meta memory"))
    shared = mine.untyped_storage().data_ptr() == its.untyped_storage().data_ptr() and mine.numel() > 0
    return None if shared else Bare(code="memory of its own")


PROBES: Final = {
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
    """The tensor in the memory that the run used: of a value changed in place, as it is at the end."""
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
    raise CannotHold(Differing(code="not a tensor", found=described(value)))


_NUMBERS: Final = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}


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
        raise CannotBeJudged(Bare(code="meta values"))
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
        raise CannotHold(cause) from error


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
