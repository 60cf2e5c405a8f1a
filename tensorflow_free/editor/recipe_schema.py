"""The JSON Schema of a recipe as a person writes it in a file: for editors, which complete and explain by it.

It says what the form of a recipe is. What hangs on more than the form is not in it: which names there are, what an op
takes, what this machine has. Where `defaults` or `cases` complete a file, parts of it may lack what they need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tensorflow_free.editor.expectation_schema import (
    expectation_definitions,
    settings_definition,
)
from tensorflow_free.editor.schema_parts import (
    NO_LETTER,
    JsonSchema,
    any_of,
    basic_definitions,
    fields_of,
    has,
    keyed,
    listed,
    one_of,
    or_reference,
    referable,
    said,
    sentence,
    text_unlike,
    to,
    told,
    when,
)
from tensorflow_free.editor.step_schema import step_definitions
from tensorflow_free.editor.tensor_schema import gradient_definition, tensor_definitions
from tensorflow_free.plan.backends import WRITING_BACKENDS
from tensorflow_free.recipe.backend_words import BACKENDS, INSTALLED
from tensorflow_free.recipe.device_names import MEANT, OUT_OF_TREE, slips_of_devices
from tensorflow_free.recipe.keys import INPUTS, KEYS, NAMED, Key
from tensorflow_free.recipe.models import Backend, BackwardPass, Recipe
from tensorflow_free.recipe.names import AUTO, DEVICES, RECIPE_DTYPES
from tensorflow_free.report.op_entry import OpEntry
from tensorflow_free.report.op_report import entry
from tensorflow_free.tensors.devices import LARGEST_INDEX

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""What all versions of the YAML language server read, and all editors."""

ON_COMMAND_LINE: Final = frozenset({"starts"})
"""Keys that no file may hold."""

_RECORDS: Final = {
    "all": "starting tensors, every step, gradients of leaves and of steps",
    "outputs": "values that no later step reads, tensors that were changed, gradients of leaves",
}


def recipe_schema(ops: Iterable[OpEntry]) -> JsonSchema:
    """The JSON Schema of a recipe file.

    Args:
        ops: those that `op` is completed with; any other word is accepted, too.
    """
    keys = _keys()
    return {
        "$schema": DRAFT,
        "description": "Tensors to start from, a chain of PyTorch operations, and what must hold of the results.",
        **keyed({key: to(f"key_{key}") for key in KEYS if key not in ON_COMMAND_LINE}),
        "allOf": [_needs()],
        "defaultSnippets": [_skeleton()],
        "definitions": {
            **{f"key_{key}": said(schema, _words_of(KEYS[key])) for key, schema in keys.items()},
            **basic_definitions(),
            **tensor_definitions(),
            **step_definitions(ops),
            **expectation_definitions(),
            **_other_definitions(),
        },
    }


def of_names(names: Iterable[str]) -> JsonSchema:
    """The schema with these ops of the registry, but for those that only Python's operators call, such as `__add__`."""
    return recipe_schema(found for name in names if not name.startswith("__") and (found := entry(name)) is not None)


def text_of(schema: JsonSchema) -> str:
    """A schema as the text that is printed and kept, with a line break at its end."""
    return f"{''.join(_lines(schema, ''))}\n"


WIDTH: Final = 120
"""How long a line is at most, where what stands in it can be taken apart."""


DEEPEST: Final = 4
"""How far a line is moved in at most; the search for an op is a tree of more levels than a screen is wide."""


def _lines(value: Any, indent: str) -> Iterator[str]:
    """A value as JSON: what fits in a line stands in one."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent) + len(flat) <= WIDTH:
        yield flat
        return
    keys = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    below = value.values() if isinstance(value, dict) else value
    yield "{" if isinstance(value, dict) else "["
    for at, (key, part) in enumerate(zip(keys, below, strict=True)):
        yield f"{',' if at else ''}\n{indent} {key}"
        yield from _lines(part, f"{indent} " if len(indent) < DEEPEST else indent)
    yield f"\n{indent}{'}' if isinstance(value, dict) else ']'}"


def _keys() -> dict[str, JsonSchema]:
    """What stands below each key at the top of a file; where the model says it, from there."""
    fields = Recipe.model_json_schema(by_alias=True)["properties"]
    better = {
        "device": to("device_word"),
        "dtype": one_of(RECIPE_DTYPES),
        "backend": any_of(to("backend_word"), keyed(_backend_fields())),
        "settings": to("settings"),
        "cases": {"type": "object", "additionalProperties": any_of(to("case"), {"type": "null"})},
        "case": any_of(to("text"), {"type": ["number", "boolean", "null"]}),
        "tensors": _named_tensors(),
        "steps": to("steps"),
        "checks": to("steps"),
        "backward": any_of(to("backward_pass"), listed(to("backward_pass")), {"type": "null"}),
        "expect": to("expect"),
        "relations": to("relations"),
        "tolerance": to("tolerance"),
        "judge": to("judge"),
        "record": any_of(told(_RECORDS), to("names"), {"type": "null"}),
        "reference": any_of(to("reference_cell"), to("reference")),
        "xfail": listed(to("known_fault")),
        "defaults": any_of({"type": "array", "items": to("listed_recipe"), "uniqueItems": True}, {"type": "null"}),
    }
    return {key: better[key] if key in better else referable(fields[key]) for key in KEYS if key not in ON_COMMAND_LINE}


def _words_of(key: Key) -> str:
    """What a key says, its form and its default, in sentences."""
    is_told = isinstance(key.default, (str, int)) and not isinstance(key.default, bool)
    usual = key.usual or (f"`{key.default}`" if is_told else "")
    form = sentence(f"it is {key.form}") if key.form else ""
    return " ".join(filter(None, (sentence(key.says), form, f"Default: {usual}." if usual else "")))


def _named_tensors() -> JsonSchema:
    return or_reference({"type": "object", "propertyNames": to("name"), "additionalProperties": to("tensor")})


def _backend_fields() -> dict[str, JsonSchema]:
    fields = fields_of(Backend)
    return {**fields, "name": said(to("backend_word"), fields["name"]["description"])}


def _other_definitions() -> dict[str, JsonSchema]:
    passes = fields_of(BackwardPass)
    passes["gradient"] = said(gradient_definition(), passes["gradient"]["description"])
    inputs = said(one_of(INPUTS), "whose numbers the reference starts from: the cell's, or those it would have itself")
    in_case = {key: to(f"key_{key}") for key, row in KEYS.items() if row.in_case and key not in ON_COMMAND_LINE}
    dotted: dict[str, JsonSchema] = {rf"^({'|'.join(in_case)})\.": {}}
    wrong = "|".join(sorted({*MEANT, *slips_of_devices()}))
    other_backend = text_unlike("$", *(f"{name}$" for name in WRITING_BACKENDS))
    device = rf"^(?!({wrong})(:|$))[A-Za-z_][A-Za-z0-9_]*(:(0|[1-9][0-9]?|1[01][0-9]|12[0-{LARGEST_INDEX % 10}]))?$"
    return {
        "settings": settings_definition(),
        "device_word": any_of(one_of([AUTO, *DEVICES, *OUT_OF_TREE]), {"type": "string", "pattern": device}),
        "backend_word": any_of(told({**BACKENDS, **INSTALLED}), other_backend),
        "backward_pass": any_of(to("text"), keyed(passes)),
        "case": keyed(in_case, patternProperties=dotted),
        "reference_cell": keyed({**in_case, "inputs": inputs}, patternProperties=dotted),
        "listed_recipe": {
            "type": "string",
            "pattern": rf"^(?!.*\.ya?ml$)[^{NO_LETTER}]+([.+-]+[^{NO_LETTER}]*)*$",
            "patternErrorMessage": "A recipe of the same folder is listed by its file's name without .yaml.",
        },
    }


def _needs() -> JsonSchema:
    """What a file needs that nothing is merged into: no other file, and no case."""
    steps = {key: to("whole_steps") for key in NAMED if key != "tensors"}
    one_pass = when({"type": "object"}, has("target"))
    expectation = {"allOf": [to("whole_expectation"), {"items": to("whole_expectation")}]}
    return when(
        {"anyOf": [has("defaults"), has("cases")]},
        {},
        {
            "properties": {
                "tensors": {"additionalProperties": to("whole_tensor")},
                **steps,
                "backend": when({"type": "object"}, {**has("name"), "not": _MODE_AND_OPTIONS}),
                "backward": {"allOf": [one_pass, {"items": one_pass}]},
                "xfail": {"items": when({"type": "object"}, has("reason"))},
                "expect": {"properties": {"error": {}}, "additionalProperties": expectation},
            }
        },
    )


_MODE_AND_OPTIONS: Final = {
    "properties": {"mode": {"type": "string"}, "options": {"type": "object"}},
    "required": ["mode", "options"],
}
"""Both choose the options of a compiler."""


def _skeleton() -> dict[str, Any]:
    return {
        "label": "a recipe",
        "description": "A tensor, a step, a backward pass, and what must hold.",
        "body": {
            "description": "${1:what it shows}",
            "tensors": {"x": {"init": "${2:randn}", "size": ["^${3:2}", "^${4:3}"], "requires_grad": "^true"}},
            "steps": {"y": "${5:(x ** 2).sum()}"},
            "backward": "y",
            "expect": {"y": {"shape": []}},
        },
    }
