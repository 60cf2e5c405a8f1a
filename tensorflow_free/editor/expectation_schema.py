"""The part of the recipe's JSON Schema that is of what must hold: expectations, relations, marks, tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tensorflow_free.editor.schema_parts import (
    JsonSchema,
    any_of,
    escaped,
    fields_of,
    has,
    keyed,
    one_of,
    one_or_more,
    only,
    or_reference,
    said,
    sentence,
    text_unlike,
    to,
    when,
    whole_number,
)
from tensorflow_free.plan.conditions import PLAIN
from tensorflow_free.plan.settings import MOST_THREADS, SETTINGS
from tensorflow_free.recipe.keys import BOUNDS, ERROR, ERROR_KEYS, KINDS
from tensorflow_free.recipe.models import Expectation, JudgeSpec, KnownFault, Pair, RelationSpec, ToleranceSpec
from tensorflow_free.recipe.names import DTYPE_ALIASES, DTYPES, FOLLOWING, RECIPE_DTYPES
from tensorflow_free.recipe.relation_kinds import LAYOUTS, PARAMETERS, RELATION_KINDS, RelationKind, Takes
from tensorflow_free.tensors.literals import NUMBER_WORDS


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else escaped(letter) for letter in word)


_ERROR_SAYS: Final = "the run must stop: at this step, with an error of this type, whose text has this pattern"


_NUMBER_WORDS: Final = rf"(?:{'|'.join(_any_case(word) for word in sorted(NUMBER_WORDS))})$"
"""Words that look like numbers, which are written with a point: .nan."""


def expectation_definitions() -> dict[str, JsonSchema]:
    """The definitions of expectations, relations and marks; `whole_…` is what one needs that nothing is merged over."""
    return {
        "expect": _expect(),
        "expectation": one_or_more_expectations("expectation_mapping"),
        "expectation_mapping": keyed(
            {key: _expectation_fields()[key] for key in (*KINDS, *BOUNDS, "when")}, minProperties=1
        ),
        "error_expectation": keyed({key: _expectation_fields()[key] for key in (*ERROR_KEYS, "when")}),
        "expected": any_of(text_unlike(_NUMBER_WORDS), {"type": "null"}, to("data"), only("tensor")),
        "when": _when(),
        "known_fault": keyed({**fields_of(KnownFault), "when": _said_when(KnownFault)}),
        "relations": or_reference(keyed({kind.name: _relation(kind) for kind in RELATION_KINDS.values()})),
        "tolerance": _tolerance(),
        "judge": or_reference(keyed(fields_of(JudgeSpec))),
        "whole_expectation": when(
            {"type": "object", "not": {"anyOf": [has("finfo"), has("complex"), has("tensor")]}},
            {"anyOf": [has(kind) for kind in KINDS]},
        ),
    }


def one_or_more_expectations(mapping: str) -> JsonSchema:
    """A literal, a mapping of what must hold, or a list of such mappings."""
    several = {"type": "array", "items": to(mapping), "minItems": 1}
    return any_of(to(mapping), to("expected"), several)


def _expect() -> JsonSchema:
    error = said(one_or_more(to("error_expectation")), _ERROR_SAYS)
    return or_reference({
        "type": "object", "properties": {ERROR: error}, "additionalProperties": to("expectation"),
    })  # fmt: skip


def _expectation_fields() -> dict[str, JsonSchema]:
    fields = fields_of(Expectation)
    better = {
        "value": to("expected"),
        "close": to("expected"),
        "equal": to("expected"),
        "dtype": one_of([*FOLLOWING, *DTYPES, *DTYPE_ALIASES]),
        "when": any_of(to("when"), {"type": "null"}),
    }
    return {key: said(better.get(key, schema), schema["description"]) for key, schema in fields.items()}


def _said_when(model: type[KnownFault | RelationSpec]) -> JsonSchema:
    return said(any_of(to("when"), {"type": "null"}), fields_of(model)["when"]["description"])


def _asked(key: str) -> str:
    return f"the `{key}` of the run is this, or one of these"


def _when() -> JsonSchema:
    """What a cell is asked for: its own keys, and those below `params` and `settings`, each one value or a list."""
    values = {
        "device": {"type": "string", "pattern": r"^[A-Za-z_]\w*$"},
        "dtype": one_of(RECIPE_DTYPES),
        "backend": to("backend_word"),
        "case": {"type": ["string", "number", "boolean", "null"]},
    }
    plain = {key: said(one_or_more(values[key]), _asked(key)) for key in PLAIN}
    settings = {
        f"settings.{name}": said(one_or_more(any_of(setting_value(name), {"type": "null"})), _asked(name))
        for name in SETTINGS
    }
    return or_reference(keyed({**plain, **settings}, patternProperties={r"^params\.\w": {}}))


def setting_value(name: str) -> JsonSchema:
    """What a setting may be."""
    setting = SETTINGS[name]
    if setting.kind is int:
        return or_reference({"type": "integer", "minimum": 1, "maximum": MOST_THREADS})
    if set(setting.words) == {True, False}:
        return or_reference({"type": "boolean"})
    return one_of(setting.words)


def settings_definition() -> JsonSchema:
    """PyTorch's settings by name; `sdp_backend` may be several."""
    values = {name: said(_setting(name), f"sets {setting.sets}") for name, setting in SETTINGS.items()}
    return or_reference(keyed(values))


def _setting(name: str) -> JsonSchema:
    value = setting_value(name)
    return any_of(value, {"type": "array", "items": value, "minItems": 1}) if name == "sdp_backend" else value


_WHOLE: Final = or_reference({"type": "integer"})
_OF_TENSORS: Final[Mapping[Takes, JsonSchema]] = {
    "dimension": _WHOLE,
    "part": _WHOLE,
    "padding": _WHOLE,
    "layout": one_of(LAYOUTS),
    "factor": or_reference({"type": "number"}),
    "number": or_reference({"type": "number"}),
    "value": to("text"),
    "tensor": to("text"),
}
_ALONE: Final[Mapping[Takes, JsonSchema]] = {
    "dtype": one_of(RECIPE_DTYPES),
    "threads": any_of(whole_number(1), {"type": "array", "items": whole_number(1), "minItems": 1}),
    "count": whole_number(2),
}
_PARTS: Final[Mapping[str, tuple[JsonSchema, str]]] = {
    "dim": (_WHOLE, "the dimension"),
    "size": (whole_number(1), "how long each part is; half of the whole where it is left out"),
    "by": (whole_number(1), "how many elements are put behind it"),
    "value": (or_reference({"type": ["number", "boolean"]}), "the value of these elements; 0 where it is left out"),
}


def _relation(kind: RelationKind) -> JsonSchema:
    """A relation: what it is of, or a mapping with the key `of`, or a list of either."""
    of = _what_it_is_of(kind)
    fields = fields_of(RelationSpec)
    named_values = fields["values"] if kind.takes == "factor" else to("names")
    values = said(any_of(named_values, {"type": "null"}), fields["values"]["description"])
    mapping = keyed(
        {**fields, "of": said(of, fields["of"]["description"]), "values": values, "when": _said_when(RelationSpec)},
        required=["of"],
    )
    one = any_of(mapping, of)
    says = f"{sentence(kind.changes)} {sentence(kind.holds)} It is written {kind.name}: {kind.example}"
    return said(any_of(one, {"type": "array", "items": one, "minItems": 1}), says)


def _what_it_is_of(kind: RelationKind) -> JsonSchema:
    if kind.takes in _ALONE:
        return _ALONE[kind.takes]
    told = _OF_TENSORS[kind.takes]
    if keys := PARAMETERS.get(kind.takes):
        parts = {key: said(*_PARTS[key]) for key in keys}
        told = any_of(told, keyed(parts, required=["dim"]))
    # a tensor that is called `of` is named below the key `of`
    return {
        "type": "object",
        "propertyNames": {**to("name"), "doNotSuggest": True},
        "additionalProperties": told,
        "minProperties": 1,
    }


def _tolerance() -> JsonSchema:
    pair = keyed(fields_of(Pair))
    fields = fields_of(ToleranceSpec)
    each = {
        key: said(any_of(pair, {"type": "null"}), fields[key]["description"]) for key in fields if key in RECIPE_DTYPES
    }
    return any_of(keyed({**fields, **each}), to("reference"), {"type": "null"})
