"""The entry points of the two commands: ^C while they are still importing ends with one line, too."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow_free.completion.shell_scripts import COMPLETING
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.kept_modules import modules_kept


def run_recipe() -> None:
    """The command `run-recipe`."""
    with _interruptible():
        if _completed("run-recipe"):
            return
        with modules_kept():
            from tensorflow_free.cli import run_recipe_command
        run_recipe_command()


def recipe() -> None:
    """The command `recipe`."""
    with _interruptible():
        if _completed("recipe"):
            return
        with modules_kept():
            from tensorflow_free.cli import recipe_command
        recipe_command()


def _completed(program: str) -> bool:
    """Whether a shell that completes asked, and was answered."""
    shell = os.environ.get(COMPLETING)
    if shell is None:
        return False
    from tensorflow_free.completion.answering import answer

    answer(shell, program)
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(ExitCode.INTERRUPTED)
