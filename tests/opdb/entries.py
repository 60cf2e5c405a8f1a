"""The entries of PyTorch's operator database: their names, dtypes, samples, and the forms in which each is called."""

from __future__ import annotations

import functools
import itertools
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Final

import torch
from torch.testing._internal.common_methods_invocations import op_db

from opdb.eager import Copies, seed, tensors_in
from opdb.recording import Call, UnnamedError, op_name, recorded_calls
from tensorflow_free.registry import find

# importing torch's test helpers freezes the switches of the whole process, other tests' too
torch.backends.flags_frozen.__globals__["__allow_nonbracketed_mutation_flag"] = True

Entry = Any
"""A torch.testing._internal.opinfo.core.OpInfo; torch leaves its attributes untyped."""

ENTRIES: Final[dict[str, Entry]] = {entry.full_name: entry for entry in op_db}

SPREAD: Final = (0, 1, 3, 8, 20)
"""The positions of the samples that are run where not all are."""

_SYMBOLS: Final = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@", operator.and_: "&", operator.or_: "|",
    operator.xor: "^", operator.lshift: "<<", operator.rshift: ">>", operator.eq: "==", operator.ne: "!=",
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.neg: "-",
    operator.invert: "~", operator.getitem: "[]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One way to call an entry: as a function, a method, in place, by an operator, by another name, with `out`."""

    name: str
    function: Callable[..., Any]
    op: str | None
    """What a recipe calls it, or None where that is found out from the calls that it makes."""
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A sample input in one form: what is called with what."""

    entry: Entry
    form: Form
    args: list[Any]
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The tensors among the arguments, each once."""
        return list({id(tensor): tensor for tensor in tensors_in([self.args, self.kwargs])}.values())

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the form; one in place works on a clone, so that what it changes may require a gradient."""
        first = [args[0].clone()] if self.form.in_place else args[:1]
        return self.form.function(*first, *args[1:], **kwargs)

    def calls(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Call]:
        """The calls of public ops that make up the form's call with these arguments.

        Raises:
            UnnamedError: no recipe can name one of them.
        """
        if not self.form.in_place:
            return self._calls(args, kwargs)
        first = args[0].detach().clone()
        return [Call("clone", [args[0]], {}, first), *self._calls([first, *args[1:]], kwargs)]

    def _calls(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Call]:
        function = self.form.function
        if self.form.op is not None:
            return [Call(self.form.op, args, kwargs)]
        if isinstance(function, functools.partial):
            return [Call(op_name(function.func), args, {**kwargs, **function.keywords})]
        try:
            return [Call(op_name(function, args, kwargs), args, kwargs)]
        except UnnamedError:
            if not isinstance(function, FunctionType):
                raise
            return recorded_calls(function, args, kwargs, self.entry.name)

    def without_gradients(self) -> Case:
        """The case on tensors that require no gradients."""
        copies = Copies()
        args, kwargs = copies.of(self.args), copies.of(self.kwargs)
        for tensor in tensors_in([args, kwargs]):
            tensor.requires_grad_(requires_grad=False)
        return replace(self, args=args, kwargs=kwargs)


# what there is of each entry


def dtypes_of(entry: Entry) -> list[torch.dtype]:
    """The dtypes that the entry supports on the CPU."""
    return sorted(entry.supported_dtypes("cpu"), key=str)


def usual_dtype(entry: Entry) -> torch.dtype:
    """float32, or the first dtype that the entry supports instead."""
    supported = dtypes_of(entry)
    usual = (torch.float32, torch.complex64, torch.int64, torch.bool)
    return next((dtype for dtype in (*usual, *supported) if dtype in supported), torch.float32)


def samples(entry: Entry, dtype: torch.dtype, *, every: bool) -> Iterator[Any]:
    """The entry's sample inputs, or a few spread ones; the same each time."""
    seed(0)
    differentiable = entry.supports_autograd and dtype in entry.supported_backward_dtypes("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # entry.sample_inputs, which takes down the whole stack first, takes longer than all the rest
        found = iter(entry.sample_inputs_func(entry, "cpu", dtype, differentiable))
        for position, sample in enumerate(found if every else itertools.islice(found, SPREAD[-1] + 1)):
            if every or position in SPREAD:
                yield sample


def cases(entry: Entry, sample: Any) -> Iterator[Case]:
    """The sample in each form that can take it."""
    args, kwargs = [sample.input, *sample.args], dict(sample.kwargs)
    for form in forms(entry):
        if not form.in_place or (isinstance(sample.input, torch.Tensor) and not sample.broadcasts_input):
            yield Case(entry, form, args, kwargs)


# the forms of an entry


def forms(entry: Entry) -> Iterator[Form]:
    """Every form of the entry; the first is the database's own."""
    yield Form("function", entry.op, _known_name(entry.name, entry.op))
    if entry.method_variant is not None:
        name = _name_of(entry.method_variant)
        yield Form("method", entry.method_variant, None if name is None else f"Tensor.{name}")
    if entry.operator_variant is not None:
        yield Form("operator", entry.operator_variant, _SYMBOLS.get(entry.operator_variant))
    if entry.inplace_variant is not None:
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


def with_out(case: Case) -> Case | None:
    """The case with empty tensors to write its results to, or None where it has no such form."""
    if case.form.name != "function" or case.form.op is None or not case.entry.supports_out:
        return None
    plain = case.without_gradients()
    copies = Copies()
    try:
        seed(0)
        results = plain.call(*copies.of(plain.args), **copies.of(plain.kwargs))
    except Exception:  # noqa: BLE001 - torch may refuse a sample in any way; then there is nothing to write
        return None
    parts = [results] if isinstance(results, torch.Tensor) else results
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, torch.Tensor) for part in parts):
        return None
    empty = [torch.empty(0, dtype=part.dtype) for part in parts]
    out = empty[0] if parts is not results else tuple(empty)
    return replace(plain, form=replace(case.form, name="out"), kwargs={**plain.kwargs, "out": out})
