"""One-line steps by their pattern: lines that differ in names and numbers alone are parsed once. Does not import torch.

A pattern is a line with a hole for each name of a value and each plain number: `s6 * w + 0.5` is `□ * □ + ▫`. What it
stands for is found by parsing it with stand-ins in its holes, and kept; each line fills in its own names and numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from keyword import kwlist
from typing import Any, Final

from tensorflow_free.recipe.expressions import CALLED_WORDS, ExpressionError, expand_step

LONGEST: Final = 300
"""Characters of a line that has a pattern."""

MOST_KEPT: Final = 2000
"""Lines of a recipe that stay read."""

_NAME, _INTEGER, _REAL = "λψφ"
"""The holes of a pattern: letters that no line has which is ASCII alone."""

_OWN: Final = "δ"
"""What stands for the step's own name."""

_WORD: Final = re.compile(r"(\d[\w.]*(?:(?<=[eE])[-+]\d+)?|[\w.]+)", re.ASCII)
"""A number, or a name with its fields."""

_NUMBER: Final = re.compile(r"(?:0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,3})?", re.ASCII)
"""A number that is the same written any other way."""

_DIGIT: Final = frozenset("0123456789")

_CALLED: Final = re.compile(r"\s*(?:\(|=[^=])")
"""What stands behind the name of an op that is called, and of a keyword."""

_FIXED: Final = frozenset({*kwlist, *CALLED_WORDS})
"""Words that mean something to the parser, whatever values there are."""


@lru_cache(maxsize=8)
def lines_among(values: frozenset[str]) -> Lines:
    """What reads the one-line steps of a recipe; that of the last few recipes is kept with what it has read.

    Args:
        values: the names of the recipe's values; a dotted name that begins with one is a value's, not an op's.
    """
    return Lines(values)


class Lines:
    """Reads the one-line steps of a recipe."""

    def __init__(self, values: frozenset[str]) -> None:
        self._values = values
        self._read: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self._names = frozenset(name for name in values if name.isidentifier() and name not in _FIXED)
        self._odd = _FIXED.intersection(values)

    def steps(self, name: str, text: str) -> dict[str, dict[str, Any]]:
        """What `expand_step` gives, found once for all lines of one pattern; it is shared, so copy what you change.

        Raises:
            ExpressionError: the text says something that a step cannot.
        """
        found = self._read.get((name, text))
        if found is None:
            found = self._by_pattern(name, text)
            if len(self._read) < MOST_KEPT and len(text) <= LONGEST:
                self._read[name, text] = found
        return found

    def _by_pattern(self, name: str, text: str) -> dict[str, dict[str, Any]]:
        given: list[Any] = []
        pattern = self._pattern(text, given)
        template = None if pattern is None else _template(pattern)
        if template is None:
            return expand_step(name, text, self._values)
        given.append(name)
        return template.filled(given)

    def _pattern(self, text: str, given: list[Any]) -> str | None:
        """The pattern of a line, or None; what stands in its holes is added to what is given.

        The words of a quoted text are filled in there as elsewhere. Behind a backslash letters are others, and a field
        that stands apart is no name.
        """
        if len(text) > LONGEST or not text.isascii() or not text.isprintable() or "\\" in text or ". " in text:
            return None
        names, parts = self._names, _WORD.split(text)
        for at in range(1, len(parts), 2):
            word, behind = parts[at], parts[at + 1]
            if word in names:
                if ("(" in behind or "=" in behind) and _CALLED.match(behind):
                    continue
                given.append(word)
                parts[at] = _NAME
            elif word[0] in _DIGIT:
                parts[at] = _number(word, given)
            elif "." in word:
                root, _, fields = word.partition(".")
                if root in names:
                    given.append(root)
                    parts[at] = f"{_NAME}.{fields}"
                elif root in self._odd:
                    return None
            elif word in self._odd:
                return None
        return "".join(parts)


def _number(word: str, given: list[Any]) -> str:
    """The hole of a number; the word itself where it may be written otherwise."""
    found = _NUMBER.fullmatch(word)
    if found is None:
        return word
    given.append(int(word) if found.lastindex is None else float(word))
    return _INTEGER if found.lastindex is None else _REAL


# ---------------------------------------------------------------------------------------------- what is kept of it


@dataclass(frozen=True, slots=True)
class _Hole:
    """What is filled in whole, from the names and numbers of a line, with its sign."""

    at: int
    negative: bool = False


@dataclass(frozen=True, slots=True)
class _Text:
    """A text around holes: `1:□`."""

    parts: tuple[str | _Hole, ...]


def _fill(part: Any, given: list[Any]) -> Any:
    kind = type(part)
    if kind is _Hole:
        return -given[part.at] if part.negative else given[part.at]
    if kind is _Text:
        return "".join([str(_fill(one, given)) for one in part.parts])
    if kind is list:
        return [_fill(one, given) for one in part]
    if kind is dict:
        return {key: _fill(one, given) for key, one in part.items()}
    return part


@dataclass(frozen=True, slots=True)
class _Step:
    """A step with holes: its name, its op, and where each argument stands among the parts of its template."""

    name: int
    op: str
    args: tuple[int, ...]
    kwargs: tuple[tuple[str, int], ...]


class _Template:
    """What a pattern stands for: what its lines give, then other parts, and steps made of both."""

    def __init__(self, steps: dict[str, dict[str, Any]], given: int) -> None:
        self._parts: list[Any] = []
        self._first = given
        self._steps = [
            _Step(
                self._place(name),
                step["op"],
                tuple(self._place(one) for one in step["args"]),
                tuple((key, self._place(one)) for key, one in step.get("kwargs", {}).items()),
            )
            for name, step in steps.items()
        ]

    def _place(self, part: Any) -> int:
        """Where a part stands, now at the latest."""
        if type(part) is _Hole and not part.negative:
            return part.at
        self._parts.append(part)
        return self._first + len(self._parts) - 1

    def filled(self, given: list[Any]) -> dict[str, dict[str, Any]]:
        """The steps of a line of this pattern; the last that is given is its name."""
        parts = given + [one if type(one) in _WHOLE else _fill(one, given) for one in self._parts]
        steps: dict[str, dict[str, Any]] = {}
        for one in self._steps:
            step: dict[str, Any] = {"op": one.op, "args": [parts[place] for place in one.args]}
            steps[parts[one.name]] = step
            if one.kwargs:
                step["kwargs"] = {key: parts[place] for key, place in one.kwargs}
        return steps


_WHOLE: Final = frozenset({str, int, float, bool, type(None)})
"""The types of what has no holes."""


@lru_cache(maxsize=1000)
def _template(pattern: str) -> _Template | None:
    """What a pattern stands for; None where that hangs on what is in its holes, or where the pattern is wrong."""
    try:
        return _Making(pattern).template()
    except (ExpressionError, _Hangs):
        return None


class _Hangs(Exception):
    """What a line stands for hangs on what is in its holes."""


_HOLE: Final = re.compile(f"[{_NAME}{_INTEGER}{_REAL}]")

_DIGITS: Final = "707007"
"""What stand-ins of numbers begin with."""

_STAND_IN: Final = re.compile(rf"({_NAME}\d+{_NAME}|{_DIGITS}\d+(?:\.5)?|{_OWN})")


class _Making:
    """A pattern being read with stand-ins in its holes."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at: dict[str, int] = {}
        """The hole of each stand-in, as it is written; the last is the step's own name."""
        self._found: set[int] = set()

    def template(self) -> _Template:
        """What the pattern stands for.

        Raises:
            ExpressionError: no step can be so.
            _Hangs: it is not the same whatever stands in the holes.
        """
        line = _HOLE.sub(lambda hole: self._stand_in(hole[0]), self._pattern)
        steps = expand_step(_OWN, line, [word for word in self._at if word[0] == _NAME])
        self._at[_OWN] = len(self._at)
        found = {self._text(name): self._part(step) for name, step in steps.items()}
        # a number that is converted, as in `int(2.5)`, is another one
        is_whole = len(self._found) == len(self._at) and _DIGITS not in self._pattern
        if not is_whole or not all(step["op"].isascii() for step in steps.values()):
            raise _Hangs
        return _Template(found, given=len(self._at))

    def _stand_in(self, hole: str) -> str:
        at = len(self._at)
        word = f"{_NAME}{at}{_NAME}" if hole == _NAME else f"{_DIGITS}{at:03}{'' if hole == _INTEGER else '.5'}"
        self._at[word] = at
        return word

    def _part(self, part: Any) -> Any:
        """A part of a step, with holes for stand-ins."""
        if isinstance(part, str):
            return self._text(part)
        if isinstance(part, list):
            return [self._part(one) for one in part]
        if isinstance(part, dict):
            return {key: self._part(one) for key, one in part.items()}
        if isinstance(part, int | float) and repr(abs(part)) in self._at:
            return self._hole(repr(abs(part)), negative=part < 0)
        return part

    def _text(self, text: str) -> Any:
        parts: list[Any] = _STAND_IN.split(text)
        if len(parts) == 1:
            return text
        if any(part not in self._at or part.endswith(".5") for part in parts[1::2]):
            raise _Hangs
        parts[1::2] = [self._hole(part) for part in parts[1::2]]
        return _Text(tuple(parts)) if text[0] not in (_NAME, _OWN) or parts[::2] != ["", ""] else parts[1]

    def _hole(self, word: str, *, negative: bool = False) -> _Hole:
        self._found.add(self._at[word])
        return _Hole(self._at[word], negative)
