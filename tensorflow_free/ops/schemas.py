"""Signatures from the schemas of PyTorch's operators. The only module that asks torch for a schema.

Private names of torch used here, all of torch._C: _jit_get_schemas_for_operator, _jit_get_all_schemas, _get_schema,
_get_operation_overload, _dispatch_has_kernel, _should_allow_numbers_as_tensors. Tried with torch 2.11 and 2.13.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import torch

from tensorflow_free.ops.docstrings import with_documented_names
from tensorflow_free.ops.signatures import REQUIRED, CallForm, Parameter, Signature
from tensorflow_free.ops.words import words_of

Schema = Any
"""A torch._C.FunctionSchema; torch's stubs leave its attributes untyped."""

TYPE_WORDS: Final = {
    "Tensor": "Tensor",
    "number": "number",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "complex": "complex",
    "str": "str",
    "ScalarType": "dtype",
    "Device": "device",
    "Layout": "layout",
    "MemoryFormat": "memory_format",
    "Generator": "generator",
}
"""What a schema calls a type, and what we call it."""

FACTORY_KEYWORDS: Final = frozenset({"dtype", "layout", "device"})
"""A schema with these makes a tensor, and its Python form takes `requires_grad` as well."""

SECOND_NAMES: Final = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}
"""NumPy's names for parameters. Source: numpy_compatibility_arg_names in torch/csrc/utils/python_arg_parser.cpp."""

BUFFERS: Final = ("running_mean", "running_var")
"""Parameters that normalizations change, though their schemas do not say so."""

PYTHON_OUT: Final = ("_copy", "slice_scatter")
"""How the names of ops end whose generated overload for `out` Python shows. Source: tried, with torch 2.13."""

SWITCHES: Final = ("training", "train", "use_input_stats")
"""The parameters that say whether a normalization changes its buffers."""

_MEMORY_FORMATS: Final = {
    0: torch.contiguous_format,
    1: torch.preserve_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
}
# the only dtype that a schema has as a default; c10/core/ScalarType.h
_DTYPES: Final = {4: torch.int64}
_REQUIRES_GRAD: Final = Parameter("requires_grad", frozenset({"bool"}), default=False, keyword_only=True)


def type_words(text: str) -> frozenset[str] | None:
    """The types that a schema's type stands for, or None where no recipe could give such a value."""
    if text.startswith("Optional["):
        inner = type_words(text[9:-1])
        return None if inner is None else inner | {"None"}
    if text.startswith("List["):
        inner = type_words(text[5:-1])
        return None if inner is None else frozenset(f"{word}[]" for word in inner)
    word = TYPE_WORDS.get(text)
    return None if word is None else frozenset({word})


def _default(argument: Any, types: frozenset[str]) -> object:
    if not argument.has_default_value():
        # an optional generator without a default is one that Python leaves out
        return None if types == {"generator", "None"} else REQUIRED
    value = argument.default_value
    if value is None:
        return None
    if "memory_format" in types:
        return _MEMORY_FORMATS[value]
    return _DTYPES.get(value, value) if "dtype" in types else value


def _parameter(op: str, argument: Any, *, public_names: bool) -> Parameter:
    types = type_words(str(argument.real_type)) or frozenset()
    if argument.N:
        # a list of known length may be given as one number
        types |= {word.removesuffix("[]") for word in types}
    name = _public_name(argument) if public_names else argument.name
    aliases = SECOND_NAMES.get(name, ()) if public_names else ()
    if public_names and name == "self":
        aliases = ("input",)
    return Parameter(
        name=name,
        types=types,
        default=_default(argument, types),
        keyword_only=argument.kwarg_only,
        aliases=aliases,
        words=words_of(op, name) if "str" in types else None,
    )


def _returns(schema: Schema) -> tuple[str, ...] | None:
    if len(schema.returns) == 1:
        return None if str(schema.returns[0].real_type).startswith("List[") else ()
    return tuple(value.name or str(position) for position, value in enumerate(schema.returns))


def _public_name(argument: Any) -> str:
    """The name in Python: `self` is `input` there, but stays `self` where it is a number."""
    is_input = argument.name == "self" and "Tensor" in str(argument.real_type)
    return "input" if is_input else str(argument.name)


def _buffers(parameters: Sequence[Parameter]) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in parameters if parameter.name in BUFFERS)


def _switched(parameters: Sequence[Parameter]) -> tuple[tuple[str, str], ...]:
    switch = next((parameter.name for parameter in parameters if parameter.name in SWITCHES), None)
    return () if switch is None else tuple((buffer, switch) for buffer in _buffers(parameters))


def signature(op: str, schema: Schema, function: Callable[..., Any], form: CallForm) -> Signature:
    """The signature of `function` that `schema` describes; the names are those of Python but for an aten overload."""
    public_names = form != "aten"
    arguments = schema.arguments
    name_of = _public_name if public_names else (lambda argument: argument.name)
    written = tuple(name_of(argument) for argument in arguments if argument.is_write)
    viewed = tuple(name_of(argument) for argument in arguments if argument.alias_info is not None)
    parameters = tuple(_parameter(op, argument, public_names=public_names) for argument in arguments)
    buffers = () if set(written) & set(BUFFERS) else _buffers(parameters)
    return Signature(
        function=function,
        form=form,
        parameters=parameters,
        returns=_returns(schema),
        changes=written + buffers,
        shares=viewed if viewed or public_names or not _may_view(schema) else None,
        changes_when=_switched(parameters) if buffers else (),
        views=_is_view(schema),
    )


def _is_view(schema: Schema) -> bool:
    """Whether a result surely lies in an operand's memory: that of an op made of others, as `reshape` is, only may."""
    aliased = [one.alias_info for one in schema.returns if one.alias_info is not None]
    return any(not one.is_write for one in aliased) and not _is_composed(schema)


def _is_composed(schema: Schema) -> bool:
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(_qualified(schema), "CompositeImplicitAutograd"))


def _may_view(schema: Schema) -> bool:
    """Whether an overload's result may lie in an operand's memory though its schema does not say so.

    One that is made of other ops (`aten::dropout` gives its input back in evaluation) says nothing; nor do those that
    are called unsafe for this very reason.
    """
    return _is_composed(schema) or "unsafe" in schema.name


def _qualified(schema: Schema) -> str:
    return f"{schema.name}.{schema.overload_name}" if schema.overload_name else str(schema.name)


def describable(schema: Schema) -> bool:
    """Whether the schema is one of the dispatcher, made of types that a recipe can give, and about tensors."""
    if _is_named(schema) or not torch._C._dispatch_has_kernel(_qualified(schema)):
        return False
    types = [type_words(str(argument.real_type)) for argument in schema.arguments]
    if not all(types):
        return False
    given = frozenset().union(*(words for words in types if words is not None))
    made = {str(value.real_type) for value in schema.returns}
    return bool({"Tensor", "Tensor[]"} & given) or bool({"Tensor", "List[Tensor]"} & made)


def _is_named(schema: Schema) -> bool:
    """Whether the overload takes names of dimensions, which PyTorch is giving up."""
    overload = schema.overload_name.lower()
    return "dimname" in overload or "names" in overload


def _is_out(schema: Schema) -> bool:
    return any(argument.is_out or (argument.kwarg_only and argument.is_write) for argument in schema.arguments)


def _tagged(schema: Schema, tag: torch.Tag) -> bool:
    return tag in torch._C._get_operation_overload(schema.name, schema.overload_name)[2]


@functools.cache
def schemas_of(name: str) -> tuple[Schema, ...]:
    """The schemas of `aten::NAME` that a recipe can use, those for `out` too."""
    found = torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    return tuple(schema for schema in found if describable(schema))


def _order(schemas: Iterable[Schema]) -> list[Schema]:
    """Overloads without a name first: they are the plain ones."""
    return sorted(schemas, key=lambda schema: bool(schema.overload_name))


def _positional(schema: Schema) -> tuple[str, ...]:
    return tuple(argument.name for argument in schema.arguments if not argument.kwarg_only)


def _with_out(schemas: Iterable[Schema]) -> set[tuple[str, ...]]:
    """The positional parameters of the overloads whose Python form takes `out`; of the generated ones few do."""
    return {
        _positional(schema)
        for schema in schemas
        if _is_out(schema) and (schema.name.endswith(PYTHON_OUT) or not _tagged(schema, torch.Tag.generated))
    }


def _out_parameter(returns: tuple[str, ...] | None) -> Parameter:
    types = {"Tensor", "None"} if returns == () else {"Tensor", "Tensor[]", "None"}
    return Parameter("out", frozenset(types), default=None, keyword_only=True)


def _is_factory(parameters: Sequence[Parameter]) -> bool:
    return {parameter.name for parameter in parameters if parameter.keyword_only} >= FACTORY_KEYWORDS


def spreads(parameters: Sequence[Parameter], *, bound: int) -> bool:
    """Whether PyTorch reads separate arguments as one list: where a list of ints is all that is positional.

    Source: `allow_varargs_intlist` in torch/csrc/utils/python_arg_parser.cpp. `bound` counts the parameters before it
    that the method is called on.
    """
    positional = [parameter for parameter in parameters if not parameter.keyword_only][bound:]
    return len(positional) == 1 and "int[]" in positional[0].types


def _function_signature(op: str, schema: Schema, function: Callable[..., Any], *, out: bool) -> Signature:
    plain = signature(op, schema, function, "function")
    parameters = plain.parameters
    if _is_factory(parameters):
        parameters += (_REQUIRES_GRAD,)
    if not out:
        return dataclasses.replace(plain, parameters=parameters, spread=spreads(parameters, bound=0))
    return dataclasses.replace(
        plain,
        parameters=(*parameters, _out_parameter(plain.returns)),
        spread=spreads(parameters, bound=0),
        changes=(*plain.changes, "out"),
        shares=(*(plain.shares or ()), "out"),
    )


def _distinct(signatures: Iterable[Signature]) -> tuple[Signature, ...]:
    """The signatures, each parameter list once: schemas may differ in what Python does not show."""
    kept = {
        tuple((parameter.name, parameter.types, parameter.keyword_only) for parameter in found.parameters): found
        for found in reversed(list(signatures))
    }
    return tuple(reversed(kept.values()))


def function_signatures(op: str, function: Callable[..., Any]) -> tuple[Signature, ...]:
    """The signatures of a builtin function of torch, from the schemas of the same name."""
    schemas = schemas_of(function.__name__)
    out = _with_out(schemas)
    plain = _order(schema for schema in schemas if not _is_out(schema))
    found = _distinct(_function_signature(op, schema, function, out=_positional(schema) in out) for schema in plain)
    return with_documented_names(found, function)


def _method_signature(op: str, schema: Schema, method: Callable[..., Any], form: CallForm) -> Signature:
    plain = signature(op, schema, method, form)
    first = [parameter for parameter in plain.parameters if parameter.name == "input"]
    rest = [parameter for parameter in plain.parameters if parameter.name != "input"]
    called_on = dataclasses.replace(first[0], types=frozenset({"Tensor"}), aliases=("self",))
    parameters = (called_on, *rest)
    if op.startswith("new_") and _is_factory(rest):
        parameters += (_REQUIRES_GRAD,)
    return dataclasses.replace(plain, parameters=parameters, spread=spreads(parameters, bound=1))


def method_signatures(op: str, method: Callable[..., Any], form: CallForm) -> tuple[Signature, ...]:
    """The signatures of a builtin method of Tensor; what it is called on comes first, as `input`."""
    schemas = _order(
        schema
        for schema in schemas_of(method.__name__)
        if not _is_out(schema)
        and any(argument.name == "self" and str(argument.real_type) == "Tensor" for argument in schema.arguments)
    )
    return _distinct(_method_signature(op, schema, method, form) for schema in schemas)


def draws(name: str) -> bool:
    """Whether an overload of `aten::NAME` draws random numbers."""
    return any(_tagged(schema, torch.Tag.nondeterministic_seeded) for schema in schemas_of(name))


def takes_numbers(name: str) -> bool:
    """Whether torch's Python binding of `name` takes a plain number for a tensor."""
    return bool(torch._C._should_allow_numbers_as_tensors(name))


def overload(name: str, overload_name: str) -> Schema | None:
    """The schema of `aten::NAME.OVERLOAD` ("" for the plain one), or None where there is none that a recipe can use."""
    qualified = f"aten::{name}.{overload_name}" if overload_name else f"aten::{name}"
    if not torch._C._dispatch_has_kernel(qualified):
        return None
    schema = torch._C._get_schema(f"aten::{name}", overload_name)
    return schema if describable(schema) else None


def overloads() -> list[tuple[str, str]]:
    """The name and the overload's name of every schema of aten that a recipe can use."""
    found = torch._C._jit_get_all_schemas()
    return [
        (schema.name.removeprefix("aten::"), schema.overload_name)
        for schema in found
        if schema.name.startswith("aten::") and describable(schema)
    ]


def dispatched(op: str, function: object) -> tuple[Signature, ...]:
    """The signatures of an op under `torch.ops`, or of one overload of it; none for any other function."""
    if isinstance(function, torch._ops.OpOverloadPacket):
        overloads = [getattr(function, name) for name in function.overloads()]  # type: ignore[no-untyped-call]
    else:
        overloads = [function] if isinstance(function, torch._ops.OpOverload) else []
    return tuple(signature(op, overload._schema, overload, "user") for overload in overloads)
