"""The flags that both commands have, and those of `run-recipe` that are not Hydra's. Standard library only."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from tensorflow_free.commands.parser import FlagValue, Parser, above_0, some_text, whole
from tensorflow_free.composition.command_line import is_override
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.files.opening import MAX_FILE_VARIABLE
from tensorflow_free.process.limits import Limits
from tensorflow_free.run.error_patterns import checked, register_for_children

TOLD_SWITCHES: Final = ("json", "quiet", "no_save", "fail_fast", "strict")
"""The flags that are passed on to another process."""

STRICT: Final = "fail where a value could not be judged, or its verdict could not have failed"
"""What `--strict` does, in words."""

Declared: TypeAlias = "argparse.ArgumentParser | argparse._ArgumentGroup"  # noqa: SLF001 - it has no public name
"""Where flags are declared: with a heading of their own in the help, or without."""


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


OPS: Final = "a Python file that registers ops of your own (register_op); may be given again"
"""What `--ops` takes, in words."""


def declare_common(group: Declared, json: str, ops: str = OPS) -> None:
    """Declare the flags of both commands; `json` says what that flag gives, and `ops` what that one takes."""
    group.add_argument("--json", action="store_true", help=json)
    group.add_argument("-q", "--quiet", action="store_true", help="print only what is wrong")
    group.add_argument(
        "--ops",
        action="append",
        type=some_text("a Python file that registers ops"),
        metavar="FILE.py",
        help=ops,
    )
    group.add_argument(
        "--unsupported",
        action="append",
        type=FlagValue(
            "a regular expression that finds some errors and not all, such as 'E7[0-9]+: no kernel'", checked
        ),
        metavar="PATTERN",
        help="errors that this regular expression is found in are of a missing kernel; may be given again",
    )
    group.add_argument(
        "--max-file",
        type=above_0("a number of gibibytes above 0, such as 8"),
        metavar="GIB",
        help="the largest size of a file that a recipe reads, unpacked; 4 by default",
    )
    group.add_argument("--version", action="store_true", help="print the version")
    group.add_argument("-h", "--help", action="store_true", help="print this help")


REPEATS: Final[dict[str, Any]] = {
    "type": whole("an integer of at least 1, such as 3"),
    "metavar": "N",
    "help": "run each cell N times on the same numbers; other bits fail it (instead of the recipe's 'repeats')",
}
"""What argparse is told of `--repeats`, which two commands have."""


def with_repeats(words: Sequence[str], repeats: int | None) -> list[str]:
    """The words of a command line with what `--repeats` says in place of what they say; the same where it is None."""
    return list(words) if repeats is None else _with(words, f"repeats={repeats}")


STARTS: Final[dict[str, Any]] = {
    "type": some_text("the folder of a run"),
    "metavar": "RUN",
    "help": "begin from the starting tensors of a saved run, whatever machine made it (its folder, or its result.json)",
}
"""What argparse is told of `--starts`, which several commands have."""


def with_starts(words: Sequence[str], starts: str | None) -> list[str]:
    """The words of a command line with what `--starts` says in place of what they say; the same where it is None."""
    if starts is None:
        return list(words)
    from tensorflow_free.composition.override_texts import word_override

    return _with(words, word_override("starts", starts).text)


PAGE: Final[dict[str, Any]] = {
    "type": some_text("a file to write, such as page.html"),
    "metavar": "PAGE.html",
    "help": "write a page to look at, too: one HTML file",
}
"""What argparse is told of `--page`, which several commands have."""

MUST_RUN: Final[dict[str, Any]] = {
    "action": "append",
    "type": some_text("a sweep's folder, or a file of its rows"),
    "metavar": "FILE",
    "help": "a sweep, or what --json printed: a cell that ran there fails if it cannot run now; may be given again",
}
"""What argparse is told of `--must-run`, which two commands have."""

AGAINST: Final[dict[str, Any]] = {
    "type": some_text("the folder of an earlier sweep"),
    "metavar": "FOLDER",
    "help": "an earlier sweep: what ran there must run; tell what changed since, and fail where it got worse",
}
"""What argparse is told of `--against`, which two commands have."""


ISOLATED: Final[dict[str, Any]] = {
    "action": "store_true",
    "help": "judge each step alone, too, where all values are within bounds: accumulated noise can hide a fault",
}
"""What argparse is told of `--isolated`, which two commands have."""


def with_isolated(words: Sequence[str], *, isolated: bool) -> list[str]:
    """The words of a command line with what `--isolated` says in place of what they say; the same without it."""
    return _with(words, "judge.isolated=true") if isolated else list(words)


FORWARD: Final[dict[str, Any]] = {
    "action": "store_true",
    "help": "run forward only, as compilers for inference do: what needs gradients is left out, and told",
}
"""What argparse is told of `--forward`, which several commands have."""


def with_forward(words: Sequence[str], *, forward: bool) -> list[str]:
    """The words of a command line with what `--forward` says in place of what they say; the same without it."""
    return _with(words, "forward=true") if forward else list(words)


def _with(words: Sequence[str], override: str) -> list[str]:
    """The words of a command line with an override in place of those of its key."""
    key = override.partition("=")[0]
    said = [word for word in words if word.lstrip("~+").partition("=")[0] == key and is_override(word)]
    return [*(word for word in words if word not in said), override]


MARKDOWN: Final[dict[str, Any]] = {
    "type": some_text("a file to write, such as summary.md"),
    "metavar": "FILE.md",
    "help": "write what came of it as GitHub's Markdown, too: the verdict, what failed and the commands that show it, "
    "tables folded",
}
"""What argparse is told of `--markdown`, which all commands that judge have."""

JUNIT: Final[dict[str, Any]] = {
    "type": some_text("a file to write, such as junit.xml"),
    "metavar": "FILE.xml",
    "help": "write what was judged as JUnit's XML, too: a test case for each cell",
}
"""What argparse is told of `--junit`, which the commands that judge cells have."""


APART: Final[dict[str, dict[str, Any]]] = {
    "--in-workers --isolate": {
        "action": "store_true",
        "help": "run all cells in a worker process, as those on a device are: a crash costs one cell, and not the "
        "command (nothing to do with --isolated, which judges each step alone)",
    },
    "--in-process": {
        "action": "store_true",
        "help": "run all cells in this process, those on a device, too: for a debugger, or a device of one process",
    },
    "--timeout": {
        "type": above_0("a number of seconds above 0, such as 600 or 0.5"),
        "metavar": "S",
        "help": "seconds that a cell may take; all cells run in a worker process then, which is ended",
    },
}
"""The flags of commands that run cases in a worker process, with what argparse is told of each."""


def wrong(place: str, message: str) -> RecipeError:
    """What is raised for a command line that makes no sense."""
    return RecipeError([Problem(Place(file=place), message)])
