"""Patterns of errors that packages and command lines add: what is one at all, and those that reach other processes.

Standard library only: the flags of both commands, and pytest's, are read by it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Final

UNSUPPORTED_VARIABLE: Final = "TENSORFLOW_FREE_UNSUPPORTED"
"""The environment variable in which the patterns of a command line reach the processes that it begins: a JSON list."""


def register_for_children(patterns: Iterable[str]) -> None:
    """The same of several that have been looked at, for this process and those that it begins."""
    if patterns := list(patterns):
        os.environ[UNSUPPORTED_VARIABLE] = json.dumps(list(dict.fromkeys([*inherited(), *patterns])))


def unsupported_words() -> list[str]:
    """`--unsupported PATTERN` for each pattern of the command line, for the commands that it prints."""
    return [word for one in inherited() for word in ("--unsupported", one)]


def inherited() -> list[str]:
    """The patterns of the command line, here and in the processes that it began."""
    try:
        found = json.loads(os.environ.get(UNSUPPORTED_VARIABLE, "[]"))
    except ValueError:
        return []
    return [one for one in found if pattern_problem(one) is None] if isinstance(found, list) else []


def checked(pattern: str) -> str:
    """The pattern itself.

    Raises:
        ValueError: it is no regular expression, or found in every error.
    """
    if problem := pattern_problem(pattern):
        raise ValueError(problem)
    return pattern


def pattern_problem(pattern: object) -> str | None:
    """Why something cannot be a pattern of errors, or None."""
    right = "give a regular expression such as 'E7[0-9]+: no kernel'"
    if not isinstance(pattern, str) or not pattern.strip():
        return f"'{pattern}' is no text to look for; {right}"
    try:
        found = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        return f"'{pattern}' is not a regular expression: {error}; {right}"
    return f"'{pattern}' is found in every error, the empty one too; {right}" if found.search("") else None
