"""What an option of a compiler may be: yes or no, a number, a word of a closed set, or several of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.text.phrases import shown

MOST_NAMED: Final = 24
"""Words of a closed set that a message lists."""


@dataclass(frozen=True, slots=True)
class OptionKind:
    """A kind of option.

    Attributes:
        words: what one is, in words: `true or false`.
        fits: whether a value is one.
        take: the value as a compiler takes it.
        near: what a wrong value may have been meant to be, as words that end a message.
    """

    words: str
    fits: Callable[[Any], bool]
    take: Callable[[Any], Any] = lambda value: value
    near: Callable[[Any], str] = lambda _: ""

    def problem(self, name: str, value: Any) -> str | None:
        """Why the option `name` cannot be `value`, or None."""
        if self.fits(value):
            return None
        near = self.near(value) or f", which is {self.words}"
        return f"'{shown(value)}' does not fit the option `{name}`{near}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


BOOL = OptionKind("true or false", lambda value: isinstance(value, bool))
INT = OptionKind("an integer", lambda value: type(value) is int and abs(value) < 2**63)
FLOAT = OptionKind("a number", _is_number, float)
WORD = OptionKind("a word", lambda value: isinstance(value, str))


def within(numbers: range) -> OptionKind:
    """An integer of a range."""
    words = f"an integer from {numbers.start} to {numbers[-1]}"
    return OptionKind(words, lambda value: type(value) is int and value in numbers)


def one_of(values: Sequence[Any]) -> OptionKind:
    """One of these words, numbers and booleans."""
    known = [shown(value) for value in values[:MOST_NAMED]]
    more = ", …" if len(values) > MOST_NAMED else ""

    def near(value: Any) -> str:
        return did_you_mean(value, list(map(str, values))) if isinstance(value, str) else ""

    # 1 is no true, and 1.0 no 1
    return OptionKind(
        f"one of {', '.join(known)}{more}",
        lambda value: any(type(value) is type(one) and value == one for one in values),
        near=near,
    )


def or_nothing(kind: OptionKind) -> OptionKind:
    """One of a kind, or null."""
    return OptionKind(
        f"{kind.words}, or null",
        lambda value: value is None or kind.fits(value),
        lambda value: None if value is None else kind.take(value),
        kind.near,
    )


def either(kinds: Sequence[OptionKind]) -> OptionKind:
    """One of any of these kinds."""

    def take(value: Any) -> Any:
        return next(kind for kind in kinds if kind.fits(value)).take(value)

    words = " or ".join(kind.words for kind in kinds)
    return OptionKind(words, lambda value: any(kind.fits(value) for kind in kinds), take)


def several(kind: OptionKind, into: Callable[[Iterable[Any]], Any] = list) -> OptionKind:
    """A list of one kind, which the compiler takes as a list or a tuple."""
    return OptionKind(
        f"a list, each of which is {kind.words}",
        lambda value: isinstance(value, (list, tuple)) and all(map(kind.fits, value)),
        lambda value: into(map(kind.take, value)),
    )


def joined(words: Sequence[str]) -> OptionKind:
    """Some of these words, with commas between them, in capitals or not."""
    return OptionKind(
        f"some of {', '.join(words)}, with commas between them",
        lambda value: (
            isinstance(value, str) and bool(value) and {one.strip().upper() for one in value.split(",")} <= set(words)
        ),
    )


NAMES = OptionKind(
    "names with commas between them",
    lambda value: isinstance(value, str) and all(one.strip().isidentifier() for one in value.split(",")),
)


def kind_of(given: Any) -> OptionKind:
    """The kind that `register_backend_options` is given as a type, a range, or a tuple of what is allowed.

    Raises:
        TypeError: it is none of these.
    """
    plain: Mapping[Any, OptionKind] = {bool: BOOL, int: INT, float: FLOAT, str: WORD}
    if isinstance(given, type) and given in plain:
        return plain[given]
    if isinstance(given, range) and given:
        return within(given)
    if isinstance(given, (tuple, list)) and given and all(isinstance(one, (str, int, float, bool)) for one in given):
        return one_of(tuple(given))
    if isinstance(given, Mapping):
        return _mapping({str(name): kind_of(one) for name, one in given.items()})
    message = (
        f"{given!r} is no kind of option; it is bool, int, float, str, a range of integers, a tuple of the values "
        "that are allowed, or a mapping of options"
    )
    raise TypeError(message)


def _mapping(kinds: Mapping[str, OptionKind]) -> OptionKind:
    words = "a mapping of " + ", ".join(f"`{name}` ({kind.words})" for name, kind in kinds.items())

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and all(name in kinds and kinds[name].fits(one) for name, one in value.items())

    return OptionKind(words, fits, lambda value: {name: kinds[name].take(one) for name, one in value.items()})
