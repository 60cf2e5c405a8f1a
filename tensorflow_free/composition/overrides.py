"""Overrides, as a person types them: `steps.y.op=sub`, `+steps.z={op: relu, args: [y]}`, `~steps.h`.

Their grammar is Hydra's, their merging OmegaConf's, but that a word is a number, a boolean or a word by the same rule
as in a recipe file, and that a new key below a key of the format needs no `+`. A plain `key=word` is read here; Hydra's
parser is loaded for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tensorflow_free.composition.merging import merged, placed, with_value, without
from tensorflow_free.composition.reader import DEEPEST
from tensorflow_free.composition.safety import refusals
from tensorflow_free.composition.scalars import ScalarError, scalar
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.recipe.dotted import path_of
from tensorflow_free.recipe.keys import DEFAULTS
from tensorflow_free.recipe.names import did_you_mean

OverrideKind = Literal["set", "place", "add", "force", "delete"]
"""What an override does; `place` sets as well, and puts new names where its own order has them."""

_PART: Final = r"(?:[A-Za-z_][A-Za-z0-9_]*|0|[1-9][0-9]*)"
_PLAIN: Final = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*(?:\.{_PART})*)=([A-Za-z0-9_.+:/-]+)", re.ASCII)
"""What needs no parser: a dotted key, and a word without spaces, quotes, brackets or commas."""

LONGEST: Final = 100_000
"""Characters of one override."""

LONGEST_SHOWN: Final = 120
"""Characters of an override in a message."""

NO_VALUE: Final = object()


@dataclass(frozen=True, slots=True)
class Override:
    """One override: what it does (`=`, `+`, `++`, `~`), to which dotted key, with which value."""

    text: str
    kind: OverrideKind
    parts: tuple[str, ...]
    value: Any

    @property
    def place(self) -> Place:
        """Where messages say that it stands."""
        return override_place(self.text)


def override_place(text: str) -> Place:
    """The place of an override, as messages show it; a long one is cut."""
    shown = str(text) if len(str(text)) <= LONGEST_SHOWN else f"{str(text)[: LONGEST_SHOWN - 3]}..."
    return Place(file=f"override '{shown}'")


class OverrideError(ValueError):
    """An override that cannot be taken; its text says why, and what would be right."""


def parse_overrides(texts: Sequence[str | Override]) -> list[Override]:
    """Every override as what it does; one that is read already is only checked.

    Raises:
        RecipeError: with all that do not parse, that sweep, or that set what a recipe does not have.
    """
    refuse_no_list(texts)
    overrides, problems = [], []
    for text in texts:
        try:
            override = text if isinstance(text, Override) else parse_override(text)
            _check(override)
        except (OverrideError, ScalarError) as error:
            place = text.place if isinstance(text, Override) else override_place(text)
            problems.append(Problem(place, str(error)))
        else:
            overrides.append(override)
    if problems:
        raise RecipeError(problems)
    return overrides


def refuse_no_list(overrides: Any) -> None:
    """Refuse what is no list of overrides, with the list to write.

    Raises:
        RecipeError: it is a text, a mapping, or something else.
    """
    if isinstance(overrides, str):
        wanted, place = [overrides], override_place(overrides)
    elif isinstance(overrides, Mapping):
        wanted, place = [f"{key}={_flow(value)}" for key, value in overrides.items()], Place(file="overrides")
    elif isinstance(overrides, Sequence):
        return
    else:
        wanted, place = ["dtype=float64"], Place(file="overrides")
    raise RecipeError([Problem(place, f"a list of overrides is wanted; write {wanted}")])


def _flow(value: Any) -> str:
    """A value as an override has it, as far as it is plain."""
    try:
        return dump_yaml([value]).strip()[1:-1]
    except TypeError:
        return str(value)


def parse_override(text: str) -> Override:
    """One override, its value typed as in a recipe file.

    Raises:
        OverrideError: it does not parse, or gives several values.
        ScalarError: a word in it is refused.
    """
    if not isinstance(text, str):
        message = "it is not a string; write it as on the command line, such as 'device=cuda'"
        raise OverrideError(message)
    if len(text) > LONGEST:
        message = f"{len(text)} characters; at most {LONGEST} are read, so write it in the file"
        raise OverrideError(message)
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return Override(text, "set", tuple(plain.group(1).split(".")), scalar(plain.group(2)))
    # Hydra takes a tenth of a second to import, and most runs have none but plain overrides.
    from tensorflow_free.composition.grammar import parsed  # noqa: PLC0415

    return parsed(text)


def case_override(name: str) -> str:
    """The override that chooses a case, as a person types it: `case=large`, `case='a, b'`."""
    text = f"case={name}"
    if name.isidentifier() and _PLAIN.fullmatch(text) and scalar(name) is name:
        return text
    from tensorflow_free.composition.grammar import written  # noqa: PLC0415 - as above

    return f"case={written(name)}"


def _check(override: Override) -> None:
    """Refuse what no recipe could hold, whatever the file says."""
    check_key(override.parts)
    nested: Any = None if override.value is NO_VALUE else override.value
    for part in reversed(override.parts):
        nested = {part: nested}
    found = refusals(nested)
    if found:
        raise OverrideError(found[0][1])


def check_key(parts: Sequence[str]) -> None:
    """Refuse a dotted key that no override of a recipe can set."""
    first = parts[0]
    if len(parts) > DEEPEST:
        message = f"{len(parts)} keys deep; a recipe is at most {DEEPEST} levels deep"
        raise OverrideError(message)
    if first == "hydra":
        message = "Hydra's own settings can only be set on the command line of run-recipe"
        raise OverrideError(message)
    if first == "defaults":
        message = "`defaults` is read before any override; change it in the file"
        raise OverrideError(message)
    if first not in DEFAULTS:
        listed = did_you_mean(first, DEFAULTS) or f"; it is one of {', '.join(DEFAULTS)}"
        message = f"'{first}' is not a key of a recipe{listed}"
        raise OverrideError(message)


def apply_overrides(mapping: Mapping[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """A copy of `mapping` with each override done, in order.

    Raises:
        RecipeError: with all that cannot be done.
    """
    result, problems = dict(mapping), []
    for override in overrides:
        try:
            result = _applied(result, override)
        except OverrideError as error:
            problems.append(Problem(override.place, str(error)))
    if problems:
        raise RecipeError(problems)
    return result


def _applied(mapping: dict[str, Any], override: Override) -> dict[str, Any]:
    path = path_of(mapping, override.parts)
    if override.kind == "delete":
        return _deleted(mapping, override, path)
    current = _current(mapping, path)
    value = override.value
    if override.kind == "add" and current is not None and not isinstance(value, dict | list):
        text = override.text.removeprefix("+")
        message = f"'{'.'.join(override.parts)}' is there already; write '{text}' to change it"
        raise OverrideError(message)
    if isinstance(current, Mapping) and isinstance(value, dict):
        value = placed(current, value) if override.kind == "place" else merged(current, value)
    elif isinstance(current, Mapping | list) and isinstance(value, dict | list) and type(current) is not type(value):
        message = (
            f"'{'.'.join(override.parts)}' is {_kind(current)}, into which {_kind(value)} cannot be merged; delete it "
            f"first, with '~{'.'.join(override.parts)}'"
        )
        raise OverrideError(message)
    result: dict[str, Any] = with_value(mapping, path, value)
    return result


def _deleted(mapping: dict[str, Any], override: Override, path: Sequence[str | int]) -> dict[str, Any]:
    key = ".".join(override.parts)
    current = _current(mapping, path)
    if current is None:
        parent = _current(mapping, path[:-1]) if len(path) > 1 else mapping
        known = [str(name) for name in parent] if isinstance(parent, Mapping) else []
        message = f"'{key}' is not there and cannot be deleted{did_you_mean(path[-1], known)}"
        raise OverrideError(message)
    if override.value is not NO_VALUE and override.value not in (None, current):
        message = f"'{key}' is '{current}' and not '{override.value}', so it is not deleted"
        raise OverrideError(message)
    if any(isinstance(part, int) for part in path):
        message = "an element of a list cannot be deleted; write the list whole, as key=[a, b]"
        raise OverrideError(message)
    return without(mapping, path)


def _current(mapping: Mapping[str, Any], path: Sequence[str | int]) -> Any:
    """What stands at `path`, or None; an `OverrideError` where the path leads through what holds no such key."""
    node: Any = mapping
    for depth, part in enumerate(path):
        above = ".".join(str(name) for name in path[:depth])
        if isinstance(node, list):
            node = _element(node, part, above)
        elif isinstance(node, Mapping):
            node = node.get(part, DEFAULTS.get(str(part)) if depth == 0 else None)
        elif node is not None:
            message = f"'{above}' is '{node}', not a mapping, and has no '{part}'; override '{above}' whole"
            raise OverrideError(message)
    return node


def _element(node: list[Any], part: str | int, above: str) -> Any:
    if not isinstance(part, int):
        message = f"'{above}' is a list and has no '{part}'; name an element by its number, or override '{above}' whole"
        raise OverrideError(message)
    if part >= len(node):
        message = f"'{above}' has {len(node)} elements and no '{part}'; the last is '{len(node) - 1}'"
        raise OverrideError(message)
    return node[part]


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, Mapping) else "a list"
