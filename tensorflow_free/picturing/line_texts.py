"""A step as the one line that a recipe says it in: `y = x @ w`, `e = (a - b) ** 2`. Does not import torch."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from tensorflow_free.recipe.expressions import OPERATORS, is_attribute
from tensorflow_free.recipe.models import Step
from tensorflow_free.text.phrases import shown

DEEPEST: Final = 12
"""How many parts of a line, one in another, are written out."""

_OPERANDS: Final = 2

_SYMBOLS: Final = {
    (symbol, 1 if issubclass(kind, ast.unaryop) else _OPERANDS): kind for kind, symbol in OPERATORS.items()
}
"""The kinds of Python's operators, by their symbol and how many operands they have."""

_WORD: Final = re.compile(r"[\w.]+")


def line_text(step: Step, names: Collection[str], parts: Mapping[str, Step] | None = None) -> str:
    """What stands right of a step's name: `x @ w`; nothing of a block.

    Args:
        step: the step.
        names: the recipe's values; other words are texts.
        parts: steps that were written in one line with it, by their names, which are written out in their places.
    """
    if step.op is None:
        return ""
    return ast.unparse(ast.fix_missing_locations(_tree(step, names, parts or {}, 0)))


def _tree(step: Step, names: Collection[str], parts: Mapping[str, Step], depth: int) -> ast.expr:
    op = step.op or ""
    args = [_argument(one, names, parts, depth) for one in step.args]
    kwargs = {key: _argument(one, names, parts, depth) for key, one in step.kwargs.items()}
    kind = None if kwargs else _SYMBOLS.get((op, len(args)))
    if kind is not None:
        return _operation(kind(), args)
    if op in ("[]", "[]=") and len(args) > 1 and isinstance(step.args[1], str | int):
        part = ast.Subscript(args[0], _raw(str(step.args[1])))
        return part if op == "[]" else _raw(f"{ast.unparse(part)} = {', '.join(map(ast.unparse, args[2:]))}")
    if is_attribute(op) and len(args) == 1:
        return ast.Attribute(args[0], op)
    return ast.Call(_raw(op), args, [ast.keyword(key, value) for key, value in kwargs.items()])


def _operation(kind: ast.AST, args: list[ast.expr]) -> ast.expr:
    if isinstance(kind, ast.unaryop):
        return ast.UnaryOp(kind, args[0])
    if isinstance(kind, ast.cmpop):
        return ast.Compare(args[0], [kind], [args[1]])
    if isinstance(kind, ast.operator):
        return ast.BinOp(args[0], kind, args[1])
    raise TypeError(kind)


def _argument(value: Any, names: Collection[str], parts: Mapping[str, Step], depth: int) -> ast.expr:
    if isinstance(value, str):
        if value in parts and depth < DEEPEST:
            return _tree(parts[value], names, parts, depth + 1)
        is_name = _WORD.fullmatch(value) is not None and value.partition(".")[0] in names
        return _raw(value if is_name else shown(repr(value)))
    if isinstance(value, list) and len(value) <= _MOST_ITEMS:
        return ast.List([_argument(one, names, parts, depth) for one in value])
    if isinstance(value, Mapping) and len(value) == 1:
        [(key, inner)] = value.items()
        return _raw(shown(repr(inner) if key == "str" else inner if key in ("ref", "dtype") else {key: inner}))
    return _raw(shown(value))


_MOST_ITEMS: Final = 16
"""Items of a list that are written out one by one."""


def _raw(text: str) -> ast.expr:
    """A text as it stands, where an expression may be."""
    return ast.Name(text)
