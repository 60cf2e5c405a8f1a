"""Which section of the documentation explains a problem: by the key at which it stands, or by what else it is of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tensorflow_free.errors import Problem
from tensorflow_free.recipe.keys import EXPECTATION_KEYS
from tensorflow_free.recipe.names import nearest

FORMAT: Final = "recipe-format"
"""The page that explains the keys."""

KEY_SECTIONS: Final[Mapping[str, str]] = {
    "description": "description-tags-source",
    "tags": "description-tags-source",
    "source": "description-tags-source",
    "device": "device",
    "dtype": "dtype",
    "seed": "seed",
    "backend": "compiled",
    "settings": "settings",
    "params": "params",
    "cases": "cases-and-case",
    "case": "cases-and-case",
    "tensors": "tensors",
    "steps": "steps",
    "backward": "backward",
    "forward": "forward-only",
    "checks": "checks",
    "expect": "expect",
    "relations": "relations",
    "starts": "numbers-of-another-run",
    "tolerance": "tolerance",
    "judge": "judge",
    "record": "record",
    "repeats": "repeats",
    "must_run": "must_run",
    "input_precision": "input_precision",
    "reference": "reference",
    "xfail": "when-and-xfail",
    "ops": "top-level-keys",
    "defaults": "defaults",
}
"""The section of the format's page that explains each key of a recipe."""

TENSOR_SECTIONS: Final[Mapping[str, str]] = {
    "data": "numbers-you-write",
    "path": "numbers-from-a-file",
    "key": "numbers-from-a-file",
    "input": "like-another-tensor",
    "values": "numbers-of-another-run",
    "dtype": "dtypes",
    "device": "device-of-one-tensor",
    "requires_grad": "leaves",
    "memory_format": "memory",
    "stride": "memory",
    "storage_offset": "memory",
}
"""The same of the keys of a tensor; all others are of its init, which the section of tensors lists."""

STEP_SECTIONS: Final[Mapping[str, str]] = {
    "args": "what-may-stand-in-args-and-kwargs",
    "kwargs": "what-may-stand-in-args-and-kwargs",
    "retain_grad": "retain_grad",
    "seed": "a-steps-seed",
    "with": "blocks-of-steps",
    "repeat": "blocks-of-steps",
    "steps": "blocks-of-steps",
    "carry": "blocks-of-steps",
    "trace": "blocks-of-steps",
}
"""The same of the keys of a step."""

EXPECTATION_SECTIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(sorted(EXPECTATION_KEYS), "expect"),
    "when": "when-and-xfail",
}
"""The same of the keys of an expectation."""

OPS: Final = "recipe ops"
"""What lists all ops."""

MOST: Final = 3
"""Pointers that are printed of the problems of one command."""

_BELOW: Final[Mapping[str, Mapping[str, str]]] = {
    "tensors": {**TENSOR_SECTIONS, "init": "tensors", "size": "tensors"},
    "steps": {**STEP_SECTIONS, "op": "steps"},
    "checks": {**STEP_SECTIONS, "op": "steps"},
    "expect": EXPECTATION_SECTIONS,
}
"""The sections on what stands below a key of a recipe."""

_FLAG: Final = "flag '"
_OVERRIDE: Final = "override '"
_COMMAND_LINE: Final = "command line"


def section_of_key(name: str) -> str | None:
    """The section on a key, by its name alone or by its place (`steps.y.args`); None where no key is called so."""
    key, *below = name.split(".")
    if key in KEY_SECTIONS:
        known = _BELOW.get(key, {})
        return next((known[one] for one in reversed(below) if one in known), KEY_SECTIONS[key])
    return next((known[name] for known in _BELOW.values() if name in known), None)


def pointers(problems: Iterable[Problem], command: str, keys: Iterable[str] = KEY_SECTIONS) -> list[str]:
    """What to type to read about problems, each once, the first few.

    Args:
        problems: what is wrong.
        command: the command that was typed: `run-recipe`, `verify`; empty where it is none.
        keys: the keys that a recipe has.

    Returns:
        lines such as `recipe help recipe-format#tensors explains it`.
    """
    known = set(keys)
    found = dict.fromkeys(one for problem in problems if (one := _pointer(problem, command, known)))
    return list(found)[:MOST]


def _pointer(problem: Problem, command: str, keys: set[str]) -> str | None:
    place = problem.place
    file = place.file or ""
    if file.startswith(_FLAG):
        # it is told with the help that lists it
        return None
    if file == _COMMAND_LINE:
        # what is refused as a command, a page or a code is told with what is near
        return f"recipe help {command} tells how it is used" if command not in ("", "explain", "help") else None
    if place.path:
        return next(_of_path(place.path, keys), None)
    if file.startswith(_OVERRIDE):
        return _explains(_of_override(file, keys))
    return _explains("the-file-yaml-and-names") if place.line is not None else None


def _explains(anchor: str) -> str:
    return f"recipe help {FORMAT}#{anchor} explains it"


def _of_override(file: str, keys: set[str]) -> str:
    """The section on an override's key; on overrides where it is none."""
    key = re.split(r"[.=']", file.removeprefix(_OVERRIDE).lstrip("+~"), maxsplit=1)[0]
    return KEY_SECTIONS[key] if key in keys else "from-the-command-line"


def _of_path(path: str, keys: set[str]) -> Iterator[str]:
    """What explains the key at a path, the nearest first."""
    key, *below = path.split(".")
    key = key.partition("[")[0]
    if key in ("cases", "reference") and len(below) > 1:
        # what stands below is of the keys that it changes
        inner = below[1:] if key == "cases" else below
        if inner[0].partition("[")[0] in keys and len(inner) > 1:
            yield from _of_path(".".join(inner), keys)
    if key not in keys:
        yield _explains("top-level-keys" if not below else KEY_SECTIONS.get(str(nearest(key, keys)), "top-level-keys"))
        return
    last = [one.partition("[")[0] for one in below[1:]]
    if key == "tensors" and last:
        yield _explains(TENSOR_SECTIONS.get(last[0], "tensors"))
    elif key in ("steps", "checks"):
        yield _of_step(below, last)
    yield _explains(KEY_SECTIONS[key])


def _of_step(below: list[str], last: list[str]) -> str:
    """What explains a place in a step; of one that is written in one line, how that is done."""
    if last and last[-1] == "op":
        return f"{OPS} lists all ops"
    known = [one for one in reversed(last) if one in STEP_SECTIONS]
    if known:
        return _explains(STEP_SECTIONS[known[-1] if known[-1] in ("args", "kwargs") else known[0]])
    return _explains("steps" if last or not below else "steps-in-one-line")
