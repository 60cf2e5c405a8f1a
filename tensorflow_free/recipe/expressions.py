"""One-line steps and subscripts: Python's grammar, parsed and never evaluated. Does not import torch.

`ast.parse` only builds a tree; what of the tree may stand in a recipe is listed here, node by node.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tensorflow_free.recipe.meanings import hint, refusal
from tensorflow_free.recipe.names import DTYPE_ALIASES, DTYPES
from tensorflow_free.recipe.no_ops import NO_MODULES
from tensorflow_free.recipe.spellings import CONVERSIONS, NO_NUMBER, as_typed, number_of, pythonic
from tensorflow_free.text.characters import form_problem
from tensorflow_free.text.phrases import cut

LONGEST: Final = 10_000
"""Characters of a one-line step or subscript; far beyond any that a person writes."""

OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
}

ATTRIBUTES: Final = frozenset({
    "H", "T", "data", "device", "dtype", "grad_dtype", "grad_fn", "imag", "is_cpu", "is_cuda", "is_leaf", "is_meta",
    "is_mkldnn", "is_mps", "is_mtia", "is_nested", "is_quantized", "is_sparse", "is_sparse_csr", "is_xpu", "itemsize",
    "layout", "mH", "mT", "nbytes", "ndim", "output_nr", "real", "requires_grad", "retains_grad", "shape",
})  # fmt: skip
"""The attributes of a tensor that are ops; any other is a field of several values, such as `Q` and `indices`."""

IS_METHODS: Final = frozenset({
    "is_coalesced", "is_complex", "is_conj", "is_contiguous", "is_distributed", "is_floating_point", "is_inference",
    "is_neg", "is_nonzero", "is_pinned", "is_same_size", "is_set_to", "is_shared", "is_signed",
})  # fmt: skip
"""Methods that begin as attributes of devices do."""


def is_attribute(word: str) -> bool:
    """Whether a word behind a value's point is an op: an attribute, or that of a custom back end, such as `is_npu`."""
    return word in ATTRIBUTES or (word.startswith("is_") and word not in IS_METHODS)


class ExpressionError(ValueError):
    """A one-line step or subscript that cannot be read. `column` counts from 0 in its text."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Name:
    """A value's name inside a subscript, with its fields: `i`, `x.shape.0`."""

    dotted: str


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step`, each a number, a name or None."""

    start: Any
    stop: Any
    step: Any


def parse_subscript(text: str) -> Any:
    """A subscript's text as Python would take it: integers, None, Ellipsis, booleans, `Slice`, `Name`, lists, tuples.

    Raises:
        ExpressionError: it is not a subscript.

    Example:
        >>> parse_subscript("1:3, i")
        (Slice(start=1, stop=3, step=None), Name(dotted='i'))
    """
    tree = _parse(f"_[{text}]", offset=2)
    if not isinstance(tree, ast.Subscript) or not isinstance(tree.value, ast.Name):
        raise ExpressionError(f"'{text}' is not a subscript; write what comes between the brackets, such as '1:3, 0'")
    return _subscript(tree.slice)


def _subscript(node: ast.expr) -> Any:
    match node:
        case ast.Tuple(elts=items):
            return tuple(_subscript(item) for item in items)
        case ast.List(elts=items):
            return [_subscript(item) for item in items]
        case ast.Slice(lower=lower, upper=upper, step=step):
            return Slice(*(None if part is None else _subscript(part) for part in (lower, upper, step)))
        case ast.Constant(value=value) if value is None or value is ... or isinstance(value, (bool, int)):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int(value))):
            return -value if isinstance(sign, ast.USub) else +value
        case ast.Name() | ast.Attribute():
            return Name(_dotted(node))
        case ast.Subscript(value=value, slice=ast.Constant(value=int(field))):
            return Name(f"{_dotted(value)}.{field}")
    raise ExpressionError(
        f"'{as_typed(node)}' cannot stand in a subscript; numbers, names, slices, lists, None and ... can",
        node.col_offset - 2,
    )


@dataclass
class Expansion:
    """The steps that a one-line step stands for, in order; the last has its name."""

    name: str
    values: Collection[str]
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, op: str, args: list[Any], kwargs: dict[str, Any] | None = None) -> str:
        """Add a step and return its name."""
        name = f"{self.name}_{len(self.steps) + 1}"
        step: dict[str, Any] = {"op": op, "args": args}
        if kwargs:
            step["kwargs"] = kwargs
        self.steps[name] = step
        return name


def expand_step(name: str, text: str, values: Collection[str]) -> dict[str, dict[str, Any]]:
    """The steps `NAME_1`, `NAME_2`, …, `NAME` that a step written in one line stands for.

    Args:
        name: the step's name.
        text: Python over the registry, such as `F.relu(w @ x + b)`.
        values: the names of the recipe's values; a dotted name that begins with one is a value's, not an op's.

    Raises:
        ExpressionError: the text says something that a step cannot.

    Example:
        >>> expand_step("y", "w @ x + 1", {"w", "x"})
        {'y_1': {'op': '@', 'args': ['w', 'x']}, 'y': {'op': '+', 'args': ['y_1', 1]}}
    """
    try:
        return _expand(Expansion(name, values), text)
    except RecursionError as error:
        raise ExpressionError(f"'{cut(text)}' is nested too deeply; write the steps out") from error


def _expand(expansion: Expansion, text: str) -> dict[str, dict[str, Any]]:
    node = _parse(text)
    if isinstance(node, (ast.Name, ast.Constant, ast.List, ast.Tuple)):
        calls = "a step is a call or an operator, such as 'relu(x)' or 'w * x'"
        raise ExpressionError(f"'{text}' is not an operation; {calls}{_made_of(node, text)}")
    result = _operand(node, expansion)
    if isinstance(result, dict) and "dtype" in result:
        written = text.strip()
        raise ExpressionError(f"'{written}' is a dtype and not an operation; 'x.to({written})' makes x one of it")
    if isinstance(result, str) and result not in expansion.steps:
        _read_field(result, expansion)
    if not expansion.steps:
        raise ExpressionError(f"'{text}' is not an operation; a step is a call or an operator, such as 'w * x'")
    last = f"{expansion.name}_{len(expansion.steps)}"
    return {expansion.name if made == last else made: step for made, step in expansion.steps.items()}


def _made_of(node: ast.expr, text: str) -> str:
    """The step that makes a tensor of what is no operation."""
    match node:
        case ast.Name():
            return f"; '{text}.clone()' is the same numbers under another name"
        case ast.Constant(value=bool() | int() | float() | complex()):
            return f"; 'torch.tensor({text})' is the number as a tensor"
        case ast.List() | ast.Tuple():
            return "; torch.stack([a, b]) makes one tensor of several, torch.tensor([1.0, 2.0]) of numbers"
    return ""


def _read_field(dotted: str, to: Expansion) -> None:
    """A step of its own for what a dotted word reads: an op of that name, or all of the field."""
    root, _, attribute = dotted.rpartition(".")
    if root and is_attribute(attribute):
        to.add(attribute, [root])
    elif root:
        to.add("[]", [dotted, "..."])


def _parse(text: str, offset: int = 0) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"{len(text)} characters are too many for one line; write the steps out")
    if not text.isascii():
        _refuse_second_forms(text, offset)
    try:
        return ast.parse(text if offset else pythonic(text.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = max((getattr(error, "offset", None) or 1) - 1 - offset, 0)
        words = getattr(error, "msg", None) or "it is nested too deeply"
        written = text[offset:-1] if offset else text
        raise ExpressionError(f"'{cut(written)}' cannot be read: {hint(written) or words}", column) from error


def _refuse_second_forms(text: str, offset: int) -> None:
    """Refuse words that Python's grammar takes for others, which it does silently: it reads each in its normal form."""
    for word in re.finditer(r"\w+", text):
        if problem := form_problem(word[0]):
            raise ExpressionError(problem, word.start() - offset)


def _operand(node: ast.expr, to: Expansion) -> Any:
    """What stands for `node` among a step's args; adds the steps that it needs."""
    if (number := _number(node, to)) is not NO_NUMBER:
        return number
    match node:
        case ast.Constant(value=value):
            return _constant(value, node)
        case ast.Name(id=word):
            return word
        case ast.Attribute():
            return _attribute(node, to)
        case ast.List(elts=[ast.Starred(value=whole)]) | ast.Tuple(elts=[ast.Starred(value=whole)]):
            # [*parts] is a list of all parts, which they are already
            return _operand(whole, to)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_operand(item, to) for item in items]
        case ast.Subscript(value=value, slice=index):
            read = _operand(value, to)
            return to.add("[]", [read, _index_text(index, to)])
        case ast.Call():
            return _call(node, to)
    return _operation(node, to)


def _operation(node: ast.expr, to: Expansion) -> str:
    """The step of an operator and its operands, of which the left one's steps come first."""
    match node:
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert() as operator, operand=inner):
            operands = [inner]
        case ast.BinOp(left=left, op=operator, right=right):
            operands = [left, right]
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in OPERATORS:
            operands = [left, right]
        case _:
            raise ExpressionError(refusal(node), node.col_offset)
    return to.add(OPERATORS[type(operator)], [_operand(one, to) for one in operands])


def _number(node: ast.expr, to: Expansion) -> Any:
    try:
        number = number_of(node, to.values)
        return {"complex": [number.real, number.imag]} if isinstance(number, complex) else number
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"'{cut(as_typed(node))}' is not a number: {error}", node.col_offset) from error


def _constant(value: Any, node: ast.expr) -> Any:
    if value is None:
        return value
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, str):
        return {"str": value}
    raise ExpressionError(f"'{as_typed(node)}' cannot stand in a step", node.col_offset)


def _attribute(node: ast.Attribute, to: Expansion) -> Any:
    """`x.T` of a value is a dotted word; of anything else, a step that reads the attribute, or a field of it."""
    dotted = _dotted_or_none(node)
    if dotted is None:
        value = _operand(node.value, to)
        is_op = is_attribute(node.attr) or not isinstance(value, str)
        return to.add(node.attr, [value]) if is_op else f"{value}.{node.attr}"
    root, _, rest = dotted.partition(".")
    if root == "torch" and root not in to.values and (rest in DTYPES or rest in DTYPE_ALIASES):
        return {"dtype": rest}
    return dotted


def _call(node: ast.Call, to: Expansion) -> Any:
    match node:
        case ast.Call(func=ast.Attribute(attr="device"), args=[ast.Constant(value=str(word)), *index], keywords=[]) if (
            _dotted_or_none(node.func) == "torch.device" and "torch" not in to.values
        ):
            numbers = [one.value for one in index if isinstance(one, ast.Constant)]
            return {"str": ":".join(map(str, (word, *numbers)))}
    kwargs = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ExpressionError("`**` cannot spread a value; write the arguments out", keyword.value.col_offset)
        if keyword.arg in kwargs:
            raise ExpressionError(f"'{keyword.arg}' is given twice; keep one of the two", keyword.col_offset)
        kwargs[keyword.arg] = keyword.value
    op, receiver = _callee(node.func, to)
    args = [] if receiver is None else [_operand(receiver, to)]
    args += [_operand(argument, to) for argument in node.args]
    return to.add(op, args, {name: _operand(value, to) for name, value in kwargs.items()})


OTHER_AS_METHODS: Final = {"where": "Tensor.where"}
"""Methods whose arguments stand in another order than the function's of that name: `x.where(condition, y)`."""

_BUILTINS: Final = {"len": "__len__"}
"""Functions of Python's, and the ops that they call."""

CALLED_WORDS: Final = frozenset({*_BUILTINS, *CONVERSIONS})
"""Words that mean something of their own where they are called, also where values have these names."""


def _callee(node: ast.expr, to: Expansion) -> tuple[str, ast.expr | None]:
    """The op that a call names, and the value that it is a method of."""
    dotted = _dotted_or_none(node)
    root = dotted.partition(".")[0] if dotted else ""
    if isinstance(node, ast.Name):
        return _BUILTINS.get(node.id, node.id), None
    if isinstance(node, ast.Attribute):
        if dotted and root not in to.values:
            return dotted, None
        return OTHER_AS_METHODS.get(node.attr, node.attr), node.value
    is_module = isinstance(node, ast.Call) and as_typed(node.func).startswith(("nn.", "torch.nn."))
    why = NO_MODULES if is_module else "an op or a value's method can"
    raise ExpressionError(f"'{as_typed(node)}' cannot be called; {why}", node.col_offset)


def _index_text(node: ast.expr, to: Expansion) -> Any:
    """The text of a subscript; what is more than a subscript can hold becomes a step of its own."""
    text = ast.unparse(_plain_index(node, to))
    return text[1:-1] if isinstance(node, ast.Tuple) and node.elts and text.startswith("(") else text


def _plain_index(node: ast.expr, to: Expansion) -> ast.expr:
    match node:
        case ast.Tuple(elts=items):
            return ast.Tuple([_plain_index(item, to) for item in items], ast.Load())
        case ast.List(elts=items):
            return ast.List([_plain_index(item, to) for item in items], ast.Load())
        case ast.Slice(lower=lower, upper=upper, step=step):
            return ast.Slice(*(None if part is None else _plain_index(part, to) for part in (lower, upper, step)))
        case ast.BinOp() | ast.Compare() | ast.Call() | ast.Subscript() | ast.UnaryOp(op=ast.Invert()):
            return ast.Name(str(_operand(node, to)), ast.Load())
        case ast.UnaryOp(operand=inner) if not isinstance(inner, ast.Constant):
            return ast.Name(str(_operand(node, to)), ast.Load())
        case ast.Attribute() if _dotted_or_none(node) is None:
            return ast.Name(str(_operand(node, to)), ast.Load())
    return node


def _dotted(node: ast.expr) -> str:
    dotted = _dotted_or_none(node)
    if dotted is None:
        raise ExpressionError(f"'{as_typed(node)}' cannot stand in a subscript", node.col_offset - 2)
    return dotted


def _dotted_or_none(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def names_in(subscript: Any) -> Iterator[str]:
    """Every value's name that a parsed subscript reads."""
    if isinstance(subscript, Name):
        yield subscript.dotted
    elif isinstance(subscript, Slice):
        yield from names_in((subscript.start, subscript.stop, subscript.step))
    elif isinstance(subscript, (list, tuple)):
        for item in subscript:
            yield from names_in(item)
