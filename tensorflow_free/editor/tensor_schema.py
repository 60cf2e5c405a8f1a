"""The part of the recipe's JSON Schema that is of starting tensors: inits, each with its own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tensorflow_free.binding.kinds import MEMORY_FORMATS
from tensorflow_free.editor.schema_parts import (
    JsonSchema,
    any_of,
    escaped,
    fields_of,
    has,
    keyed,
    listed,
    one_of,
    only,
    or_reference,
    said,
    sentence,
    to,
    told,
    when,
    whole_number,
)
from tensorflow_free.editor.search_tree import by_word
from tensorflow_free.recipe.init_kinds import (
    INIT_KINDS,
    LIKE_KINDS,
    LIKE_SUFFIX,
    InitKind,
    InitParameter,
    ParameterForm,
)
from tensorflow_free.recipe.models import TensorSpec, written_keys
from tensorflow_free.recipe.names import DTYPE_ALIASES, DTYPES, FOLLOWING
from tensorflow_free.tensors.tensor_files import SUFFIXES

_FORMS: Final[Mapping[ParameterForm, JsonSchema]] = {
    "data": to("data"),
    "size": to("size"),
    "length": to("length"),
    "count": whole_number(1),
    "offset": whole_number(0),
    "integer": or_reference({"type": "integer"}),
    "real": to("real"),
    "number": to("number"),
    "switch": or_reference({"type": "boolean"}),
    "word": {},
    "tensor": to("text"),
    "path": to("path"),
    "text": to("text"),
}
"""What is written for each kind of parameter; that of a word lists the words."""


def tensor_definitions() -> dict[str, JsonSchema]:
    """The definitions of tensors; `whole_tensor` is what one needs that nothing is merged over."""
    return {
        "tensor": any_of(to("tensor_mapping"), to("data")),
        "tensor_mapping": {
            "type": "object",
            "description": "A tensor that the run starts from.",
            "properties": _common(),
            "allOf": [by_word("init", {name: _own_keys(kind) for name, kind in INIT_KINDS.items()}), _without_init()],
        },
        "whole_tensor": when(
            {"type": "object"},
            {
                "anyOf": [has("init"), has("data"), has("finfo"), has("complex")],
                "allOf": [
                    by_word("init", {name: has(*kind.required) for name, kind in INIT_KINDS.items()}),
                    when({"not": has("init")}, {"propertyNames": {"enum": [*_KEYS, "data", "finfo", "complex"]}}),
                ],
                "dependencies": {"storage_offset": ["stride"]},
                "not": {
                    "properties": {"memory_format": {"type": "string"}, "stride": {"type": "array"}},
                    **has("memory_format", "stride"),
                },
            },
        ),
        "path": any_of(
            {
                "type": "string",
                "pattern": rf"^(?![/~]|\.\./)[^\x00]*({'|'.join(escaped(ending) for ending in SUFFIXES)})$",
                "patternErrorMessage": f"A path leads below the recipe's folder, and ends in {', '.join(SUFFIXES)}.",
            },
            to("text_with_reference"),
        ),
    }


_KEYS: Final = written_keys(TensorSpec)
"""The keys that every tensor may have."""


def _common() -> dict[str, JsonSchema]:
    fields = fields_of(TensorSpec)
    better = {
        "init": told({name: _words(kind) for name, kind in INIT_KINDS.items()}),
        "dtype": any_of(one_of([*FOLLOWING, *DTYPES, *DTYPE_ALIASES]), {"type": "null"}),
        "device": any_of(to("device_word"), {"type": "null"}),
        "shape": any_of(listed(whole_number(-1)), {"type": "null"}),
        "storage_offset": any_of(whole_number(0), {"type": "null"}),
        "values": any_of(to("path"), {"type": "null"}),
        "memory_format": any_of(one_of(MEMORY_FORMATS), {"type": "null"}),
        "stride": any_of(to("size"), {"type": "null"}),
    }
    return {key: {**better.get(key, schema), "description": schema["description"]} for key, schema in fields.items()}


def _words(kind: InitKind) -> str:
    takes = [one.name if one.required else f"{one.name}{_usual(one)}" for one in kind.parameters]
    return f"{sentence(kind.says)} Takes {', '.join(takes)}"


def _usual(parameter: InitParameter) -> str:
    return " (may be left out)" if parameter.usual is None else f" ({_shown(parameter.usual)})"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _own_keys(kind: InitKind) -> JsonSchema:
    """The parameters of an init, beside the keys that every tensor has."""
    common = {key: True for key in _KEYS if key not in kind.names}
    return {
        "properties": {**{one.name: _parameter(one) for one in kind.parameters}, **common},
        "additionalProperties": False,
    }


def _parameter(parameter: InitParameter) -> JsonSchema:
    form = one_of(parameter.words) if parameter.words else _FORMS[parameter.takes]
    usual = {} if parameter.usual is None else {"default": parameter.usual}
    return {**said(form, parameter.says), **usual}


def _without_init() -> JsonSchema:
    """A tensor of data; or a part of one, merged over another file's, or by a case, which may have any parameter."""
    known = {one.name for kind in INIT_KINDS.values() for one in kind.parameters}
    data = INIT_KINDS["tensor"].parameter("data")
    return when(
        {"not": has("init")},
        {
            "properties": {"data": _parameter(data)},
            "defaultSnippets": _snippets(),
            "propertyNames": {"enum": [*_KEYS, *sorted(known - {*_KEYS})]},
        },
    )


def _snippets() -> list[JsonSchema]:
    """Whole tensors that an editor offers."""
    drawn = {"init": "${1:randn}", "size": ["^${2:2}", "^${3:3}"], "requires_grad": "^${4:true}"}
    return [
        {"label": label, "description": sentence(says), "body": body}
        for label, says, body in (
            ("random numbers", "a tensor of random numbers, whose gradient is wanted", drawn),
            ("numbers", "a tensor of the numbers that you write", {"data": ["^${1:1.0}", "^${2:2.0}"]}),
        )
    ]


def gradient_definition() -> JsonSchema:
    """The gradient that a backward pass starts from: a name, a literal, or an init without size."""
    kinds = {kind.name.removesuffix(LIKE_SUFFIX): kind for kind in LIKE_KINDS.values()}
    parameters = {
        one.name: _parameter(one) for kind in kinds.values() for one in kind.parameters if one.name != "input"
    }
    init = told({name: kind.says for name, kind in kinds.items()})
    made = keyed({**_common(), **parameters, "init": said(init, "what the gradient is made of")}, **has("init"))
    return any_of({"type": "null"}, to("text"), to("data"), only("tensor"), made)
