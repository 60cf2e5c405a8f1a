"""Errors of YAML's syntax, in messages that say what would be right. Knows libyaml's messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from yaml import MarkedYAMLError

from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.recipe.dotted import dotted

LARGEST_TEXT: Final = 64 * 2**20
"""Bytes or characters of one file."""

_TOO_DEEP: Final = "exceeded maximum nesting depth"
"""libyaml since 0.2.6 says so of the 1,001st level, up to 1,024 characters before the events get there."""

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What may not stand in YAML. Source: YAML 1.2.2, production 1, c-printable; libyaml takes no surrogates and no 7F."""

_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("found unexpected ':'", "a ':' ends a word here; write a subscript in quotes, such as \"-1:\""),
    ("mapping values are not allowed", "a second ':' in a line, or a wrong indentation; quote a text that holds ': '"),
    ("found a tab character", "a tab is not allowed for indentation; use spaces"),
    ("found unexpected end of stream", "a quote is opened and never closed"),
    ("did not find expected ',' or '}'", "a ',' or a '}' is missing"),
    ("did not find expected ',' or ']'", "a ',' or a ']' is missing"),
    ("did not find expected node content", "a value is missing; write a ':' or ',' that is meant as text in quotes"),
    ("did not find expected key", "this line does not line up with the keys above it; indent it as they are"),
    ("did not find expected '-' indicator", "this line does not line up with the '-' above it; indent it alike"),
    ("could not find expected ':'", "a ':' is missing after the key"),
    ("found unknown escape character", "no such escape; write '\\\\' for a backslash, or use single quotes"),
    ("did not find expected <document start>", "this line stands further left than the first; indent them alike"),
    ("found undefined tag handle", "a tag, and tags are not allowed; put a text that begins with '!' in quotes"),
    ("found incompatible YAML document", "an unknown version of YAML; leave the '%YAML' line out"),
)
"""What libyaml says, and what a person needs to hear; libyaml's own words follow in brackets."""


def decoded(text: str | bytes, file: str) -> str:
    """The text without its byte order mark.

    Raises:
        RecipeError: it is too large, is not UTF-8, or holds half a character.
    """
    if len(text) > LARGEST_TEXT:
        raise RecipeError([Problem(Place(file=file), f"{len(text)} bytes; at most {LARGEST_TEXT} are read")])
    if isinstance(text, str):
        unpaired = re.search("[\ud800-\udfff]", text)
        if unpaired is None:
            return text.removeprefix("\ufeff")
        raise RecipeError([_at(text, unpaired.start(), file, "half of a character (a lone surrogate); remove it")])
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RecipeError([Problem(Place("", file, 1, 1), "the file is in UTF-16; save it as UTF-8")])
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError([_not_utf8(text, error, file)]) from error


def _not_utf8(text: bytes, error: UnicodeDecodeError, file: str) -> Problem:
    # utf-8-sig counts from behind the mark
    start = error.start + (3 if text.startswith(b"\xef\xbb\xbf") and len(error.object) < len(text) else 0)
    before = text[:start].decode("utf-8", "replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    message = f"byte {start} is '0x{text[start]:02x}', which is not UTF-8; save the file as UTF-8"
    return Problem(Place("", file, line, column), message)


def reader_problem(text: str, file: str) -> Problem:
    """Which character of `text` libyaml will not read."""
    found = _UNPRINTABLE.search(text)
    start = found.start() if found else 0
    message = f"the character 'U+{ord(text[start]):04X}' may not stand in YAML; write it as an escape in double quotes"
    return _at(text, start, file, message)


def _at(text: str, start: int, file: str, message: str) -> Problem:
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    return Problem(Place("", file, line, column), message)


def before_too_deep(error: MarkedYAMLError, text: str) -> str | None:
    """What stands before the level that libyaml refuses, if that is what it refuses."""
    if error.problem != _TOO_DEEP or error.problem_mark is None:
        return None
    return text[: error.problem_mark.index]


def syntax_problem(error: MarkedYAMLError, text: str, file: str, path: Sequence[str | int]) -> Problem:
    """What libyaml found, while reading the value at `path`, in words of ours."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(Place(dotted(path), file), f"this is not YAML ({error.problem})")
    place = Place(dotted(path), file, mark.line + 1, mark.column + 1)
    return Problem(place, _words(error, text[mark.index : mark.index + 1], text[: mark.index]))


def _words(error: MarkedYAMLError, here: str, before: str) -> str:
    problem = str(error.problem)
    if here == "{" and before.rstrip(" ").endswith("$"):
        return 'a reference inside braces or brackets must be in quotes: "${params.n}"'
    if "cannot start any token" in problem:
        return _odd_start(here, problem)
    if "expected alphabetic or numeric character" in problem and before[-1:] in ("*", "&"):
        return f"'{before[-1]}' begins an alias or an anchor in YAML; put an operator in quotes: '{before[-1]}'"
    for libyaml, words in _WORDS:
        if problem.startswith(libyaml):
            return f"{words}{_beginning(error)} ({problem})"
    return f"this is not YAML ({problem})"


def _beginning(error: MarkedYAMLError) -> str:
    """Where the collection or quote began, if that is another line."""
    if error.context_mark is None or error.problem_mark is None or error.context_mark.line == error.problem_mark.line:
        return ""
    kind = str(error.context).partition(" a ")[2].removeprefix("block ").removeprefix("flow ")
    kind = {"plain scalar": "word", "quoted scalar": "quote"}.get(kind, kind)
    return f"; the {kind} begins in line {error.context_mark.line + 1}"


def _odd_start(here: str, problem: str) -> str:
    if here == "\t":
        return f"a tab is not allowed for indentation; use spaces ({problem})"
    return f"a word cannot begin with '{here}'; put it in quotes ({problem})"


MERGE_KEYS: Final = {
    "<<": "list the other recipe in `defaults`, or write its keys out",
    "=": "put it in quotes",
}
"""Keys that YAML 1.1 gives a meaning, and what to write instead."""


def not_a_word(written: str, value: object) -> str:
    """Why a mapping, a list, a number, a boolean or nothing is no key, and what was probably meant."""
    if isinstance(value, dict | list):
        kind = "a mapping" if isinstance(value, dict) else "a list"
        return f'{kind} cannot be a key; where a reference was meant, write it in quotes: "${{params.n}}"'
    if value is None and not written:
        return "a key is missing before ':'; where a subscript was meant, write it in quotes: \":, 0\""
    kind = "nothing" if value is None else "a boolean" if isinstance(value, bool) else "a number"
    meant = f"'{written}', or '{written}:' where a subscript was meant"
    return f"'{written}' is {kind} and cannot be a key; write it in quotes: {meant}"
