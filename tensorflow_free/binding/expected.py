"""What a recipe expects and records, compared with the names and kinds of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tensorflow_free.binding.operands import without_value
from tensorflow_free.binding.scope import Scope
from tensorflow_free.plan import conditions
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.keys import ERROR, ERROR_KEYS, EXPECTATION_KEYS, FOLLOWERS, KINDS
from tensorflow_free.recipe.models import Expectation
from tensorflow_free.recipe.names import FOLLOWING, did_you_mean
from tensorflow_free.registry import find
from tensorflow_free.tensors.dtypes import TORCH_DTYPES, dtype_of
from tensorflow_free.tensors.literals import NUMBER_WORDS, check_literal
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown


def bind_expectations(scope: Scope) -> None:
    """Hold what the recipe expects, and its known faults, against the names that there are."""
    known = scope.kinds
    for name, expectations in scope.recipe.expect.items():
        for position, one in enumerate(expectations):
            path: KeyPath = ("expect", name, position) if _is_list(scope, name) else ("expect", name)
            for key, message in conditions.problems(one.when or {}, scope.recipe):
                scope.wrong((*path, "when", key), message)
            if name == ERROR:
                _bind_error(scope, one, path, known)
            else:
                _bind_expectation(scope, name, one, path, known)
    for position, fault in enumerate(scope.recipe.xfail):
        for key, message in conditions.problems(fault.when or {}, scope.recipe):
            scope.wrong(("xfail", position, "when", key), message)
        for index, key in enumerate(fault.keys or []):
            if key != ERROR:
                check_name(scope, key, ("xfail", position, "keys", index), known)


def _is_list(scope: Scope, name: str) -> bool:
    written = scope.recipe.written.get("expect", {}).get(name)
    return isinstance(written, list) and len(scope.recipe.expect[name]) == len(written) and isinstance(written[0], dict)


def _bind_error(scope: Scope, one: Expectation, path: KeyPath, known: Mapping[str, Any]) -> None:
    for key in one.model_fields_set - {*ERROR_KEYS, "when"}:
        wanted = "an error is {step: y, type: RuntimeError, match: shape}"
        message = f"'{key}' is a key of what is expected of a value; {wanted}"
        if list(one.model_fields_set) == ["value"]:
            message = f"'{shown(one.value)}' is a literal; {wanted}"
        scope.wrong((*path, key), message)
    if one.match is not None:
        try:
            re.compile(one.match)
        except (re.error, OverflowError, RecursionError) as error:
            scope.wrong((*path, "match"), f"'{shown(one.match)}' is not a regular expression: {error}")
    if one.step is not None and one.step != "backward" and one.step not in known:
        near = did_you_mean(one.step, known) or "; it is a step's name, or backward"
        scope.wrong((*path, "step"), f"'{one.step}' is not a step of this recipe{near}")


def _bind_expectation(scope: Scope, name: str, one: Expectation, path: KeyPath, known: Mapping[str, Any]) -> None:
    check_name(scope, name, path, known)
    for key in ERROR_KEYS:
        if key in one.model_fields_set:
            scope.wrong((*path, key), f"'{key}' is a key of `expect: error`, not of a value")
    if not one.model_fields_set & {*KINDS, *ERROR_KEYS} and not scope.is_broken(path):
        scope.wrong(path, f"nothing is expected of '{name}'; give one of {', '.join(KINDS)}")
    for key in ("close", "equal", "shares_memory"):
        other = getattr(one, key)
        if isinstance(other, str):
            check_name(scope, other, (*path, key), known)
    is_empty = name in scope.recipe.tensors and scope.recipe.tensors[name].init in ("empty", "empty_like")
    for key in ("value", "close", "equal"):
        if is_empty and key in one.model_fields_set:
            scope.wrong((*path, key), f"'{name}' is empty: its memory is uninitialised, so no numbers can be expected")
        _check_literal(scope, getattr(one, key), (*path, key))
    if isinstance(one.value, str) and (instead := _instead_of_word(one.value, name, known)):
        scope.wrong((*path, "value"), instead)
    if one.dtype is not None and dtype_of(one.dtype, scope.recipe.dtype) is None:
        near = did_you_mean(one.dtype, (*TORCH_DTYPES, *FOLLOWING))
        scope.wrong((*path, "dtype"), f"'{one.dtype}' is not a dtype{near}")


def _check_literal(scope: Scope, written: Any, path: KeyPath) -> None:
    """Refuse what no value can be compared with; a word may be a dtype's or a device's, and null no gradient."""
    is_word = isinstance(written, str) and written.lower() not in NUMBER_WORDS
    if written is None or is_word or isinstance(written, Tensor):
        return
    try:
        check_literal(written, scope.recipe.dtype)
    except Mismatch as mismatch:
        scope.wrong(path, mismatch.message)


def _instead_of_word(word: str, name: str, known: Mapping[str, Any]) -> str | None:
    """What to write for a word that is no value's: null, the name of another value, a bound; None for any other."""
    if word.lower() == "none":
        return f"'{word}' is a word to YAML; write null where there is to be no gradient"
    if word.partition(".")[0] in known:
        compared = f"{{close: {word}}} or {{equal: {word}}}"
        return f"'{shown(word)}' is the name of a value; to compare '{name}' with it, write {compared}"
    if re.match("[<>]=?", word):
        bounded = f"checks: {{bound: {name} {word}}} and expect: {{bound: true}}"
        return f"'{shown(word)}' is not a number; a bound is a check: {bounded}"
    return None


def _is_one(scope: Scope, name: str) -> bool:
    """Whether a value is surely one, without fields: a starting tensor, or a step's whose op gives one."""
    kind, op = scope.kinds[name], scope.ops.get(name)
    found = find(op) if op is not None and kind != "block" else None
    return kind == "tensor" or (found is not None and all(one.returns == () for one in found.signatures))


def check_name(scope: Scope, word: str, path: KeyPath, known: Mapping[str, Any]) -> None:
    """Refuse a word that names no value of the result."""
    root, *fields = word.split(".")
    if root not in known:
        near = did_you_mean(root, known) or (f"; its values are {', '.join(list(known)[:12])}" if known else "")
        scope.wrong(path, f"'{root}' is not a value of this recipe{near}")
    elif scope.kinds[root] == "block" and not fields:
        scope.wrong(path, without_value(root))
    elif path[0] == "expect" and len(fields) == 1 and fields[0] in KINDS and _is_one(scope, root):
        scope.wrong(path, f"'{fields[0]}' is a key of what is expected of '{root}'; write {root}: {{{fields[0]}: …}}")
    elif fields and fields[0] not in FOLLOWERS and not fields[0].isdigit() and _is_one(scope, root):
        # on the command line, a key of an expectation that is misspelt reads as a part of the name
        near = did_you_mean(fields[0], (*FOLLOWERS, *EXPECTATION_KEYS)) or "; a tensor has grad and after"
        scope.wrong(path, f"'{fields[0]}' is not something that the result has of '{root}'{near}")
    elif fields and root in scope.traces and fields[0] not in scope.traces[root]:
        near = did_you_mean(fields[0], scope.traces[root]) or "; name it in `trace`"
        scope.wrong(path, f"'{fields[0]}' is not traced by '{root}'{near}")


def bind_records(scope: Scope) -> None:
    """Hold what the recipe records against the names that there are."""
    if isinstance(scope.recipe.record, list):
        for position, word in enumerate(scope.recipe.record):
            check_name(scope, word, ("record", position), scope.kinds)
