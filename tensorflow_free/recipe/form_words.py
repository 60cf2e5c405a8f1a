"""Problems of a recipe's form, in our words: pydantic's errors, each with its path as the recipe has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, get_args

from pydantic import ValidationError

from tensorflow_free.errors import Message
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.keys import KEYS, NAMED, STEPS
from tensorflow_free.recipe.models import Model, Precision, Recipe, written_keys
from tensorflow_free.recipe.names import DTYPE_ALIASES, DTYPES, RECIPE_DTYPES, did_you_mean, nearest
from tensorflow_free.text.phrases import shown


def _models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


_OWNERS: Final = {key: model for key, field in Recipe.model_fields.items() for model in _models_in(field.annotation)}
"""Whose keys stand below each key of a recipe."""

_STEP_FORM: Final = "a step is a mapping such as {op: neg, args: [x]}, or one line such as x * 2"

_FORMS: Final[dict[str, str]] = {
    **{key.name: key.form for key in KEYS.values() if key.form},
    "at_most": "a number of times what is allowed, more than 1, such as 30",
    "k": "a number of times what rounding moves, more than 0, such as 12",
    "args": "a list of arguments, such as [x, 2]",
    "calls": "a number of calls of at least 1, or a list of cases",
    "carry": "a mapping from a value to the step that gives the next one",
    "inputs": "a list of names",
    "issue": "a word or an integer",
    "keys": "a list of names",
    "kwargs": "a mapping from parameters to arguments",
    "repeat": "a number of rounds of at least 0",
    "trace": "a list of names",
    "with": "a context such as no_grad, or {autocast: {dtype: bfloat16}}",
    **dict.fromkeys(RECIPE_DTYPES, "a mapping such as {rtol: 1e-5, atol: 0}"),
}
"""What would be right for a key, where more is to be said than pydantic knows."""

_WANTED: Final[dict[str, str]] = {
    "string_type": "a word",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""What would be right, by pydantic's names of its errors."""

_LIMIT_WORDS: Final = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}

_Finding = tuple[KeyPath, str, Message]
"""A path as written, pydantic's name of the error, and the message."""


def form_problems(error: ValidationError, mapping: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Message]]:
    """Each of pydantic's findings as a path in the recipe's `mapping` and a message in our words."""
    found = list(_findings(error, mapping))
    lacking = {path[:-1] for path, kind, _ in found if kind == "missing"}
    meant = {
        (path[:-1], nearest(path[-1], _keys_at(path)))
        for path, kind, _ in found
        if kind == "extra_forbidden" and path[:-1] in lacking
    }
    # where pydantic tries several alternatives, what lies deeper is a closer look at what is wrong
    above = {path[:length] for path, *_ in found for length in range(len(path))}
    seen: set[KeyPath] = set()
    for path, kind, message in found:
        owner = path[:-1]
        if kind == "missing":
            # the misspelt key in its place is reported already
            if (owner, path[-1]) not in meant:
                yield owner, message
        elif path not in seen and path not in above:
            seen.add(path)
            yield path, message


def _findings(error: ValidationError, mapping: Mapping[str, Any]) -> Iterator[_Finding]:
    for finding in error.errors(include_url=False):
        path, kind = _written_path(finding["loc"], mapping), finding["type"]
        yield path, kind, partial(_form_message, path, kind, finding["input"], finding.get("ctx", {}))


def _written_path(loc: KeyPath, mapping: Any) -> KeyPath:
    """A location of pydantic's as the recipe has it: without alternatives that it tried, and lists of one thing."""
    path: list[str | int] = []
    node = mapping
    for position, part in enumerate(loc):
        is_there = isinstance(node, dict) and part in node
        if is_there or (isinstance(node, list) and isinstance(part, int)):
            node = node[part]
        elif not isinstance(node, dict) or position < len(loc) - 1 or part in _ALTERNATIVES or "[" in str(part):
            continue
        path.append(part)
    return tuple(path)


_ALTERNATIVES: Final = frozenset({"str", "int", "float", "bool"})


def _keys_at(path: KeyPath) -> tuple[str, ...]:
    """The keys that may stand beside the last of `path`."""
    if len(path) == 1:
        return tuple(KEYS)
    return written_keys(_OWNERS[str(path[0])])


def _form_message(path: KeyPath, kind: str, value: Any, context: Mapping[str, Any]) -> str:
    owner = _OWNERS[str(path[0])].words if len(path) > 1 and path[0] in _OWNERS else Recipe.words
    if kind == "extra_forbidden":
        keys = _keys_at(path)
        in_kwargs = "; a parameter of the op stands in `kwargs`" if owner == "a step" else ""
        if path[0] == "expect" and path[-1] in _BOUNDS:
            in_kwargs = f"; a bound is a check: checks: {{bound: {path[1]} < 1}} and expect: {{bound: true}}"
        return f"'{path[-1]}' is not a key of {owner}{did_you_mean(path[-1], keys) or _listed(keys) + in_kwargs}"
    if kind == "missing":
        return f"{owner} needs the key '{path[-1]}'"
    if path == ("dtype",):
        return _dtype_message(value)
    if path[-1] == "op" and value == []:
        return "'[]' is an empty list to YAML; put the operator in quotes: '[]'"
    if kind == "literal_error" and path == ("input_precision",):
        return f"'{shown(value)}' is not a dtype to round starting values to{_listed(get_args(Precision))}"
    if len(path) > 1 and path[-2] in STEPS:
        return f"'{shown(value)}' is not a step; {_STEP_FORM}"
    key = next(part for part in reversed(path) if isinstance(part, str))
    if kind in _WANTED or key in _FORMS:
        return f"'{shown(value)}' does not fit `{key}`, which is {_FORMS.get(key) or _WANTED[kind]}{_named(key, value)}"
    limits = ", ".join(f"{_LIMIT_WORDS.get(name, name)} {limit:.20g}" for name, limit in context.items())
    return f"'{shown(value)}' is out of range; `{key}` is {limits}"


_BOUNDS: Final = frozenset({"max", "min", "lt", "le", "gt", "ge", "less", "greater", "below", "above", "<", ">"})
"""Keys under which a bound is looked for in an expectation."""


def _named(key: str, value: Any) -> str:
    """How each step or tensor gets its name, where they stand in a list or as lines of Python."""
    if key not in NAMED:
        return ""
    if isinstance(value, list):
        return "; each stands behind its name and a colon, without a dash"
    found = re.match(r"\s*([^\W\d]\w*)\s*=[^=]", value) if isinstance(value, str) else None
    return f"; write '{found[1]}: …' for '{found[1]} = …'" if found else ""


_ELSEWHERE: Final = {"fp64": "float64", "fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
"""Dtypes as other tools call them."""


def _dtype_message(value: Any) -> str:
    words = f"'{shown(value)}' is not a dtype of a recipe{_listed(RECIPE_DTYPES)}"
    if not isinstance(value, str):
        return words
    if (here := _ELSEWHERE.get(value, DTYPE_ALIASES.get(value))) in RECIPE_DTYPES:
        return f"{words}; '{value}' is '{here}' here"
    if value in DTYPES or value in DTYPE_ALIASES:
        return f"{words}; '{value}' can be pinned on a tensor"
    return words + did_you_mean(value, RECIPE_DTYPES)


def _listed(words: Iterable[str]) -> str:
    return f"; it is one of {', '.join(words)}"
