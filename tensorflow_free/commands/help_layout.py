"""How help is laid out: to the width of the terminal, in two columns, with the example of a flag below its words."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from textwrap import wrap
from typing import Final

WIDEST_HELP: Final = 118
"""Characters of a line of help where there is room, or no terminal."""

NARROWEST_HELP: Final = 60

EXAMPLE: Final = "    $ "
"""What stands before the example of a flag."""

_BELOW: Final = 4
"""Where begins what a command line does, below it."""

_FLAG_COLUMN: Final = 28
"""Where the words of a flag begin at most."""


def help_width() -> int:
    """Characters of a line of help, here."""
    if not (os.environ.get("COLUMNS") or sys.stdout.isatty()):
        return WIDEST_HELP
    return max(NARROWEST_HELP, min(WIDEST_HELP, shutil.get_terminal_size().columns - 2))


def two_columns(rows: Sequence[tuple[str, str]], width: int, column: int) -> str:
    """Rows of a word and what it means, which begins at a column: of a word that is too long, on the next line."""
    lines: list[str] = []
    for left, right in rows:
        told = wrap(right, width - column, break_on_hyphens=False) or [""]
        if len(left) + 2 > column:
            lines.append(left)
        else:
            lines.append(left.ljust(column) + told.pop(0))
        lines += [" " * column + one for one in told]
    return "\n".join(lines)


def told_examples(examples: Sequence[tuple[str, str]], width: int) -> str:
    """Command lines, each with what it does: behind it where all of them fit, else below it."""
    column = max(len(line) for line, _ in examples) + 3
    fits = column + max(len(says) for _, says in examples) <= width
    return two_columns(examples, width, column if fits else _BELOW)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """The formatter of argparse, which shows the example of a flag below its words."""

    def _format_action(self, action: argparse.Action) -> str:
        example = getattr(action, "example", None)
        return super()._format_action(action) + (f"{EXAMPLE}{example}\n" if example else "")


def formatter() -> partial[HelpFormatter]:
    """The formatter for the width that there is."""
    return partial(HelpFormatter, width=help_width(), max_help_position=_FLAG_COLUMN)
