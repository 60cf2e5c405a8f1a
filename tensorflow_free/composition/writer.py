"""Writes plain values as YAML that reads back equal, bit for bit, here and in YAML 1.1 readers. Knows no recipe.

What fits on a line is written on one line, in flow style; the first two levels of mappings are blocks, one key a line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.composition.scalars import NAMED_SCALARS

WIDTH: Final = 120
"""Columns of a line, where its values can be broken."""

BLOCK_LEVELS: Final = 2
"""Levels of mappings that are written one key a line, whatever fits."""

TWO_UNITS: Final = 2
"""Escapes that JSON needs for a character beyond 16 bits."""

_PLAIN: Final = re.compile(r"[A-Za-z_](?:[\w.+*/%^()-]| (?=[\w.+*/%^()-]))*", re.ASCII)
_PLAIN_IN_BLOCK: Final = re.compile(
    r"[A-Za-z_](?:[\w.+*/%^()\[\]{},=<>~|&@'\"$-]| (?=[\w.+*/%^()\[\]{},=<>~|&@'\"$-]))*", re.ASCII
)
"""What needs no quotes where a line of a block ends it; a `:` or a `#` might."""
_YAML_1_1_WORDS: Final = frozenset({"yes", "no", "on", "off"})
"""Words that readers of YAML 1.1 take for booleans. Hardly one takes `y` and `n`, which are good names, for them."""


def dump_yaml(value: Any) -> str:
    """The text of `value`, which `read_yaml` reads back equal: types, order, signs of zero, every bit of a float.

    Args:
        value: dicts with string keys, lists, tuples (written as lists), strings, integers, floats, booleans, None.

    Raises:
        TypeError: something else is in it.
    """
    if isinstance(value, Mapping) and value:
        return "".join(f"{line}\n" for line in _mapping(value, "", 1))
    if _is_list(value) and value and len(_flow(value)) > WIDTH:
        return "".join(f"{line}\n" for line in _list(value, ""))
    return _flow(value) + "\n"


def _mapping(value: Mapping[str, Any], indent: str, level: int) -> Iterator[str]:
    for key, below in value.items():
        yield from _entry(f"{indent}{_key(key)}:", below, indent, level)


def _list(value: Sequence[Any], indent: str) -> Iterator[str]:
    for element in value:
        yield from _entry(f"{indent}-", element, indent, BLOCK_LEVELS)


def _entry(head: str, value: Any, indent: str, level: int) -> Iterator[str]:
    """The lines of a key, or of a list's dash, and its value."""
    inner = indent + "  "
    if isinstance(value, str) and _is_paragraph(value):
        yield f"{head} {'|' if value.endswith(chr(10)) else '|-'}"
        yield from (inner + line if line else "" for line in value.removesuffix("\n").split("\n"))
        return
    if isinstance(value, Mapping) and value and level < BLOCK_LEVELS:
        yield head
        yield from _mapping(value, inner, level + 1)
        return
    if isinstance(value, str) and _PLAIN_IN_BLOCK.fullmatch(value) and _string(value) != value and not _is_word(value):
        yield f"{head} {value}"
        return
    text = _flow(value)
    if len(head) + 1 + len(text) <= WIDTH or not _is_collection(value):
        yield f"{head} {text}"
    elif isinstance(value, Mapping):
        yield head
        yield from _mapping(value, inner, level + 1)
    elif any(_is_collection(element) for element in value):
        yield head
        yield from _list(value, inner)
    else:
        yield from _filled(head, value, inner)


def _filled(head: str, value: Sequence[Any], indent: str) -> Iterator[str]:
    """A long list of scalars, as many a line as fit."""
    line = f"{head} ["
    for position, element in enumerate(value):
        text = _flow(element) + ("]" if position == len(value) - 1 else ",")
        if len(line) + 1 + len(text) > WIDTH and not line.endswith("["):
            yield line
            line = indent + text
        else:
            line += text if line.endswith("[") else f" {text}"
    yield line


def flow(value: Any) -> str:
    """The text of `value` on one line, however long; see `dump_yaml`."""
    return _flow(value)


def _flow(value: Any) -> str:
    """`value` on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {_flow(below)}" for key, below in value.items()) + "}"
    if _is_list(value):
        return "[" + ", ".join(_flow(element) for element in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _string(value)
    raise TypeError(f"'{type(value).__name__}' is not a plain value")


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, exponent, power = float.__repr__(value).partition("e")
    # readers of YAML 1.1 take 1e-05 for a word, as it has no point
    return mantissa + (".0" if exponent and "." not in mantissa else "") + exponent + power


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _string(key)
    raise TypeError(f"'{key}' is not a string and cannot be a key")


def _string(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _is_word(text):
        return text
    if text.isprintable() and "\ufeff" not in text:
        return "'" + text.replace("'", "''") + "'"
    return _escaped(text)


def _is_word(text: str) -> bool:
    """Whether a reader takes the word for something else than a text."""
    return text in NAMED_SCALARS or text.lower() in _YAML_1_1_WORDS


def _escaped(text: str) -> str:
    """In double quotes; JSON's escapes are YAML's, but that a character beyond 16 bits is one escape and not two."""
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    if character.isprintable() and character not in '"\\\ufeff':
        return character
    escape = json.dumps(character)[1:-1]
    return escape if escape.count("\\u") < TWO_UNITS else f"\\U{ord(character):08x}"


def _is_paragraph(text: str) -> bool:
    """Whether `text` can be a literal block: several lines, none with what a block would lose."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2 or not lines[0] or lines[0].startswith(" ") or not lines[-1]:  # noqa: PLR2004 - several is two
        return False
    return all(line.isprintable() and "\ufeff" not in line and line.strip(" ") == line.strip() for line in lines)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_collection(value: Any) -> bool:
    return bool(value) and (isinstance(value, Mapping) or _is_list(value))
