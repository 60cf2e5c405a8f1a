"""Signatures from Python: a function's parameters and annotations, or a line of text in the same form."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from tensorflow_free.ops.signatures import REQUIRED, CallForm, Parameter, Signature
from tensorflow_free.ops.words import words_of

LEAVES: Final[dict[str, frozenset[str]]] = {
    **{
        name: frozenset({name})
        for name in "Tensor number int float bool complex str dtype device layout memory_format None".split()
    },
    "MaskedTensor": frozenset(),
    "Number": frozenset({"number"}),
    "Generator": frozenset({"generator"}),
    "Size": frozenset({"int[]"}),
    "Callable": frozenset({"callable"}),
    # TorchScript's BroadcastingList leaves None, of type NoneType where it is optional: a number, or one a dimension
    "NoneType": frozenset({"int", "int[]", "None"}),
}
"""The types that a plain annotation stands for."""

SEQUENCES: Final = frozenset({"list", "tuple", "List", "Tuple", "Sequence", "Iterable", "Collection"})
LISTS: Final = frozenset({"Tensor[]", "number[]", "int[]", "float[]", "bool[]", "str[]", "None[]"})

ANY: Final = frozenset({"any"})

Origin = Literal["torch", "written", "user"]
"""Whose function it is: torch's own, one whose signature is written out in our table, or the user's."""

BY_NAME: Final[dict[str, frozenset[str]]] = {
    **{name: frozenset({name, "None"}) for name in ("dtype", "device", "layout", "memory_format")},
    "out": frozenset({"Tensor", "Tensor[]", "None"}),
    "output_ratio": frozenset({"float", "float[]", "None"}),
    "correction": frozenset({"number", "None"}),
}
"""Parameters of torch's Python functions whose annotation (`int` for a dtype) misleads."""

UNANNOTATED: Final[dict[str, frozenset[str]]] = {
    "input": frozenset({"Tensor"}),
    "self": frozenset({"Tensor"}),
    "other": frozenset({"Tensor", "number"}),
}
"""Parameters of torch's Python functions that say nothing of their type."""

_MODULE: Final = re.compile(r"\b\w+\.(?=\w)")


class SignatureError(ValueError):
    """A function whose parameters cannot be known."""


def _subscripted(node: ast.Subscript) -> frozenset[str]:
    name = node.value.id if isinstance(node.value, ast.Name) else ""
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        return frozenset({"str"})
    if name == "Optional":
        return _types(node.slice) | {"None"}
    parts = [_types(part) for part in inner if not _is_ellipsis(part)]
    united = frozenset().union(*parts)
    if name == "Union":
        return united
    if name in SEQUENCES:
        lists = frozenset(f"{word}[]" for word in united)
        return lists if lists <= LISTS else ANY
    return LEAVES.get(name, ANY)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _types(node: ast.expr) -> frozenset[str]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _types(left) | _types(right)
        case ast.Name(id=name):
            return LEAVES.get(name, ANY)
        case ast.Constant(value=None):
            return frozenset({"None"})
        case ast.Constant(value=str(text)) | ast.Call(args=[ast.Constant(value=str(text))]):
            return types_of(text)
        case ast.Subscript():
            return _subscripted(node)
    return ANY


def types_of(annotation: str) -> frozenset[str]:
    """The types that the text of an annotation stands for; {"any"} where it says nothing that a recipe knows."""
    try:
        tree = ast.parse(_MODULE.sub("", annotation), mode="eval")
    except SyntaxError:
        return ANY
    found = _types(tree.body)
    return ANY if "any" in found else found


def literal_words(annotation: str) -> frozenset[str] | None:
    """The words of a `Literal["mean", "sum"]`, or None where the annotation is no such thing."""
    match = re.search(r"Literal(\[[^\]]*\])", annotation)
    if match is None:
        return None
    try:
        values = ast.literal_eval(match[1])
    except (ValueError, SyntaxError):
        return None
    words = frozenset(value for value in values if isinstance(value, str))
    return words or None


def _annotation_text(parameter: inspect.Parameter) -> str | None:
    if parameter.annotation is inspect.Parameter.empty:
        return None
    if isinstance(parameter.annotation, str):
        return parameter.annotation
    if parameter.annotation is None:
        return "NoneType" if parameter.default is None else "int | list[int]"
    return inspect.formatannotation(parameter.annotation)


def _guess(name: str, default: object) -> frozenset[str]:
    """The types of a parameter without an annotation: by its name, then by its default."""
    if name in UNANNOTATED:
        return UNANNOTATED[name]
    if isinstance(default, bool):
        return frozenset({"bool"})
    if isinstance(default, float):
        return frozenset({"float"})
    return ANY


def _parameter_types(parameter: inspect.Parameter, text: str | None, origin: Origin) -> frozenset[str]:
    if origin == "torch" and parameter.name in BY_NAME:
        return BY_NAME[parameter.name]
    if text is not None:
        types = types_of(text)
        # torch.masked writes tuple[int, ...] and takes one number, too
        return types | {"int"} if origin == "torch" and parameter.name == "dim" and "int[]" in types else types
    return _guess(parameter.name, parameter.default) if origin == "torch" else ANY


def _parameter(op: str, parameter: inspect.Parameter, origin: Origin) -> Parameter:
    text = _annotation_text(parameter)
    default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
    types = _parameter_types(parameter, text, origin)
    words = literal_words(text) if text is not None else None
    if words is None and origin != "user" and "str" in types:
        words = words_of(op, parameter.name)
    return Parameter(
        name="input" if origin == "torch" and parameter.name == "self" else parameter.name,
        types=types,
        default=default,
        keyword_only=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
        words=words,
    )


def _spread(parameter: inspect.Parameter) -> Parameter:
    """The parameter `*tensors`: a list, which the call writes as separate arguments."""
    text = _annotation_text(parameter)
    types = ANY if text is None else frozenset(f"{word}[]" for word in types_of(text))
    return Parameter(parameter.name, types if types <= LISTS else ANY, default=())


def _parameters(op: str, found: inspect.Signature, origin: Origin) -> Iterator[Parameter]:
    for parameter in found.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            message = f"'{op}' takes '**{parameter.name}', so its parameters cannot be known; name each of them"
            raise SignatureError(message)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            yield _spread(parameter)
        elif origin != "torch" or parameter.name != "_stacklevel":
            yield _parameter(op, parameter, origin)


ONE_VALUE: Final = frozenset({"Tensor", "number", "int", "float", "bool", "str", "None"})
"""What a function may return that is one value for certain."""


def _returns(found: inspect.Signature) -> tuple[str, ...] | None:
    annotation = found.return_annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return () if _MODULE.sub("", text.strip("'\"")) in ONE_VALUE else None


def _signature(
    op: str, function: Callable[..., Any], form: CallForm, found: inspect.Signature, origin: Origin
) -> Signature:
    variadic = any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in found.parameters.values())
    return Signature(
        function=function,
        form=form,
        parameters=tuple(_parameters(op, found, origin)),
        spread=variadic,
        variadic=variadic,
        returns=_returns(found),
        shares=None if origin == "user" else (),
    )


def signature(op: str, function: Callable[..., Any], form: CallForm) -> Signature:
    """The signature that a Python function has.

    Raises:
        SignatureError: It has none, or takes any keyword.
    """
    try:
        found = inspect.signature(function)
    except (ValueError, TypeError) as error:
        message = f"'{op}' has no signature that Python can inspect; wrap it in a function with named parameters"
        raise SignatureError(message) from error
    return _signature(op, function, form, found, "user" if form == "user" else "torch")


def _written_parameters(arguments: ast.arguments) -> Iterator[inspect.Parameter]:
    positional = arguments.args
    absent = [None] * (len(positional) - len(arguments.defaults))
    for argument, default in zip(positional, [*absent, *arguments.defaults], strict=True):
        yield _written_parameter(argument, default, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if arguments.vararg is not None:
        yield _written_parameter(arguments.vararg, None, inspect.Parameter.VAR_POSITIONAL)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _written_parameter(argument, default, inspect.Parameter.KEYWORD_ONLY)


def _written_parameter(argument: ast.arg, default: ast.expr | None, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(
        argument.arg,
        kind,
        default=inspect.Parameter.empty if default is None else ast.literal_eval(default),
        annotation=inspect.Parameter.empty if argument.annotation is None else ast.unparse(argument.annotation),
    )


def written(op: str, line: str, function: Callable[..., Any], form: CallForm) -> Signature:
    """The signature that a line such as `(input: Tensor, *size: int) -> Tensor` writes out."""
    definition = ast.parse(f"def _{line}: ...").body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise SignatureError(f"'{op}': '{line}' is not a signature")
    returns = "" if definition.returns is None else ast.unparse(definition.returns)
    found = inspect.Signature(list(_written_parameters(definition.args)), return_annotation=returns)
    return _signature(op, function, form, found, "written")
