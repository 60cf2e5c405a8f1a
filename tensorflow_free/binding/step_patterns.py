"""The pattern of a step's arguments: alike for all steps that differ in the values they read and in numbers alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from tensorflow_free.binding.kinds import LAYOUTS, MEMORY_FORMATS
from tensorflow_free.recipe.names import FOLLOWING
from tensorflow_free.tensors import devices
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

MOST_HOLES: Final = 100
"""Names and numbers of a step that has a pattern."""

_WORD: Final = re.compile(r"([\w.]+)", re.ASCII)
"""What a subscript consists of: names with their fields, numbers, `...`."""

_INTEGER: Final = re.compile(r"0|[1-9]\d{0,7}", re.ASCII)

Pattern = tuple[Any, ...]
"""A step's arguments with holes in them; it can be a key of a dict."""

_HOLE: Final = object()
"""What stands in a pattern for the name of a value without fields."""


class UnlikeError(Exception):
    """Arguments that have no pattern: what they are hangs on the names in them."""


FIRST_NUMBER: Final = 707_007_000
"""The integer that stands in for one in the first hole, and so on; no literal of a pattern is as large."""


class RealNumber(float):
    """What stands in for a real number: the integer of its hole."""


class Patterns:
    """Reads the arguments of the steps of one op as patterns.

    Args:
        kinds: the kind of each value that is given so far.
        words: words that may mean something else than the value of that name.
        subscripted: whether texts may name values.
    """

    def __init__(self, kinds: Mapping[str, str], words: Collection[str], *, subscripted: bool) -> None:
        self._kinds = kinds
        self._words = words
        self._subscripted = subscripted

    def of(self, args: Sequence[Any], kwargs: Mapping[str, Any], given: list[Any]) -> Pattern:
        """The pattern of these arguments; what stands in its holes, names and numbers, is added to what is given.

        Raises:
            UnlikeError: they have none.
        """
        kinds, words, found = self._kinds, self._words, list[Any]()
        for one in args:
            # most arguments are names of values
            if type(one) is str and one in kinds and kinds[one] in _STAND_INS and one not in words:
                given.append(one)
                found.append(_HOLE)
            else:
                found.append(self._of(one, given))
        named = tuple([(key, self._of(one, given)) for key, one in kwargs.items()]) if kwargs else ()
        if len(given) > MOST_HOLES:
            raise UnlikeError
        return tuple(found), named

    def _of(self, part: Any, given: list[Any]) -> Any:
        kind = type(part)
        if kind is str:
            return self._of_word(part, given)
        if (kind is int or kind is float) and part not in _AS_BOOLEANS:
            given.append(part)
            return kind
        if kind is list:
            return (list, *[self._of(one, given) for one in part])
        if kind is dict and len(part) == 1 and "ref" not in part:
            [(key, value)] = part.items()
            return (dict, key, *_literal(value))
        return _literal(part)

    def _of_word(self, word: str, given: list[Any]) -> Any:
        root, point, fields = (word, "", "") if "." not in word else word.partition(".")
        kind = self._kinds.get(root)
        if not word.isascii():
            raise UnlikeError
        if kind is None:
            return self._of_subscript(word, given) if self._subscripted else word
        if kind not in _STAND_INS or root in self._words:
            raise UnlikeError
        given.append(root)
        return (kind, fields) if point else _HOLE

    def _of_subscript(self, text: str, given: list[Any]) -> Any:
        """The pattern of a text with names and numbers in it, such as `i, 1:`."""
        parts = _WORD.split(text)
        for at in range(1, len(parts), 2):
            root, point, fields = parts[at].partition(".")
            kind = self._kinds.get(root, "")
            if kind in _STAND_INS:
                given.append(root)
                parts[at] = f"{_STAND_INS[kind]}{point}{fields}"
            elif _INTEGER.fullmatch(root) and not point:
                given.append(int(root))
                parts[at] = _NUMBER
            elif root not in ("None", ""):
                raise UnlikeError
        return str, "".join(parts)


_AS_BOOLEANS: Final = frozenset({0, 1})
"""Numbers that Python takes for true and false."""


def _literal(value: Any) -> tuple[Any, ...]:
    """A constant as a part of a key: 1, 1.0 and true are equal to Python, as are both zeros."""
    if not isinstance(value, bool | int | float | str | None):
        raise UnlikeError
    return type(value), repr(value), value


def written(pattern: Pattern) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a pattern, with stand-ins in its holes."""
    args, kwargs = pattern
    holes = count()
    return [_written(one, holes) for one in args], {key: _written(one, holes) for key, one in kwargs}


def _written(part: Any, holes: Iterator[int]) -> Any:
    if part is _HOLE:
        return _stand_in("step", next(holes))
    if part is int or part is float:
        number = FIRST_NUMBER + next(holes)
        return number if part is int else RealNumber(number)
    if isinstance(part, str):
        return part
    kind, *rest = part
    if kind is list:
        return [_written(one, holes) for one in rest]
    if kind is dict:
        return {rest[0]: rest[-1]}
    if kind is str:
        return _LETTER.sub(lambda found: _filled(found[0], next(holes)), rest[0])
    return f"{_stand_in(kind, next(holes))}.{rest[0]}" if kind in _STAND_INS else rest[-1]


_STAND_INS: Final[Mapping[str, str]] = {"step": "λ", "tensor": "ψ"}
"""The letter at both ends of the names that stand in for those of a kind."""


_NUMBER: Final = "φ"
"""The letter for an integer in the pattern of a text."""

_LETTER: Final = re.compile(f"[{''.join(_STAND_INS.values())}{_NUMBER}]")


def _stand_in(kind: str, at: int) -> str:
    return _filled(_STAND_INS[kind], at)


def _filled(letter: str, at: int) -> str:
    return str(FIRST_NUMBER + at) if letter == _NUMBER else f"{letter}{at}{letter}"


def hole_of(name: str) -> int:
    """The position of the hole that a name stands in."""
    return int(name[1:-1])


KINDS: Final[Mapping[str, Any]] = {_stand_in(kind, at): kind for kind in _STAND_INS for at in range(MOST_HOLES)}
"""The kind of value that each name stands in for."""


def speaking_words(named: Collection[str]) -> frozenset[str]:
    """Words that arguments may have instead of a value: of dtypes, layouts, memory formats and kinds of devices.

    Args:
        named: kinds of devices that the recipe speaks of.
    """
    words = (*TORCH_DTYPES, *FOLLOWING, *LAYOUTS, *MEMORY_FORMATS, *devices.all_kinds(), *named)
    return frozenset({"torch", *words})
