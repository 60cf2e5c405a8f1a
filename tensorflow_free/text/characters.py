"""Characters: which can be shown as they are, and the one form of those that have several.

What a file holds (descriptions, names of cases, files and keys, texts, torch's errors that quote them) goes through
`printable` wherever it is shown, so that it can neither control a terminal nor look like a line or a word of ours.
"""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Iterable
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that take no ink. Source: Unicode's Default_Ignorable_Code_Point, of which the others, controls and
formats such as the zero-width space, are no letters, and `str.isprintable` knows them."""


def is_printable(text: str) -> bool:
    """Whether a text is a part of a line, each character of which can be seen."""
    return text.isprintable() and (text.isascii() or _UNSEEN.search(text) is None)


def is_text(text: str) -> bool:
    """Whether `text` can be written to a file: it holds no lone surrogate, as names of files that are no UTF-8 do."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def printable(text: str) -> str:
    r"""The text in one line, with all that cannot be seen written out: `\x1b`, `\n`, `\u202e`.

    That is what Unicode calls controls, formats (bidirectional, zero-width), separators of lines, unpaired surrogates,
    and letters without ink.
    """
    return text if is_printable(text) else "".join(one if is_printable(one) else ascii(one)[1:-1] for one in text)


def printable_lines(text: str) -> str:
    r"""The lines of a text, each printable; only `\n` parts them."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """JSON that says the same, with the escapes of its strings for all that cannot be seen; its lines stay."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(one if one == "\n" or is_printable(one) else json.dumps(one)[1:-1] for one in text)


def in_a_line(text: str) -> str:
    """A text that its author broke into lines, in one, printable."""
    return printable(" ".join(re.split(r"[ \t\r\n]+", text.strip())))


def command_of(words: Iterable[str]) -> str:
    r"""The line that a person types for these words, printable; a shell reads `$'\x1b'` as what it stands for."""
    return " ".join(shlex.quote(word) if is_printable(word) else f"$'{_spelled(word)}'" for word in words)


def _spelled(word: str) -> str:
    r"""The word in a shell's `$'…'`, where `\x9b` is a byte of a name, and `\u009b` a character."""
    return "".join(map(_character, word))


def _character(one: str) -> str:
    if one in "\\'":
        return f"\\{one}"
    if "\udc80" <= one <= "\udcff":
        return f"\\x{ord(one) - 0xDC00:02x}"
    return f"\\u{ord(one):04x}" if "\x80" <= one <= "\xad" and not is_printable(one) else printable(one)


def normal(word: str) -> str:
    """The one form of a word, Unicode's NFKC, which Python's identifiers have, too: `fi` for the ligature."""
    return word if word.isascii() else unicodedata.normalize("NFKC", word)


def form_problem(word: str) -> str | None:
    """Why a word cannot name anything, as its letters have a second form that looks the same, or None."""
    form = normal(word)
    if form == word:
        return None
    changed = [one for one in word if normal(one) != one] or [one for one in word if not one.isascii()]
    codes = ", ".join(f"U+{ord(one):04X}" for one in dict.fromkeys(changed))
    return f"'{word}' ({codes}) can be written in a second way, which looks alike; write '{form}'"
