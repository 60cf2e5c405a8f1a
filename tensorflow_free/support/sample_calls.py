"""The forms in which an entry of the operator database is called: as a function, a method, in place, by an operator."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Final

import torch

from tensorflow_free.registry import find
from tensorflow_free.support.database import OpInfo
from tensorflow_free.support.eager_runs import CopiedArguments, distinct_tensors, tensors_in
from tensorflow_free.support.seen_calls import MadeCall, recorded_calls
from tensorflow_free.tracing.op_of_function import UnnamedError, op_name

_SYMBOLS: Final = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@", operator.and_: "&", operator.or_: "|",
    operator.xor: "^", operator.lshift: "<<", operator.rshift: ">>", operator.eq: "==", operator.ne: "!=",
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.neg: "-",
    operator.invert: "~", operator.getitem: "[]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SampleForm:
    """One way to call an entry: as a function, a method, in place, by an operator, by another name, with `out`."""

    name: str
    function: Callable[..., Any]
    op: str | None
    """What a recipe calls it, or None where that is found out from the calls that it makes."""
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class SampleCall:
    """A sample input in one form: what is called with what."""

    entry: OpInfo
    form: SampleForm
    args: list[Any]
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The tensors among the arguments, each once."""
        return distinct_tensors([self.args, self.kwargs])

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the form; one in place works on a clone, so that what it changes may require a gradient."""
        first = [args[0].clone()] if self.form.in_place else args[:1]
        return self.form.function(*first, *args[1:], **kwargs)

    def calls(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[MadeCall]:
        """The calls of public ops that make up the form's call with these arguments.

        Raises:
            UnnamedError: no recipe can name one of them.
        """
        if not self.form.in_place:
            return self._calls(args, kwargs)
        first = args[0].detach().clone()
        return [MadeCall("clone", [args[0]], {}, first), *self._calls([first, *args[1:]], kwargs)]

    def _calls(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[MadeCall]:
        function = self.form.function
        if self.form.op is not None:
            return [MadeCall(self.form.op, args, kwargs)]
        if isinstance(function, functools.partial):
            return [MadeCall(op_name(function.func), args, {**kwargs, **function.keywords})]
        try:
            return [MadeCall(op_name(function, args, kwargs), args, kwargs)]
        except UnnamedError:
            if not isinstance(function, FunctionType):
                raise
            return recorded_calls(function, args, kwargs, self.entry.name)

    def without_gradients(self) -> SampleCall:
        """The case on tensors that require no gradients."""
        copies = CopiedArguments()
        args, kwargs = copies.of(self.args), copies.of(self.kwargs)
        for tensor in tensors_in([args, kwargs]):
            tensor.requires_grad_(False)
        return replace(self, args=args, kwargs=kwargs)


def cases(entry: OpInfo, sample: Any) -> Iterator[SampleCall]:
    """The sample in each form that can take it."""
    args, kwargs = [sample.input, *sample.args], dict(sample.kwargs)
    for form in forms(entry):
        if not form.in_place or (isinstance(sample.input, torch.Tensor) and not sample.broadcasts_input):
            yield SampleCall(entry, form, args, kwargs)


# the forms of an entry


def forms(entry: OpInfo) -> Iterator[SampleForm]:
    """Every form of the entry; the first is the database's own."""
    yield SampleForm("function", entry.op, _known_name(entry.name, entry.op))
    if entry.method_variant is not None:
        name = _name_of(entry.method_variant)
        yield SampleForm("method", entry.method_variant, None if name is None else f"Tensor.{name}")
    if entry.operator_variant is not None:
        yield SampleForm("operator", entry.operator_variant, _SYMBOLS.get(entry.operator_variant))
    if entry.inplace_variant is not None:
        yield SampleForm("in-place", entry.inplace_variant, _name_of(entry.inplace_variant), in_place=True)
    if entry.inplace_operator_variant is not None:
        name = f"__{entry.inplace_operator_variant.__name__}__"
        yield SampleForm("in-place operator", entry.inplace_operator_variant, name, in_place=True)
    for alias in entry.aliases:
        if alias.op is not None:
            yield SampleForm(f"alias {alias.name}", alias.op, _known_name(alias.name, alias.op))


def _name_of(function: Callable[..., Any]) -> str | None:
    name = getattr(function, "__name__", "")
    return name if find(name) is not None else None


def _known_name(name: str, function: Callable[..., Any]) -> str | None:
    """The entry's name, if the op of that name is just this function."""
    op = find(name)
    return name if op is not None and any(one.function is function for one in op.signatures) else None
