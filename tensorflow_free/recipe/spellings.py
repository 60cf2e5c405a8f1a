"""How a one-line step spells numbers that have a name: `-inf`, `math.pi`, `torch.nan`, `float("-inf")`, `.inf`, `true`.

Read from Python's syntax tree by a list of our own. Nothing is evaluated, and a value of the recipe of that name wins.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Collection
from typing import Any, Final

NO_NUMBER: Final = object()
"""What stands for a node that spells no number."""

CONSTANTS: Final[dict[str, Any]] = {
    "inf": math.inf,
    "nan": math.nan,
    "pi": math.pi,
    "true": True,
    "false": False,
    "null": None,
}
"""Words that are a constant where no value has that name: Python's `from math import inf, nan, pi`, and YAML's own."""

OF_MODULES: Final[dict[str, float]] = {"inf": math.inf, "nan": math.nan, "pi": math.pi, "e": math.e}
"""Constants of each of `MODULE_NAMES`."""

MODULE_NAMES: Final = ("math", "torch", "np", "numpy")

CONVERSIONS: Final[dict[str, Callable[[Any], Any]]] = {"float": float, "int": int, "complex": complex, "bool": bool}
"""What Python makes of a literal: `float("-inf")`."""

_POINT: Final = "None"
"""What stands before the point of `.inf` in Python's tree: no value can have this name."""

_YAML_NUMBER: Final = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<![\w.)\]}'"])\.(inf|nan)(?!\w)""", re.IGNORECASE
)
"""A quoted text, which is left as it is, or `.inf` and `.nan` where no value stands before the point."""


def pythonic(text: str) -> str:
    """The text with YAML's `.inf` and `.nan` as Python's grammar can hold them."""
    return _YAML_NUMBER.sub(lambda found: found[1] or f"{_POINT}.{found[2].lower()}", text)


def as_typed(node: ast.AST) -> str:
    """A part of the tree as it was written."""
    return ast.unparse(node).replace(f"{_POINT}.inf", ".inf").replace(f"{_POINT}.nan", ".nan")


def number_of(node: ast.expr, values: Collection[str]) -> Any:
    """The number (or true, false, null) that a node spells by name or with a sign; `NO_NUMBER` where it spells none.

    Args:
        node: a part of a one-line step.
        values: the names of the recipe's values, which win.

    Raises:
        ValueError: it converts a text that is no number, such as `float("one")`.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = number_of(operand, values)
            return _signed(number, sign) if isinstance(number, int | float) else NO_NUMBER
        case ast.Name(id=word) if word in CONSTANTS and word not in values:
            return CONSTANTS[word]
        case ast.Attribute(value=ast.Constant(value=None), attr=word):
            return OF_MODULES.get(word, NO_NUMBER)
        case ast.Attribute(value=ast.Name(id=module), attr=word) if module in MODULE_NAMES and module not in values:
            return OF_MODULES.get(word, NO_NUMBER)
        case ast.Call(func=ast.Name(id=kind), args=[_, *_] as arguments, keywords=[]) if kind in CONVERSIONS:
            return _converted(kind, [_literal(one, values) for one in arguments])
    return NO_NUMBER


def _literal(node: ast.expr, values: Collection[str]) -> Any:
    """A number, or a quoted text, which a conversion takes too."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return number_of(node, values)


def _converted(kind: str, arguments: list[Any]) -> Any:
    if any(not isinstance(one, str | int | float) for one in arguments):
        return NO_NUMBER
    try:
        return CONVERSIONS[kind](*arguments)
    except TypeError as error:
        raise ValueError(error) from error


def _signed(number: float, sign: ast.unaryop) -> float:
    return -number if isinstance(sign, ast.USub) else +number
