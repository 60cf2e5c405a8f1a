"""A command line as bash hands it to completion: split into words, and candidates quoted as bash will read them.

Bash gives the whole line and where the cursor is. What a candidate replaces is not always the whole word: it begins
behind the last of `COMP_WORDBREAKS`, such as `=`, or behind the quote that is open. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

_ASSIGNMENT: Final = re.compile(r"\w+=")
_SPECIAL: Final = re.compile(r"""([\\ \t"'`$&;|<>(){}*?!#])""")
_IN_DOUBLE: Final = re.compile(r'([\\"`$])')
_ESCAPED_IN_DOUBLE: Final = '$`"\\'


@dataclass
class BashLine:
    """What stands before the cursor.

    Attributes:
        words: the words before the one that is being typed, without quotes; the first is the command.
        word: that one.
        quote: the quote that is open at its end.
        kept: how much of it bash leaves as it is.
    """

    words: list[str] = field(default_factory=list)
    word: str = ""
    quote: str = ""
    kept: int = 0

    def insertions(self, candidates: Iterable[str]) -> list[str]:
        """What bash puts in place for each candidate."""
        return [self._quoted(one[self.kept :]) for one in candidates]

    def _quoted(self, text: str) -> str:
        if self.quote == "'":
            return text.replace("'", "'\\''")
        return (_IN_DOUBLE if self.quote else _SPECIAL).sub(r"\\\1", text)


def bash_line(text: str, breaks: str) -> BashLine:
    """A line up to the cursor, read as bash reads it; `breaks` are what it breaks words at for completion."""
    line = BashLine()
    is_word = False
    signs = iter(text)
    for sign in signs:
        if not line.quote and sign in " \t\n":
            if is_word:
                line.words.append(line.word)
            line.word, line.kept, is_word = "", 0, False
            continue
        is_word = True
        if line.quote:
            _read_quoted(line, sign, signs)
        elif sign in "'\"":
            line.quote, line.kept = sign, len(line.word)
        elif sign == "\\":
            line.word += next(signs, "")
        else:
            line.word += sign
            if sign in breaks:
                line.kept = len(line.word)
    while line.words and _ASSIGNMENT.match(line.words[0]):
        del line.words[0]
    return line


def _read_quoted(line: BashLine, sign: str, signs: Iterator[str]) -> None:
    """Take a sign inside quotes; one behind a backslash is taken with it."""
    if sign == line.quote:
        line.quote = ""
    elif sign == "\\" and line.quote == '"':
        after = next(signs, "")
        line.word += after if after in _ESCAPED_IN_DOUBLE else sign + after
    else:
        line.word += sign
