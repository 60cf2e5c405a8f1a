"""What the flags of a command line ask for, whichever command it is of. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tensorflow_free.commands.parser import Parser
from tensorflow_free.composition.command_line import is_override
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.files.opening import MAX_FILE_VARIABLE
from tensorflow_free.process.limits import Limits
from tensorflow_free.run.error_patterns import register_for_children

TOLD_SWITCHES: Final = ("json", "quiet", "no_save", "fail_fast", "strict")
"""The flags that are passed on to another process."""


@dataclass
class Flags:
    """What was asked for by flags."""

    json: bool = False
    quiet: bool = False
    no_save: bool = False
    fail_fast: bool = False
    strict: bool = False
    isolated: bool = False
    forward: bool = False
    resume: str | None = None
    timeout: float | None = None
    max_memory: float | None = None
    max_file: float | None = None
    repeats: int | None = None
    starts: str | None = None
    ops: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    must_run: list[str] = field(default_factory=list)
    against: str | None = None
    markdown: str | None = None
    junit: str | None = None
    page: str | None = None
    help: bool = False
    version: bool = False

    @property
    def limits(self) -> Limits:
        """What a run, or a cell of a sweep, may take."""
        return Limits(self.timeout, self.max_memory)

    def words(self) -> list[str]:
        """What makes another process print and save as this one was told to, and know the same ops."""
        switches = [f"--{name.replace('_', '-')}" for name in TOLD_SWITCHES if getattr(self, name)]
        page = [] if self.page is None else ["--page", self.page]
        return [*switches, *page, *(word for file in self.ops for word in ("--ops", file))]

    def load_ops(self) -> None:
        """Register the user's own ops, once."""
        while self.ops:
            from tensorflow_free.registry import load_ops_file

            load_ops_file(Path(self.ops.pop(0)))


def flags_of(words: Sequence[str], parser: Parser) -> tuple[Flags, list[str]]:
    """The flags that a parser knows, and all other words as they stand.

    Raises:
        RecipeError: with every flag whose value is missing or wrong.
    """
    flags = Flags()
    rest = parser.taken_off(words, flags)
    if flags.max_file is not None:
        # for this process and those that it begins
        os.environ[MAX_FILE_VARIABLE] = str(flags.max_file)
    register_for_children(flags.unsupported)
    return flags, rest


def with_repeats(words: Sequence[str], repeats: int | None) -> list[str]:
    """The words of a command line with what `--repeats` says in place of what they say; the same where it is None."""
    return list(words) if repeats is None else _with(words, f"repeats={repeats}")


def with_starts(words: Sequence[str], starts: str | None) -> list[str]:
    """The words of a command line with what `--starts` says in place of what they say; the same where it is None."""
    if starts is None:
        return list(words)
    from tensorflow_free.composition.override_texts import word_override

    return _with(words, word_override("starts", starts).text)


def with_isolated(words: Sequence[str], *, isolated: bool) -> list[str]:
    """The words of a command line with what `--isolated` says in place of what they say; the same without it."""
    return _with(words, "judge.isolated=true") if isolated else list(words)


def with_forward(words: Sequence[str], *, forward: bool) -> list[str]:
    """The words of a command line with what `--forward` says in place of what they say; the same without it."""
    return _with(words, "forward=true") if forward else list(words)


def _with(words: Sequence[str], override: str) -> list[str]:
    """The words of a command line with an override in place of those of its key."""
    key = override.partition("=")[0]
    said = [word for word in words if word.lstrip("~+").partition("=")[0] == key and is_override(word)]
    return [*(word for word in words if word not in said), override]


def wrong(place: str, message: str) -> RecipeError:
    """What is raised for a command line that makes no sense."""
    return RecipeError([Problem(Place(file=place), message)])
