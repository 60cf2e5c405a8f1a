"""What a command answers a shell that completes: candidates, and never an error or a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tensorflow_free.completion.bash_line import bash_line
from tensorflow_free.completion.candidate import Candidate, TypedLine
from tensorflow_free.completion.candidates import candidates

BREAKS: Final = "_TENSORFLOW_FREE_BREAKS"
"""The variable that has bash's `COMP_WORDBREAKS`."""

_PARTS: Final = "=,/["
"""Where the part of a word that is being typed begins."""


def answer(shell: str, program: str) -> None:
    """Print what may follow, in the form that the script of a shell reads; nothing where anything goes wrong."""
    try:
        text = answered(shell, program, sys.argv[1:], os.environ)
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.flush()
    except Exception:  # noqa: BLE001, S110 - a prompt is no place for errors
        pass


def answered(shell: str, program: str, words: Sequence[str], environment: Mapping[str, str]) -> str:
    """The answer to a shell, as text.

    Args:
        shell: its name.
        program: `recipe` or `run-recipe`.
        words: the words behind the command, the one that is being typed last; bash gives its whole line instead.
        environment: the variables that bash sets.
    """
    if shell == "bash":
        raw = os.fsencode(environment["COMP_LINE"])[: int(environment["COMP_POINT"])]
        line = bash_line(os.fsdecode(raw), environment.get(BREAKS, ""))
        found = _of(TypedLine(program, tuple(line.words[1:]), line.word))
        return _lines(line.insertions(one.word for one in found))
    *before, word = words or [""]
    found = _of(TypedLine(program, tuple(before), word))
    told = [f"{one.word}\t{_plain(one.says)}" for one in found]
    return _lines([_head(word), *told] if shell == "zsh" else told)


def _of(line: TypedLine) -> list[Candidate]:
    # a line is a candidate; and no file's name, and no recipe, writes escapes to a terminal
    return [one for one in candidates(line) if one.word.isprintable()]


def _plain(says: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in says)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _head(word: str) -> str:
    """What stands before the part of a word that is being typed."""
    parts = _PARTS if "/" in word or "=" in word else f"{_PARTS}."
    return word[: max(word.rfind(one) for one in parts) + 1]
