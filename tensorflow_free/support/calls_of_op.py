"""Calls of an op to begin a recipe from: samples of PyTorch's operator database, or made from its parameters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import torch

from tensorflow_free.errors import RecipeError
from tensorflow_free.ops.signatures import Op, Parameter, Signature
from tensorflow_free.registry import find
from tensorflow_free.support.database import OpInfo, database, samples_at, usual_dtype
from tensorflow_free.support.eager_runs import tensors_in
from tensorflow_free.support.sample_calls import cases
from tensorflow_free.tracing.op_of_function import UnnamedError

SAMPLES: Final = range(12)
"""The samples of an entry that are looked at."""

FEW: Final = 4
"""Elements of all tensors at least, so that there is something to see."""

SHAPES: Final = ((2, 3), (3, 3), (3,), (), (2, 2, 4), (1, 2, 4, 4), (1, 2, 3, 4, 4), (2,))
"""The shapes that all tensors are given in turn, where no sample tells them."""

KINDS: Final = (torch.float32, torch.int64, torch.bool)
"""The dtypes that they are given in turn."""

_ATEN: Final = re.compile(r"^aten\.(\w+?)(?:\.\w+)?$")


@dataclass(frozen=True)
class OpCall:
    """An op's arguments, by the parameters of one of its signatures.

    Attributes:
        signature: which one.
        given: by the parameter's name, what it is given.
    """

    signature: Signature
    given: dict[str, Any]

    @property
    def elements(self) -> int:
        """How many elements its tensors have."""
        return sum(one.numel() for one in tensors_in(self.given))


def calls_of(op: Op) -> Iterator[OpCall]:
    """Calls that may work, the likeliest first: of samples, small ones first; then by the parameters' types."""
    found = [OpCall(signature, given) for signature, given in _of_samples(op)]
    yield from sorted(found, key=lambda one: (one.elements < FEW, one.elements))
    yield from _by_types(op)


# samples


def _of_samples(op: Op) -> Iterator[tuple[Signature, dict[str, Any]]]:
    for entry in _entries(op):
        for args, kwargs in _sample_arguments(entry, op):
            for signature in op.signatures:
                given = _bound(signature, args, kwargs)
                if given is not None:
                    yield signature, given


def _entries(op: Op) -> list[OpInfo]:
    """The entries of the database whose op is this one, or of which it is a form."""
    try:
        entries = database()
    except RecipeError:
        return []
    aten = _ATEN.match(op.name)
    base = re.sub(r"^(?:Tensor\.|nn\.functional\.|linalg\.|special\.|fft\.)", "", aten[1] if aten else op.name)
    plain = re.sub(r"(?:_copy|_with_indices)?_?$", "", base.removeprefix("_").strip("_") if aten else base)
    wanted = {base, plain, base.strip("_"), base.removeprefix("linalg_"), base.removeprefix("special_")}

    def nearness(entry: OpInfo) -> int:
        names = {entry.name, *(alias.name for alias in entry.aliases)}
        if op.name in names:
            return 0
        return 1 if wanted & {one.rpartition(".")[2] for one in names} else 2

    near = sorted((entry for entry in entries.values() if nearness(entry) < 2), key=nearness)  # noqa: PLR2004 - is far
    return near[:3]


def _sample_arguments(entry: OpInfo, op: Op) -> Iterator[tuple[Sequence[Any], dict[str, Any]]]:
    """The arguments of samples, and of the calls that an entry makes which is no op itself."""
    with suppress(Exception):  # the database's functions may fail on what this machine lacks
        for sample in samples_at(entry, usual_dtype(entry), SAMPLES):
            call = next(cases(entry, sample))
            yield call.args, call.kwargs
            with suppress(UnnamedError):
                made = call.calls(call.args, call.kwargs)
                for one in made if len(made) > 1 or made[0].args is not call.args else ():
                    if (found := find(one.op)) is not None and found.name == op.name:
                        yield one.args, dict(one.kwargs)


def _bound(signature: Signature, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments by parameter; None where they are not of this signature."""
    places = [one for one in signature.parameters if not one.keyword_only]
    if len(args) > len(places):
        return None
    given = {one.name: value for one, value in zip(places, args, strict=False)}
    by_name = {name: one.name for one in signature.parameters for name in (one.name, *one.aliases)}
    for name, value in kwargs.items():
        if name not in by_name or by_name[name] in given:
            return None
        given[by_name[name]] = value
    if any(one.required and one.name not in given for one in signature.parameters):
        return None
    return {one.name: given[one.name] for one in signature.parameters if one.name in given}


# types


def _by_types(op: Op) -> Iterator[OpCall]:
    for signature in op.signatures[:3]:
        required = [one for one in signature.parameters if one.required]
        for kind, shape in itertools.product(KINDS, SHAPES):
            for number in (1, 2, 0):
                given = {one.name: _value(one, shape, kind, number) for one in required}
                if all(value is not None for value in given.values()):
                    yield OpCall(signature, given)
                if not any({"int", "int[]"} & one.types for one in required):
                    break


def _value(parameter: Parameter, shape: tuple[int, ...], kind: torch.dtype, number: int) -> Any:
    """Something of a parameter's type; None where nothing is known of it."""
    types = parameter.types
    if "Tensor" in types:
        return _tensor(shape, kind)
    if "Tensor[]" in types:
        return [_tensor(shape, kind), _tensor(shape, kind)]
    if parameter.words:
        return min(parameter.words)
    if "bool" in types:
        return False
    if types & {"int", "number"} and "float" not in types:
        return number
    if "float" in types:
        return 0.5
    if "int[]" in types:
        return [number] * max(len(shape), 1)
    if "dtype" in types:
        return torch.float32
    return None


def _tensor(shape: tuple[int, ...], kind: torch.dtype) -> torch.Tensor:
    count = torch.Size(shape).numel()
    if kind == torch.float32:
        return (torch.arange(count).reshape(shape) * 5 % 7 / 4 - 0.5).requires_grad_()
    return (torch.arange(count).reshape(shape) % 2).to(kind)
