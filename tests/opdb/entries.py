"""The entries of PyTorch's operator database: their names, dtypes, samples, and the forms in which each is called."""

from __future__ import annotations

import functools
import itertools
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db

from opdb.recording import Call, Unnamed, op_name, recorded_calls
from tensorflow_free.registry import find

Entry = Any
"""A torch.testing._internal.opinfo.core.OpInfo, which is untyped."""

ENTRIES: dict[str, Entry] = {entry.full_name: entry for entry in op_db}

SPREAD = (0, 1, 3, 8, 20)
"""The positions of the samples that are always run."""

_SYMBOLS = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@", operator.and_: "&", operator.or_: "|",
    operator.xor: "^", operator.lshift: "<<", operator.rshift: ">>", operator.eq: "==", operator.ne: "!=",
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.neg: "-", operator.invert: "~",
    operator.getitem: "[]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One way to call an entry: as a function, a method, in place, or by an operator."""

    name: str
    function: Callable[..., Any]
    op: str | None
    """What a recipe calls it, or None where that is found out from the calls that it makes."""
    in_place: bool = False


def dtypes_of(entry: Entry) -> list[torch.dtype]:
    """The dtypes that the entry supports on the CPU."""
    return sorted(entry.supported_dtypes("cpu"), key=str)


def usual_dtype(entry: Entry) -> torch.dtype:
    """float32, or the first dtype that the entry supports instead."""
    supported = dtypes_of(entry)
    for wanted in (torch.float32, torch.complex64, torch.int64, torch.bool):
        if wanted in supported:
            return wanted
    return supported[0] if supported else torch.float32


def samples(entry: Entry, dtype: torch.dtype, *, every: bool) -> Iterator[Any]:
    """The entry's sample inputs, or a few spread ones; the same each time."""
    torch.manual_seed(0)
    wants_grad = entry.supports_autograd and dtype in entry.supported_backward_dtypes("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = entry.sample_inputs("cpu", dtype, requires_grad=wants_grad)
        for position, sample in enumerate(found if every else itertools.islice(found, SPREAD[-1] + 1)):
            if every or position in SPREAD:
                yield sample


def forms(entry: Entry) -> Iterator[Form]:
    """Every form of the entry; the first is the database's own."""
    yield Form("function", entry.op, _known_name(entry.name, entry.op))
    if entry.method_variant is not None:
        name = _name_of(entry.method_variant)
        yield Form("method", entry.method_variant, None if name is None else f"Tensor.{name}")
    if entry.operator_variant is not None:
        yield Form("operator", entry.operator_variant, _SYMBOLS.get(entry.operator_variant))
    if isinstance(entry.inplace_variant, functools.partial):  # of a function with `inplace`
        yield Form("in-place", entry.inplace_variant, None, in_place=True)
    elif entry.inplace_variant is not None:
        yield Form("in-place", entry.inplace_variant, _name_of(entry.inplace_variant), in_place=True)
    if entry.inplace_operator_variant is not None:
        name = f"__{entry.inplace_operator_variant.__name__}__"
        yield Form("in-place operator", entry.inplace_operator_variant, name, in_place=True)
    for alias in entry.aliases:
        if alias.op is not None:
            yield Form(f"alias {alias.name}", alias.op, _known_name(alias.name, alias.op))


def _name_of(function: Callable[..., Any]) -> str | None:
    name = getattr(function, "__name__", "")
    return name if find(name) is not None else None


def _known_name(name: str, function: Callable[..., Any]) -> str | None:
    """The entry's name, if the op of that name is just this function."""
    op = find(name)
    return name if op is not None and any(one.function is function for one in op.signatures) else None


def calls_of(entry: Entry, form: Form, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Call]:
    """The calls that make up a form's call: one, or those inside the database's lambda.

    Raises:
        Unnamed: no recipe can name one of them.
    """
    if form.op is not None:
        return [Call(form.op, args, kwargs)]
    if isinstance(form.function, functools.partial):
        return [Call(op_name(form.function.func), args, {**kwargs, **form.function.keywords})]
    try:
        return [Call(op_name(form.function, args, kwargs), args, kwargs)]
    except Unnamed:
        if not isinstance(form.function, FunctionType):
            raise
        return recorded_calls(form.function, args, kwargs, entry.name)


__all__ = ["ENTRIES", "Entry", "Form", "calls_of", "dtypes_of", "forms", "samples", "usual_dtype"]
