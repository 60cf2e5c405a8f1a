"""Overrides as objects: what each does to which key, and a mapping with them applied. Does not parse.

They merge as OmegaConf's do, except that a new key below a key of the format needs no `+`. `override_texts` parses
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from tensorflow_free.composition.merging import merged, placed, with_value, without
from tensorflow_free.composition.safety import refusals
from tensorflow_free.composition.yaml_walk import DEEPEST
from tensorflow_free.errors import Place, Problem, refuse_any
from tensorflow_free.recipe.dotted import dotted, path_of
from tensorflow_free.recipe.keys import DEFAULTS
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.text.phrases import cut

OverrideKind = Literal["set", "place", "add", "force", "delete"]
"""What an override does; `place` sets as well, and puts new names where its own order has them."""

LONGEST_OVERRIDE_SHOWN: Final = 120
"""Characters of an override in a message."""

NOT_GIVEN: Final = object()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands for the value of an override that cannot be read: why. Whoever composes a recipe refuses it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Override:
    """One override: what it does (`=`, `+`, `++`, `~`), to which dotted key, with which value.

    Attributes:
        text: as it was typed, or as it would be; for messages, and for files and commands to type again.
        kind: what it does.
        parts: the dotted key.
        value: typed as in a recipe file; `NOT_GIVEN` where a key is deleted whatever it holds.
        trusted: whether a person gave it, on a command line or in Python; what a file holds is data.
    """

    text: str
    kind: OverrideKind
    parts: tuple[str, ...]
    value: Any
    trusted: bool = False

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(self.parts)

    @property
    def value_text(self) -> str:
        """The value as it is typed."""
        return self.text.partition("=")[2]

    @property
    def place(self) -> Place:
        """Where messages say that it stands."""
        return override_place(self.text)


@dataclass(frozen=True, slots=True)
class Axis:
    """What may vary: an override for each of its values.

    Attributes:
        key: the dotted key that varies; None of an override that gives one value, or deletes.
        overrides: one for each value; none of a glob before it has picked.
        is_range: whether the values are numbers in order, at even steps.
        text: all of it as it was typed.
        pick: of a glob, the overrides with those names of some that it fits.
    """

    key: str | None
    overrides: tuple[Override, ...]
    is_range: bool = False
    text: str = ""
    pick: Callable[[Sequence[str]], tuple[Override, ...]] | None = None

    @property
    def name(self) -> str:
        """The dotted key, whether it varies or not."""
        return self.overrides[0].key if self.key is None else self.key


def as_meant(override: Override) -> Override:
    """The override; of one that takes the key `backward` away, that the recipe runs forward only.

    Without that key alone, gradients would still be expected, and taken by steps.
    """
    takes_away = override.value is NOT_GIVEN if override.kind == "delete" else override.value in (None, [])
    if override.parts != ("backward",) or not takes_away:
        return override
    return replace(override, kind="set", parts=("forward",), value=True)


def texts_of(overrides: Iterable[Override]) -> tuple[str, ...]:
    """The overrides as a person types them."""
    return tuple(override.text for override in overrides)


def override_place(text: str) -> Place:
    """The place of an override, as messages show it; a long one is cut."""
    return Place(file=f"override '{cut(str(text), LONGEST_OVERRIDE_SHOWN)}'")


class OverrideError(ValueError):
    """An override that cannot be taken; its text says why, and what would be right."""


def check(override: Override) -> None:
    """Refuse what cannot be read, and what no recipe could hold, whatever the file says.

    Raises:
        OverrideError: it cannot be taken.
    """
    if isinstance(override.value, Unreadable):
        raise OverrideError(override.value.reason)
    check_key(override.parts)
    nested: Any = None if override.value is NOT_GIVEN else override.value
    for part in reversed(override.parts):
        nested = {part: nested}
    found = refusals(nested)
    if found:
        raise OverrideError(found[0][1])


def check_key(parts: Sequence[str]) -> None:
    """Refuse a dotted key that no override of a recipe can set, with an `OverrideError`."""
    first = parts[0]
    if len(parts) > DEEPEST:
        raise OverrideError(f"{len(parts)} keys deep; a recipe is at most {DEEPEST} levels deep")
    if first == "hydra":
        raise OverrideError("Hydra's own settings can only be set on the command line of run-recipe")
    if first == "defaults":
        raise OverrideError("`defaults` is read before any override; change it in the file")
    if first not in DEFAULTS:
        if parts[1:] == ("dir",) and first in ("run", "sweep"):
            raise OverrideError(f"'{first}' is not a key of a recipe; its folder is given as hydra.{first}.dir=FOLDER")
        listed = did_you_mean(first, DEFAULTS) or f"; it is one of {', '.join(DEFAULTS)}"
        raise OverrideError(f"'{first}' is not a key of a recipe{listed}")


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
    refuse_any(problems)
    return result


def _applied(mapping: dict[str, Any], override: Override) -> dict[str, Any]:
    mapping = _written_out(mapping, override.parts)
    path = path_of(mapping, override.parts)
    if override.kind == "delete":
        return _deleted(mapping, override, path)
    current = _current(mapping, path)
    value = override.value
    if override.kind == "add" and current is not None and not isinstance(value, dict | list):
        text = override.text.removeprefix("+")
        raise OverrideError(f"'{override.key}' is there already; write '{text}' to change it")
    if isinstance(current, Mapping) and isinstance(value, dict):
        value = placed(current, value) if override.kind == "place" else merged(current, value)
    elif isinstance(current, Mapping | list) and isinstance(value, dict | list) and type(current) is not type(value):
        raise OverrideError(
            f"'{override.key}' is {_kind(current)}, into which {_kind(value)} cannot be merged; delete it "
            f"first, with '~{override.key}'"
        )
    result: dict[str, Any] = with_value(mapping, path, value)
    return result


def _written_out(mapping: dict[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """The mapping with `backend: NAME` written out as `{name: NAME}`, where an override goes below it."""
    backend = mapping.get("backend", DEFAULTS["backend"])
    # eager PyTorch has no options
    is_short = len(parts) > 1 and parts[0] == "backend" and isinstance(backend, str) and backend != "eager"
    return {**mapping, "backend": {"name": backend}} if is_short else mapping


def _deleted(mapping: dict[str, Any], override: Override, path: Sequence[str | int]) -> dict[str, Any]:
    key = override.key
    current = _current(mapping, path)
    if current is None:
        parent = _current(mapping, path[:-1]) if len(path) > 1 else mapping
        known = [str(name) for name in parent] if isinstance(parent, Mapping) else []
        raise OverrideError(f"'{key}' is not there and cannot be deleted{did_you_mean(path[-1], known)}")
    if override.value is not NOT_GIVEN and override.value not in (None, current):
        raise OverrideError(f"'{key}' is '{current}' and not '{override.value}', so it is not deleted")
    if any(isinstance(part, int) for part in path):
        raise OverrideError("an element of a list cannot be deleted; write the list whole, as key=[a, b]")
    # without what is to be differentiated alone, gradients would still be expected, as in `as_meant`
    return {**without(mapping, path), **({"forward": True} if override.parts == ("backward",) else {})}


def _current(mapping: Mapping[str, Any], path: Sequence[str | int]) -> Any:
    """What stands at `path`, or None; an `OverrideError` where the path leads through what holds no such key."""
    node: Any = mapping
    for depth, part in enumerate(path):
        above = dotted(path[:depth])
        if isinstance(node, list):
            node = _element(node, part, above)
        elif isinstance(node, Mapping):
            node = node.get(part, DEFAULTS.get(str(part)) if depth == 0 else None)
        elif node is not None:
            raise OverrideError(f"'{above}' is '{node}', not a mapping, and has no '{part}'; override '{above}' whole")
    return node


def _element(node: list[Any], part: str | int, above: str) -> Any:
    if not isinstance(part, int):
        message = f"'{above}' is a list and has no '{part}'; name an element by its number, or override '{above}' whole"
        raise OverrideError(message)
    if part >= len(node):
        raise OverrideError(f"'{above}' has {len(node)} elements and no '{part}'; the last is '{len(node) - 1}'")
    return node[part]


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, Mapping) else "a list"
