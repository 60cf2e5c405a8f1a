"""The type of a plain YAML word by the core schema of version 1.2: number, boolean, null, or string.

The same rule serves recipe files and overrides, so that `params.n=1e-5` and `n: 1e-5` are one number.
"""

from __future__ import annotations

import math
import re
from typing import Final

Scalar = str | int | float | bool | None

LONGEST_INTEGER: Final = 1000
"""Digits. Python itself refuses to read more than 4300."""

NAMED_SCALARS: Final[dict[str, Scalar]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
"""The words that mean something. Source: YAML 1.2.2, section 10.3.2."""

NUMBER_STARTS: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_OCTAL: Final = re.compile(r"0o[0-7]+", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)


class ScalarError(ValueError):
    """A plain word that is refused; its text says what would be right."""


def scalar(word: str) -> Scalar:
    """The value of the plain (unquoted) `word`.

    Raises:
        ScalarError: for `010`, for a number too large for any float64, for an integer of over a thousand digits.
    """
    if word in NAMED_SCALARS:
        return NAMED_SCALARS[word]
    if word[0] not in NUMBER_STARTS:
        return word
    return number(word)


def number(word: str) -> Scalar:
    """The number that `word` spells, or the word itself where it spells none."""
    if _INTEGER.fullmatch(word):
        return _integer(word)
    if _FLOAT.fullmatch(word):
        return _floating(word)
    if _HEXADECIMAL.fullmatch(word) or _OCTAL.fullmatch(word):
        _refuse_long(word[2:])
        return int(word[2:], 16 if word[1] == "x" else 8)
    return word


def _refuse_long(digits: str) -> None:
    if len(digits) > LONGEST_INTEGER:
        message = f"an integer of {len(digits)} digits is more than any dtype holds; write it as a float, such as 1e9"
        raise ScalarError(message)


def _integer(word: str) -> int:
    digits = word.lstrip("+-")
    _refuse_long(digits)
    if digits[0] == "0" and len(digits) > 1:
        sign = "-" if word[0] == "-" else ""
        decimal = digits.lstrip("0") or "0"
        octal = f", or {sign}0o{decimal} for the octal number" if not set(decimal) & set("89") and not sign else ""
        message = f"'{word}' is octal to some readers of YAML and decimal to others; write {sign}{decimal}{octal}"
        raise ScalarError(message)
    return int(word)


def _floating(word: str) -> float:
    value = float(word)
    if math.isinf(value):
        raise ScalarError(f"'{word}' is more than a float64 holds; write {'-' if value < 0 else ''}.inf for infinity")
    return value
