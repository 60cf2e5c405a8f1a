"""Python's operators as ops. They take tensors and numbers; text, lists and giant integers are refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from torch import Tensor

from tensorflow_free.ops.signatures import Op, Parameter, Signature

LARGEST_BITS: Final = 4096
"""An integer of a recipe has no more bits than this: `9 ** 9 ** 9` would take all memory and time there is."""

OPERAND: Final = frozenset({"Tensor", "number"})


def _checked(symbol: str, left: object, right: object) -> None:
    for operand in (left, right):
        if isinstance(operand, str | bytes | list | tuple | dict):
            raise TypeError(f"'{symbol}' takes tensors and numbers, not {type(operand).__name__}")


def _bounded(symbol: str, left: object, right: object, bits: int) -> None:
    if bits > LARGEST_BITS:
        raise OverflowError(f"{left} {symbol} {right} has more than {LARGEST_BITS} bits")


def add(left: Any, right: Any) -> Any:
    """`left + right`."""
    if not isinstance(left, Tensor):
        _checked("+", left, right)
    return left + right


def multiply(left: Any, right: Any) -> Any:
    """`left * right`."""
    if not isinstance(left, Tensor):
        _checked("*", left, right)
        if isinstance(left, int) and isinstance(right, int):
            _bounded("*", left, right, left.bit_length() + right.bit_length())
    return left * right


def power(left: Any, right: Any) -> Any:
    """`left ** right`."""
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and right > 0:
        _bounded("**", left, right, left.bit_length() * right)
    return left**right


def shift_left(left: Any, right: Any) -> Any:
    """`left << right`."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _bounded("<<", left, right, left.bit_length() + right)
    return left << right


def remainder(left: Any, right: Any) -> Any:
    """`left % right`."""
    if not isinstance(left, Tensor):
        _checked("%", left, right)
    return left % right


def set_item(target: Any, index: Any, value: Any) -> Any:
    """`target[index] = value`, and the target."""
    target[index] = value
    return target


BINARY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": add,
    "-": operator.sub,
    "*": multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": remainder,
    "**": power,
    "@": operator.matmul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": shift_left,
    ">>": operator.rshift,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
UNARY: Final[dict[str, Callable[[Any], Any]]] = {"-": operator.neg, "+": operator.pos, "~": operator.invert}

SYMBOLS: Final = (*dict.fromkeys((*BINARY, *UNARY)), "[]", "[]=")
"""Every operator that is an op."""

COMPARED: Final = frozenset({"Tensor", "number", "dtype", "device", "layout", "memory_format", "None", "int[]"})
"""What `==` and `!=` may compare: a tensor's dtype, device or shape, too."""

_INPUT: Final = Parameter("input", OPERAND)
_READ: Final = (Parameter("input", frozenset({"any"})), Parameter("index", frozenset({"any"})))


def _binary(symbol: str) -> Signature:
    types = COMPARED if symbol in {"==", "!="} else OPERAND
    parameters = (Parameter("input", types), Parameter("other", types))
    return Signature(BINARY[symbol], "operator", parameters, returns=())


def _unary(symbol: str) -> Signature:
    # Python's + gives back the tensor itself
    shares = ("input",) if symbol == "+" else ()
    return Signature(UNARY[symbol], "operator", (_INPUT,), returns=(), shares=shares)


def op(symbol: str) -> Op | None:
    """The op of an operator, or None where `symbol` is none."""
    if symbol == "[]":
        signatures: tuple[Signature, ...] = (
            Signature(operator.getitem, "operator", _READ, returns=(), shares=("input",)),
        )
    elif symbol == "[]=":
        parameters = (Parameter("input", frozenset({"Tensor"})), _READ[1], Parameter("value", OPERAND))
        signatures = (Signature(set_item, "operator", parameters, returns=(), changes=("input",), shares=("input",)),)
    elif symbol in SYMBOLS:
        binary = (_binary(symbol),) if symbol in BINARY else ()
        signatures = binary + ((_unary(symbol),) if symbol in UNARY else ())
    else:
        return None
    return Op(symbol, signatures, documentation=None, numbers=True)
