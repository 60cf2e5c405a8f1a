"""What a recipe may not say, since it is data and not code. One check for files, mappings and overrides.

Hydra would act on some keys, and OmegaConf on some texts. None of them is ever passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from tensorflow_free.composition.interpolations import WrongReference, reference_problem
from tensorflow_free.composition.yaml_walk import MOST_PROBLEMS
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.text.characters import form_problem

FORBIDDEN_KEYS: Final = frozenset({"_target_", "_partial_", "_args_", "_convert_", "_recursive_"})
"""Keys by which Hydra's `instantiate` calls Python."""

_SUSPECT: Final = re.compile(r"\\|\$\{|\?\?\?|_(?:target|partial|args|convert|recursive)_|hydra|[^\x00-\x7f]")
"""What a text holds that needs a closer look. A backslash may spell any of the others by an escape; other
letters than ASCII's may have several forms."""


def is_suspect(text: str) -> bool:
    """Whether `refusals` could find anything in what `text` spells."""
    return _SUSPECT.search(text) is not None


def refusals(mapping: Mapping[str, Any]) -> list[WrongReference]:
    """The keys and texts of a recipe that are refused, the first hundred, each as its path and why."""
    return list(islice(_refusals(mapping), MOST_PROBLEMS))


def _refusals(mapping: Mapping[str, Any]) -> Iterator[WrongReference]:
    yield from _hydra_keys(mapping, ())
    cases = mapping.get("cases")
    for name, case in cases.items() if isinstance(cases, Mapping) else ():
        yield from _hydra_keys(case, ("cases", name))
    yield from _below(mapping, ())


def _hydra_keys(mapping: Any, path: KeyPath) -> Iterator[WrongReference]:
    for key in mapping if isinstance(mapping, Mapping) else ():
        if re.split(r"[./@]", key)[0].strip() == "hydra":
            yield (*path, key), f"'{key}' is Hydra's own and cannot be set by a recipe; set it on the command line"


def _below(value: Any, path: KeyPath) -> Iterator[WrongReference]:
    if isinstance(value, str):
        yield from ((path, message) for message in [_text_problem(value)] if message)
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from (((*path, key), message) for message in [_key_problem(key)] if message)
            yield from _below(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _below(below, (*path, index))


def _key_problem(key: str) -> str | None:
    if key in FORBIDDEN_KEYS:
        return f"'{key}' would call Python; a recipe is data and can only name ops"
    if "${" in key:
        return f"'{key}' is a key and cannot hold a reference; references stand in values"
    return form_problem(key)


def _text_problem(text: str) -> str | None:
    if text == "???":
        return "'???' marks a missing value in Hydra; write the value"
    return reference_problem(text)
