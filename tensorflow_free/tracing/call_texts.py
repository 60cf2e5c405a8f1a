"""A call as a step in one line of Python, or written out where a line does not say all."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

import torch

from tensorflow_free.recipe.expressions import ExpressionError, expand_step
from tensorflow_free.registry import find
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.call_words import WordsOfCalls
from tensorflow_free.tracing.calls_of_run import TracedCall
from tensorflow_free.tracing.sizes import MovingNumber

OPERATORS: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "__truediv__": "/", "__floordiv__": "//", "__mod__": "%",
    "remainder": "%", "__pow__": "**", "pow": "**", "matmul": "@", "__and__": "&", "__or__": "|", "__xor__": "^",
    "__lshift__": "<<", "__rshift__": ">>", "__eq__": "==", "__ne__": "!=", "eq": "==", "ne": "!=", "lt": "<",
    "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip
"""Methods of a tensor that Python calls for an operator with two operands."""

REFLECTED: Final = {
    "__radd__": "+", "__rsub__": "-", "__rmul__": "*", "__rtruediv__": "/", "__rfloordiv__": "//", "__rmod__": "%",
    "__rpow__": "**", "__rmatmul__": "@",
}  # fmt: skip
"""Those whose first operand stands on the right."""

UNARY: Final = {"neg": "-", "__neg__": "-", "__invert__": "~"}

OPERANDS: Final = 2

CASTS: Final = {
    f"torch.Tensor.{word}": dtype
    for word, dtype in {
        "float": torch.float32,
        "double": torch.float64,
        "half": torch.float16,
        "bfloat16": torch.bfloat16,
    }.items()
}
"""Methods that say a dtype by their names."""

MOST_NAMED: Final = 4
"""Steps that are told by name."""

METHOD: Final = "torch.Tensor."

NO_NUMBERS: Final = ("_stacklevel", "non_blocking")
"""Parameters that change no number: at which line a warning is told, and whether a copy is waited for."""

_SYMBOLS: Final = frozenset({*OPERATORS.values(), *REFLECTED.values(), *UNARY.values(), "[]"})
_REFERENCE: Final = re.compile(r"\$\{params\.\w+\}")
_NOT_FINITE: Final = {"inf": "math.inf", "-inf": "-math.inf", "nan": "math.nan"}


class NeedsWords(Exception):
    """An argument for which one line has no form."""


class TextsOfCalls:
    """Writes calls as steps.

    Args:
        words: writes their arguments out.
    """

    def __init__(self, words: WordsOfCalls) -> None:
        self._words = words
        self._texts: tuple[tuple[Any, Callable[[Any], str]], ...] = (
            (torch.Tensor, words.read),
            (MovingNumber, lambda value: value.word),
            (float, self._float),
            ((bool, int, type(None)), str),
            (str, json.dumps),
            (torch.dtype, lambda value: "floating" if value == words.floating else f"torch.{word_of(value)}"),
            (torch.device, lambda value: '"${device}"' if words.is_own(value) else f'"{value}"'),
            ((list, tuple), lambda value: f"[{', '.join(map(self.text, value))}]"),
        )

    def step(self, name: str, op: str, call: TracedCall, values: set[str]) -> str | dict[str, Any]:
        """A call as a step of this name.

        Args:
            name: the step's.
            op: what a recipe calls the function.
            call: the call.
            values: the names that are given before.

        Raises:
            NotSaid: an argument is nothing that a recipe can say.
        """
        kwargs = without_defaults(call, self._words.device)
        written = self._words.step(op, call.args, kwargs)
        try:
            line = self._line(op, call, kwargs)
            *parts, last = expand_step(name, _REFERENCE.sub("1", line), values | {name}).values()
        except (NeedsWords, ExpressionError):
            return written
        says_the_same = len(parts) == self.parts(call) and all(part["op"] == "[]" for part in parts)
        return line if says_the_same and same_op(last["op"], op) else written

    def _float(self, value: float) -> str:
        if self._words.end(value) is not None:
            raise NeedsWords
        return self._words.number(value) or _NOT_FINITE.get(str(value), str(value))

    def parts(self, call: TracedCall) -> int:
        """How many parts of several values a call reads by position; a line has a step of its own for each."""
        return sum(field.isdigit() for one in call.tensors for field in self._words.name(one).split(".")[1:])

    def _line(self, op: str, call: TracedCall, kwargs: Mapping[str, Any]) -> str:
        args = call.args
        if op == "__setitem__" or not (args or kwargs):
            raise NeedsWords
        if op == "__getitem__":
            return f"{self.text(args[0])}[{self._words.subscript(args[1])}]"
        if not kwargs and (operation := self._operation(op, args)):
            return operation
        if call.name.endswith(".__get__"):
            return f"{self.text(args[0])}.{op}"
        if call.name.startswith(METHOD) and args and isinstance(args[0], torch.Tensor):
            return f"{self.text(args[0])}.{op.removeprefix('Tensor.')}({self._inside(args[1:], kwargs)})"
        return f"{in_line(op)}({self._inside(args, kwargs)})"

    def _operation(self, op: str, args: Sequence[Any]) -> str | None:
        """What is an operator of Python's: `x + y`."""
        if len(args) == 1 and op in UNARY:
            return f"{UNARY[op]}{self.text(args[0])}"
        if len(args) == OPERANDS and op in OPERATORS:
            return f"{self._operand(args[0])} {OPERATORS[op]} {self._operand(args[1])}"
        if len(args) == OPERANDS and op in REFLECTED:
            return f"{self._operand(args[1])} {REFLECTED[op]} {self._operand(args[0])}"
        return None

    def _inside(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        return ", ".join([*map(self.text, args), *(f"{key}={self.text(value)}" for key, value in kwargs.items())])

    def _operand(self, value: Any) -> str:
        text = self.text(value)
        return f"({text})" if text.startswith("-") else text

    def text(self, value: Any) -> str:
        """An argument as Python writes it.

        Raises:
            NeedsWords: a line has no form for it.
        """
        for kinds, write in self._texts:
            if isinstance(value, kinds):
                return write(value)
        raise NeedsWords


def in_own_dtype(call: TracedCall, floating: torch.dtype) -> TracedCall:
    """A call as it follows the recipe's dtype: `x.float()` of a model in float32 is `x.to(floating)`."""
    if CASTS.get(call.name) != floating:
        return call
    return replace(call, function=torch.Tensor.to, name=f"{METHOD}to", args=(*call.args, floating))


def other_dtypes(steps: Mapping[str, TracedCall], floating: torch.dtype) -> Iterator[str]:
    """The floating dtypes that calls say and that stay as they are, whatever the recipe's is, each with its steps."""
    found: dict[torch.dtype, list[str]] = {}
    for name, call in steps.items():
        said = [CASTS.get(call.name), *call.args, *call.kwargs.values()]
        for dtype in dict.fromkeys(one for one in said if isinstance(one, torch.dtype)):
            if dtype.is_floating_point and dtype != floating:
                found.setdefault(dtype, []).append(name)
    for dtype, names in found.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        told = ", ".join(names[:MOST_NAMED])
        yield f"{word_of(dtype)} is said by {told}{more}, and stays in every dtype of the recipe"


def in_line(op: str) -> str:
    """An op as a line of Python calls it: `F.relu`, `torch.softmax`, `torch.linalg.qr`."""
    if op.startswith("nn.functional."):
        return f"F.{op.removeprefix('nn.functional.')}"
    return f"torch.{op}" if find(f"torch.{op}") is not None else op


def same_op(one: str, other: str) -> bool:
    """Whether two names are of one op: `*` is mul."""
    first, second = find(one), find(other)
    if first is None or second is None:
        return one == other
    return first.name == second.name or one in _SYMBOLS


def without_defaults(call: TracedCall, device: torch.device) -> dict[str, Any]:
    """The keywords that say something: not those that are as they would be without."""
    defaults = _defaults(call.function)
    usual: dict[str, Sequence[Any]] = {"device": (None, device), "layout": (torch.strided,), "out": (None,)}
    usual |= {"dtype": (None,), "memory_format": (None,), "requires_grad": (False,), "pin_memory": (False,)}
    return {
        key: value
        for key, value in call.kwargs.items()
        if key not in NO_NUMBERS
        and not _is_among(torch.device(value) if key == "device" and value is not None else value, usual.get(key, ()))
        and not (key in defaults and type(value) is type(defaults[key]) and value == defaults[key])
    }


def _is_among(value: Any, usual: Sequence[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in usual)


@cache
def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        return {}
    plain = (bool, int, float, str, type(None))
    return {one.name: one.default for one in found.parameters.values() if isinstance(one.default, plain)}
