"""The small parts of the recipe's JSON Schema: words, references, literals, and the fields of a model.

The schema is of draft 7, which all versions of the YAML language server and all editors read. There, `$ref` stands for
all of what it names; a description beside it is for people.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tensorflow_free.composition.safety import FORBIDDEN_KEYS
from tensorflow_free.recipe.models import LITERAL_KEYS, Model
from tensorflow_free.recipe.names import DEVICES, DTYPE_ALIASES, DTYPES, UNSAFE_WORDS
from tensorflow_free.tensors.literals import FINFO_FIELDS

JsonSchema = dict[str, Any]
"""A JSON Schema, or a part of one."""

_PART: Final = r"(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)"
NO_LETTER: Final = r"\x00-/:-@\[-^`{-\x7f"
"""What no name holds, of ASCII."""


def escaped(text: str) -> str:
    """A text as a pattern; only what has a meaning in patterns is escaped, as ECMAScript wants it."""
    return re.sub(r"[\^$.*+?()\[\]{}|/]", r"\\\g<0>", text)


def to(name: str) -> JsonSchema:
    """What stands in the definitions under this name."""
    return {"$ref": f"#/definitions/{name}"}


def sentence(says: str) -> str:
    """Words of a table as a sentence: with a capital and a full stop."""
    return f"{says[:1].upper()}{says[1:]}{'' if says.endswith('.') else '.'}"


def said(schema: JsonSchema, says: str) -> JsonSchema:
    """A schema with its words, which an editor shows."""
    return {**schema, "description": sentence(says)}


def any_of(*schemas: JsonSchema) -> JsonSchema:
    """One of several; those that are a choice themselves are taken apart."""
    flat: list[JsonSchema] = []
    for one in schemas:
        flat += one["anyOf"] if set(one) == {"anyOf"} else [one]
    unlike = [one for at, one in enumerate(flat) if one not in flat[:at]]
    nothing = {"type": "null"}
    first = next((one for one in unlike if isinstance(one.get("type"), str) and one["type"] != "null"), None)
    if nothing in unlike and first is not None:
        # fewer alternatives, of which an editor tells
        or_nothing = {**first, "type": [first["type"], "null"]}
        unlike = [or_nothing if one is first else one for one in unlike if one != nothing]
    return unlike[0] if len(unlike) == 1 else {"anyOf": unlike}


def or_reference(schema: JsonSchema) -> JsonSchema:
    """What a schema takes, or a reference that stands for it."""
    return any_of(schema, to("reference"))


def one_of(words: Iterable[Any]) -> JsonSchema:
    """One of these words, or a text with a reference, which may become one."""
    return any_of({"enum": list(words)}, to("text_with_reference"))


def told(words: Mapping[str, str]) -> JsonSchema:
    """One of these words, each with what it says; or a text with a reference."""
    return any_of(
        *({"const": word, "description": sentence(says)} for word, says in words.items()), to("text_with_reference")
    )


def listed(schema: JsonSchema) -> JsonSchema:
    """A list of these, or a reference."""
    return or_reference({"type": "array", "items": schema})


def one_or_more(schema: JsonSchema) -> JsonSchema:
    """One of these, or a list of them."""
    return any_of(schema, listed(schema))


def keyed(properties: Mapping[str, JsonSchema], **more: Any) -> JsonSchema:
    """A mapping with these keys and no other."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **more}


def named(schema: JsonSchema) -> JsonSchema:
    """A mapping from the names of values."""
    return or_reference({"type": "object", "propertyNames": to("name"), "additionalProperties": schema})


def when(condition: JsonSchema, then: JsonSchema, otherwise: JsonSchema | None = None) -> JsonSchema:
    """What must hold where a condition does, and where it does not."""
    return {"if": condition, "then": then, **({} if otherwise is None else {"else": otherwise})}


def has(*keys: str) -> JsonSchema:
    """That a mapping has all of these keys."""
    return {"required": list(keys)}


def whole_number(least: int, below: int | None = None) -> JsonSchema:
    """An integer of at least this, or a reference."""
    bound = {} if below is None else {"exclusiveMaximum": below}
    return or_reference({"type": "integer", "minimum": least, **bound})


def fields_of(model: type[Model]) -> dict[str, JsonSchema]:
    """The fields of a model by the keys of a recipe, with their words and types; a reference may stand for each."""
    schema = model.model_json_schema(by_alias=True)
    # a model that holds itself stands among the definitions
    found = schema.get("$defs", {}).get(model.__name__, schema)["properties"]
    says = words_of_fields(model)
    spelt = {field.alias or name: name for name, field in model.model_fields.items()}
    return {key: said(referable(schema), says[spelt[key]]) for key, schema in found.items()}


def referable(schema: JsonSchema) -> JsonSchema:
    """A schema of pydantic's, without its titles and the default null, and with references wherever a value stands."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "default", "description")}
    usual = {"default": schema["default"]} if schema.get("default") not in (None, [], {}) else {}
    if "anyOf" in kept:
        return {**any_of(*map(referable, kept["anyOf"])), **usual}
    if "items" in kept:
        kept["items"] = referable(kept["items"])
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = referable(kept["additionalProperties"])
    if "enum" in kept or "const" in kept:
        return {
            **any_of({key: kept[key] for key in ("enum", "const") if key in kept}, to("text_with_reference")),
            **usual,
        }
    if kept.get("additionalProperties") is True:
        kept = to("free_mapping")
    if kept.get("type") == "string":
        return {**(to("text") if kept == {"type": "string"} else kept), **usual}
    if not kept or kept.get("type") == "null" or "$ref" in kept:
        return {**kept, **usual}
    return {**or_reference(kept), **usual}


_ROW: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def words_of_fields(model: type[Model]) -> dict[str, str]:
    """What the docstrings of a model, and of those that it is made of, say of each field."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        rows = (inspect.getdoc(one) or "").partition("Attributes:\n")[2] if issubclass(one, Model) else ""
        found |= {name: " ".join(says.split()) for name, says in _ROW.findall(rows)}
    return found


REFERENCE: Final = r"\$\{(?!hydra\b)[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*\}"
"""A reference, as `composition/interpolations.py` reads it."""


def text_unlike(*patterns: str) -> JsonSchema:
    """A text that begins as none of these patterns; references in it are well-formed."""
    unlike = "".join(f"(?!{pattern})" for pattern in (r"\?\?\?$", *patterns))
    return {"type": "string", "pattern": rf"^{unlike}(?:[^$]|\$(?!\{{)|{REFERENCE})*$"}


def _name() -> JsonSchema:
    taken = [*keyword.kwlist, *DTYPES, *DTYPE_ALIASES, *DEVICES]
    unsafe = "|".join("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in UNSAFE_WORDS)
    return {
        "type": "string",
        "pattern": rf"^(?!(?:{'|'.join(taken)}|{unsafe})$)[^{NO_LETTER}0-9][^{NO_LETTER}]*$",
        "patternErrorMessage": "A name is an identifier, and no keyword of Python, dtype, device, on, off, yes or no.",
        "doNotSuggest": True,
    }


def literal_forms() -> dict[str, JsonSchema]:
    """The mappings of one key that say just what a word or a number is."""
    parts = or_reference({"type": "array", "items": or_reference({"type": "number"}), "minItems": 2, "maxItems": 2})
    forms = {
        "ref": said(to("text"), "the value of this name"),
        "str": said(to("text"), "this word"),
        "dtype": said(to("dtype_word"), "this dtype"),
        "complex": said(parts, "a complex number: its real and its imaginary part"),
        "tensor": said(to("data"), "a tensor of these numbers"),
        "finfo": said(one_of(FINFO_FIELDS), "a number of the dtype's `torch.finfo`"),
    }
    return {key: forms[key] for key in sorted(LITERAL_KEYS, key=list(forms).index)}


def only(*forms: str) -> JsonSchema:
    """A mapping of one of these literal forms."""
    known = literal_forms()
    return keyed({form: known[form] for form in forms}, minProperties=1, maxProperties=1)


def basic_definitions() -> dict[str, JsonSchema]:
    """Definitions that all other parts name."""
    number = any_of({"type": ["number", "boolean"]}, to("complex_text"), to("reference"), only("finfo", "complex"))
    return {
        "reference": {"type": "string", "pattern": f"^{REFERENCE}$"},
        "text_with_reference": {"type": "string", "pattern": REFERENCE},
        "text": text_unlike(),
        "free": any_of(
            to("text"),
            {"type": ["number", "boolean", "null"]},
            {"type": "array", "items": to("free")},
            {"type": "object", "propertyNames": to("key"), "additionalProperties": to("free")},
        ),
        "key": {
            "type": "string",
            "pattern": rf"^(?!(?:{'|'.join(sorted(FORBIDDEN_KEYS))})$)(?:[^$]|\$(?!\{{))*$",
            "doNotSuggest": True,
        },
        "complex_text": {
            "type": "string",
            "pattern": rf"^[+-]?{_PART}? *[ij]$|^[+-]?{_PART} *[+-] *{_PART}?[ij]$",
        },
        "name": _name(),
        "dtype_word": one_of([*DTYPES, *DTYPE_ALIASES]),
        "number": number,
        "real": any_of({"type": "number"}, to("reference"), only("finfo")),
        "data": any_of(number, {"type": "array", "items": to("data")}),
        "size": any_of(to("length"), listed(to("length"))),
        "length": whole_number(0, 2**63),
        "names": listed(to("text")),
        "free_mapping": or_reference(
            {"type": "object", "propertyNames": to("key"), "additionalProperties": to("free")}
        ),
    }
