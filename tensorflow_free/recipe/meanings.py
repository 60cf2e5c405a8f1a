"""What Python can say and a one-line step cannot, and what would be right instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Final

from tensorflow_free.recipe.spellings import as_typed
from tensorflow_free.text.phrases import cut

_MEANT: Final[tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], str], ...]] = (
    (ast.BoolOp, "`and` and `or` ask for one truth value; `&` and `|` (or logical_and, logical_or) work by element"),
    (ast.Not, "`not` asks for one truth value; `~` (or logical_not) works by element"),
    (ast.IfExp, "`if` is not part of a step; `where(condition, a, b)` chooses by element"),
    (ast.Lambda, "a function cannot be written in a recipe"),
    (
        ast.JoinedStr,
        "a formatted string cannot be written in a recipe; `${params.n}` puts a number or a word into a line",
    ),
    (ast.Starred, "`*` cannot spread a value; write the arguments out"),
    (ast.NamedExpr, "`:=` is not part of a step; give the value a step of its own"),
    (
        (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
        "a comprehension is a loop, and a step has none; write its items out, or use a block of steps with `repeat`",
    ),
    ((ast.Dict, ast.Set), "braces have no meaning in one line; write a list, or the step out as {op: OP, args: [x]}"),
    ((ast.Await, ast.Yield, ast.YieldFrom), "it belongs in a function, and a recipe has none"),
    ((ast.Is, ast.IsNot), "`is` asks whether two names are one object of Python's; `==` compares by element{grad}"),
    ((ast.In, ast.NotIn), "`in` asks for one truth value; `{isin}` works by element"),
)
"""What a kind of node is, and what would be right."""

_IN_PLACE: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add_",
    ast.Sub: "sub_",
    ast.Mult: "mul_",
    ast.Div: "div_",
    ast.FloorDiv: "floor_divide_",
    ast.Mod: "remainder_",
    ast.Pow: "pow_",
    ast.BitAnd: "bitwise_and_",
    ast.BitOr: "bitwise_or_",
    ast.BitXor: "bitwise_xor_",
    ast.LShift: "bitwise_left_shift_",
    ast.RShift: "bitwise_right_shift_",
}
"""The methods that do what `+=` and its like do."""

_ASSIGNS: Final = "nothing is assigned in a step"


def refusal(node: ast.expr) -> str:
    """Why a node cannot stand in a step, and what would be right."""
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        pairs = " & ".join(f"({as_typed(pair)})" for pair in _pairs(node))
        words = "compares more than two values; compare two at a time and join them with &"
        return f"'{cut(as_typed(node))}' {words}, as in {cut(pairs)}"
    kind: ast.AST = node.ops[0] if isinstance(node, ast.Compare) else getattr(node, "op", node)
    why = next((words for meant, words in _MEANT if isinstance(node, meant) or isinstance(kind, meant)), "")
    if isinstance(node, ast.Compare):
        why = why.replace("{grad}", _none(node)).replace("{isin}", _isin(node))
    return f"'{cut(as_typed(node))}' cannot stand in a step; {why or CAN}"


CAN: Final = "names, numbers, operators, calls of ops and subscripts can"
"""What a step may hold."""


def _pairs(node: ast.Compare) -> list[ast.Compare]:
    """`a < b < c` as `a < b` and `b < c`."""
    values = [node.left, *node.comparators]
    return [
        ast.Compare(left, [operator], [right])
        for left, operator, right in zip(values, node.ops, values[1:], strict=False)
    ]


def _none(node: ast.Compare) -> str:
    """What is added where something is compared with None."""
    compared = [node.left, *node.comparators]
    if not any(isinstance(one, ast.Constant) and one.value is None for one in compared):
        return ""
    return ". No step gives None but a gradient that is not there: `expect: {w.grad: null}` asks for that"


def _isin(node: ast.Compare) -> str:
    found = f"isin({as_typed(node.left)}, {as_typed(node.comparators[0])})"
    return cut(found if isinstance(node.ops[0], ast.In) else f"~{found}")


# ------------------------------------------------------------------------------------------- what does not parse


def hint(text: str) -> str:
    """What was meant where Python's parser only says that its syntax is another; nothing where that is not clear."""
    if found := re.search(r"\b([A-Za-z_]\w*)\.(\d+)\b", text):
        return f"a position stands in brackets in one line: {found[1]}[{found[2]}]"
    if statement := _statement(text):
        return next((words(statement) for kind, words in _STATEMENTS.items() if isinstance(statement, kind)), _ONE_LINE)
    for wrong, right in (("&&", "`&`"), ("||", "`|`"), ("!", "`~`")):
        if re.search(rf"{re.escape(wrong)}(?!=)", text):
            return f"`{wrong}` is not Python's; {right} works by element"
    return ""


_ONE_LINE: Final = "a step is one expression, such as relu(x) or w * x"


def _statement(text: str) -> ast.stmt | None:
    """The statement that the text is, or None."""
    try:
        # in the mode "exec", Python would look for the line of a mistake in a file
        body = ast.parse(text.strip(), mode="single").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0] if body else None


def _augmented(statement: ast.AugAssign) -> str:
    target, value = as_typed(statement.target), as_typed(statement.value)
    method = _IN_PLACE.get(type(statement.op))
    symbol = as_typed(statement).removeprefix(target).strip().partition("=")[0]
    if method is None:
        return f"{_ASSIGNS}; write {cut(f'{target} {symbol} {value}')} for the new value"
    return (
        f"{_ASSIGNS}; {cut(f'{target}.{method}({value})')} changes {cut(target)} in place, and "
        f"{cut(f'{target} {symbol} {value}')} gives a new value"
    )


def _assigned(statement: ast.Assign | ast.AnnAssign) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    value = as_typed(statement.value) if statement.value is not None else ""
    if isinstance(target, ast.Subscript):
        written, index = as_typed(target.value), as_typed(target.slice).strip("()")
        return f'{_ASSIGNS}; {{op: "[]=", args: [{written}, "{index}", {value}]}} writes a part of {written}'
    if isinstance(target, ast.Attribute):
        return f"{_ASSIGNS}; {as_typed(target)}.copy_({value}) changes what is there"
    return f"{_ASSIGNS}: its name stands left of the colon; write {cut(value)} alone. add_ and its like change in place"


def _deleted(_: ast.Delete) -> str:
    return "nothing is deleted in a step; `record` says which values are kept"


def _imported(_: ast.Import | ast.ImportFrom) -> str:
    return "nothing is imported in a recipe; ops are called by PyTorch's names, and those of your own come with --ops"


_STATEMENTS: Final[dict[type[ast.stmt] | tuple[type[ast.stmt], ...], Callable[..., str]]] = {
    ast.AugAssign: _augmented,
    (ast.Assign, ast.AnnAssign): _assigned,
    ast.Delete: _deleted,
    (ast.Import, ast.ImportFrom): _imported,
}
"""What is said of each kind of statement."""
