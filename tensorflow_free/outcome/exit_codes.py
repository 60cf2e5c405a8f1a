"""The exit codes of both commands, and what each means. Standard library only."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from enum import IntEnum
from textwrap import wrap
from typing import Final, Self


class ExitCode(IntEnum):
    """What a command ends with.

    After a signal it is 128 and the signal's number, as shells have it: `after_signal`.
    """

    meaning: str
    """What it says, in words."""

    def __new__(cls, code: int, meaning: str) -> Self:
        """A code, and what it means."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "all well"
    UNMET = 1, "something expected does not hold"
    WRONG = 2, "the recipe or the command line is wrong"
    STEP_FAILED = 3, "a step failed"
    INTERNAL = 4, "something cannot be written (a full disk, a read-only folder), or an error in tensorflow_free"
    INTERRUPTED = 130, "after ^C"
    TERMINATED = 143, "after SIGTERM"
    HUNG_UP = 129, "after SIGHUP"


COUNTS_MOST: Final = (ExitCode.INTERNAL, ExitCode.WRONG, ExitCode.STEP_FAILED, ExitCode.UNMET)
"""Of several things that one command did, which code it ends with: what could not be begun is mended first."""


def worst_of(codes: Iterable[int]) -> ExitCode:
    """The code that counts most; `OK` where there is none."""
    found = set(codes)
    return next((code for code in COUNTS_MOST if code in found), ExitCode.OK)


def after_signal(number: int) -> int:
    """The code of a command that a signal ended."""
    return ExitCode.INTERRUPTED - signal.SIGINT + number


def exit_codes_help(width: int = 120) -> str:
    """All codes and what they mean, as `--help` ends with them."""
    return "\n".join(wrap("exit codes: " + ", ".join(f"{code:d} {code.meaning}" for code in ExitCode), width))
