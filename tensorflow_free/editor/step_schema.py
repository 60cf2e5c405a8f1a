"""The part of the recipe's JSON Schema that is of steps: lines, ops with their parameters, blocks with contexts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tensorflow_free.editor.schema_parts import (
    NO_LETTER,
    JsonSchema,
    any_of,
    escaped,
    fields_of,
    has,
    keyed,
    listed,
    literal_forms,
    named,
    or_reference,
    said,
    sentence,
    text_unlike,
    to,
    told,
    when,
)
from tensorflow_free.editor.search_tree import by_word
from tensorflow_free.ops.operators import SYMBOLS
from tensorflow_free.plan.contexts import AUTOCAST, CONTEXTS
from tensorflow_free.recipe.expressions import LONGEST
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.keys import STEP_KEYS
from tensorflow_free.recipe.models import Step
from tensorflow_free.report.op_entry import OpEntry, OpRecord, ParameterRecord

SHORT: Final = {"nn.functional.": "F."}
"""Namespaces that have a second, shorter name in recipes."""

_CONTEXT_WORDS: Final[Mapping[str, str]] = {
    "no_grad": "nothing inside is recorded for gradients",
    "enable_grad": "what is inside is recorded for gradients, also within no_grad",
    "inference_mode": "as no_grad, and stricter: what is made inside can never be recorded",
}
_AUTOCAST_SAYS: Final = "mixed precision, as of `torch.autocast` for the recipe's device"
_AUTOCAST_WORDS: Final[Mapping[str, str]] = {
    "dtype": "the dtype that ops run in which are safe in it",
    "enabled": "whether it is on at all; true where it is left out",
    "cache_enabled": "whether weights that were converted are kept for the next op",
}


def step_definitions(ops: Iterable[OpEntry]) -> dict[str, JsonSchema]:
    """The definitions of steps; `whole_step` is what one needs that nothing is merged over.

    Args:
        ops: those that `op` is completed with.
    """
    entries = list(ops)
    return {
        "op": _op_words(entries),
        "argument": _argument(),
        "steps": named(to("step")),
        "step": any_of(_line(), to("step_mapping")),
        "step_mapping": _step_mapping(),
        "of_each_op": _of_each_op(entries),
        "whole_steps": {"additionalProperties": to("whole_step"), "doNotSuggest": True},
        "whole_step": when(
            {"type": "object"},
            {
                "anyOf": [has("op"), has("with", "steps"), has("repeat", "steps")],
                "properties": {"steps": to("whole_steps")},
            },
        ),
    }


_SYMBOL: Final = "|".join(escaped(symbol) for symbol in sorted(SYMBOLS))
_OP: Final = rf"^([^{NO_LETTER}0-9][^{NO_LETTER}]*(\.[^{NO_LETTER}]+)*|{_SYMBOL})$"
"""What an op's name looks like; its letters may be of any language."""


def _line() -> JsonSchema:
    return {
        **text_unlike("$"),
        "maxLength": LONGEST,
        "description": "A step in one line of Python over the same ops, such as F.relu(w @ x + b).",
    }


def _argument() -> JsonSchema:
    """What may stand in `args` and `kwargs`; an init without size is a gradient that a backward pass starts from."""
    fill_value = INIT_KINDS["full"].parameter("fill_value")
    init = said(to("text"), "a gradient of the target's shape, made by this init")
    mapping = keyed(
        {
            **literal_forms(),
            "init": init,
            "fill_value": said(to("number"), fill_value.says),
        },
        minProperties=1,
        description="Just what it says: {ref: w} is a value, {str: mean} a word, {dtype: int64} a dtype.",
    )
    plain = {"type": ["number", "boolean", "null"]}
    return any_of(plain, to("text"), {"type": "array", "items": to("argument")}, mapping)


def _step_mapping() -> JsonSchema:
    fields = _step_fields()
    kinds = {kind: _keys_of(kind, fields) for kind in ("with", "repeat", "op")}
    any_kind = {"properties": fields, "additionalProperties": False, "defaultSnippets": _snippets()}
    # an editor shows the first words that it meets: those of the very op stand before those of the key
    words = {"properties": {"op": {"description": fields["op"]["description"]}}}
    kinds["op"]["properties"]["op"] = to("op")
    choice = when(has("op"), {**kinds["op"], "allOf": [to("of_each_op"), words]}, any_kind)
    for kind in ("repeat", "with"):
        choice = when(has(kind), kinds[kind], choice)
    return {"type": "object", "description": "An operation, or a block that holds other steps.", **choice}


def _keys_of(kind: str, fields: Mapping[str, JsonSchema]) -> JsonSchema:
    return {
        "properties": {key: fields[key] for key, kinds in STEP_KEYS.items() if kind in kinds},
        "additionalProperties": False,
    }


def _step_fields() -> dict[str, JsonSchema]:
    fields = fields_of(Step)
    better = {
        "op": to("op"),
        "args": listed(to("argument")),
        "kwargs": or_reference({"type": "object", "additionalProperties": to("argument")}),
        "steps": to("steps"),
        "with": _context(),
        "repeat": or_reference({"type": "integer", "minimum": 0}),
        "seed": fields["seed"],
    }
    return {key: said(better.get(key, fields[key]), fields[key]["description"]) for key in STEP_KEYS}


def _context() -> JsonSchema:
    keys = {
        "dtype": to("dtype_word"),
        **{key: or_reference({"type": "boolean"}) for key in AUTOCAST if key != "dtype"},
    }
    options = keyed({key: said(schema, _AUTOCAST_WORDS[key]) for key, schema in keys.items()})
    autocast = said(any_of(options, to("dtype_word"), {"type": "null"}), _AUTOCAST_SAYS)
    words = {**{name: _CONTEXT_WORDS[name] for name in CONTEXTS}, "autocast": _AUTOCAST_SAYS}
    return any_of(told(words), keyed({"autocast": autocast}, minProperties=1))


def _snippets() -> list[JsonSchema]:
    """Whole steps that an editor offers."""
    block = {"^${2:y}": {"op": "${3:mul}", "args": ["^${4:x}", "^${5:2}"]}}
    return [
        {"label": label, "description": sentence(says), "body": body}
        for label, says, body in (
            ("op", "an operation with its arguments", {"op": "${1:mul}", "args": ["^${2:x}", "^${3:2}"]}),
            ("no_grad block", "steps that are not recorded for gradients", {"with": "${1:no_grad}", "steps": block}),
            ("repeat block", "steps that run several times", {"repeat": "^${1:3}", "steps": block}),
        )
    ]


def _spellings(name: str) -> list[str]:
    short = [f"{new}{name.removeprefix(old)}" for old, new in SHORT.items() if name.startswith(old)]
    return [*short, name]


def _op_words(entries: Iterable[OpEntry]) -> JsonSchema:
    """Any word that may name an op; the last alternative fits none, and is what an editor offers, quickly."""
    says = {spelt: _says(one) for one in entries for spelt in _spellings(one.name)}
    offered = {"type": "null", "enum": list(says), "enumDescriptions": list(says.values())}
    return any_of({"type": "string", "pattern": _OP}, to("text_with_reference"), offered)


def _says(entry: OpEntry) -> str:
    return "\n\n".join(filter(None, (f"{entry.name}{entry.brief}", entry.about)))


def _of_each_op(entries: Iterable[OpEntry]) -> JsonSchema:
    """What each op says, and its parameters; none is refused, as another torch may have others."""
    found: dict[str, JsonSchema] = {}
    for one in entries:
        op = {"description": _says(one)}
        parameters = _parameters(one)
        keys = {"op": op, **({"kwargs": {"properties": parameters}} if parameters else {})}
        found |= {spelt: {"properties": keys} for spelt in _spellings(one.name)}
    return by_word("op", found)


def _parameters(entry: OpEntry) -> dict[str, JsonSchema]:
    """The parameters of an op but its first, `input`, each with what it takes."""
    found: dict[str, JsonSchema] = {}
    for signature in OpRecord.model_validate_json(entry.record).signatures:
        for one in signature.parameters:
            if one.name != "input":
                found.setdefault(one.name, _parameter(one))
    return found


def _parameter(parameter: ParameterRecord) -> JsonSchema:
    types = [word.replace("None", "null") for word in parameter.types]
    usual = "" if parameter.default is None else f", default {parameter.default.replace('None', 'null')}"
    schema: JsonSchema = {"description": f"{' or '.join(types)}{usual}"}
    if parameter.words:
        schema["examples"] = parameter.words
    return schema
