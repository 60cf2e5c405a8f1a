"""Arguments that hang on the dtype: a run in another dtype takes those of the cell's, or it computes another.

They are `{finfo: max}`, and defaults: `rms_norm` adds the machine epsilon of its dtype, `nan_to_num` puts the dtype's
largest number for infinity, and a rank is counted from the machine epsilon on. Source: the documentation of torch 2.13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode

from tensorflow_free.plan.calls import Call, Repeat, Within
from tensorflow_free.plan.plan import Plan
from tensorflow_free.tensors.literals import FinfoNumber

Keywords = dict[str, Any]


def with_defaults_of(plan: Plan, dtype: torch.dtype) -> Plan:
    """The plan, whose steps take what hangs on the dtype from this one; itself where no step has any."""
    if plan.recipe.dtype == str(dtype).removeprefix("torch."):
        return plan
    if any(isinstance(one, FinfoNumber) for one in plan.initial):
        plan = replace(plan, initial=tuple(_in_dtype(one, dtype) for one in plan.initial))
    if not _has_any((*plan.forward, *plan.rest)):
        return plan
    before = plan.around

    @contextmanager
    def around() -> Iterator[None]:
        with before(), _DefaultsOf(dtype):
            yield

    return replace(plan, around=around)


def _in_dtype(constant: Any, dtype: torch.dtype) -> Any:
    return FinfoNumber.of_dtype(constant.field, dtype) if isinstance(constant, FinfoNumber) else constant


def _has_any(calls: Sequence[Call]) -> bool:
    for function, _, _, site in calls:
        inside = isinstance(function, Within | Repeat) and _has_any(function.body)
        if inside or site.op.rpartition(".")[2].rstrip("_") in _NAMES:
            return True
    return False


class _DefaultsOf(TorchFunctionMode):
    """Fills in what calls leave out."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Keywords | None = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        left_out = _LEFT_OUT.get(func)
        if left_out is not None:
            args = _without_none(args)
            kwargs = left_out(args, kwargs, self._dtype)
        return func(*args, **kwargs)


def _without_none(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Positional arguments without those at the end that say nothing."""
    while args and args[-1] is None:
        args = args[:-1]
    return args


def _of_rms_norm(args: tuple[Any, ...], given: Keywords, dtype: torch.dtype) -> Keywords:
    inner = torch.float64 if dtype == torch.float64 else torch.float32
    return _filled(args, given, {"eps": (3, float(torch.finfo(inner).eps))})


def _of_nan_to_num(args: tuple[Any, ...], given: Keywords, dtype: torch.dtype) -> Keywords:
    ends = torch.finfo(dtype)
    return _filled(args, given, {"posinf": (2, float(ends.max)), "neginf": (3, float(ends.min))})


def _of_lstsq(args: tuple[Any, ...], given: Keywords, dtype: torch.dtype) -> Keywords:
    return _filled(args, given, {"rcond": (2, float(torch.finfo(dtype).eps) * max(args[0].shape[-2:]))})


def _of_rank(args: tuple[Any, ...], given: Keywords, dtype: torch.dtype) -> Keywords:
    said = len(args) > 1 or any(given.get(name) is not None for name in ("atol", "rtol", "tol", "rcond"))
    return given if said else {**given, "rtol": float(torch.finfo(dtype).eps) * max(args[0].shape[-2:])}


def _filled(args: tuple[Any, ...], given: Keywords, usual: Mapping[str, tuple[int, float]]) -> Keywords:
    """The keywords with those filled in that were given neither by position nor by name."""
    more = {
        name: value for name, (position, value) in usual.items() if given.get(name) is None and len(args) <= position
    }
    return {**given, **more}


_LEFT_OUT: Final[dict[Any, Callable[[tuple[Any, ...], Keywords, torch.dtype], Keywords]]] = {
    torch.rms_norm: _of_rms_norm,
    torch.nn.functional.rms_norm: _of_rms_norm,
    torch.nan_to_num: _of_nan_to_num,
    torch.nan_to_num_: _of_nan_to_num,
    torch.Tensor.nan_to_num: _of_nan_to_num,
    torch.Tensor.nan_to_num_: _of_nan_to_num,
    torch.linalg.lstsq: _of_lstsq,
    torch.linalg.matrix_rank: _of_rank,
    torch.linalg.pinv: _of_rank,
}

_NAMES: Final = frozenset({"rms_norm", "nan_to_num", "lstsq", "matrix_rank", "pinv"})
