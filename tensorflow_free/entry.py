"""The entry points of the two commands: ^C while they are still importing ends with one line, too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.kept_modules import modules_kept


def run_recipe() -> None:
    """The command `run-recipe`."""
    with _interruptible():
        with modules_kept():
            from tensorflow_free.cli import run_recipe_command
        run_recipe_command()


def recipe() -> None:
    """The command `recipe`."""
    with _interruptible():
        with modules_kept():
            from tensorflow_free.cli import recipe_command
        recipe_command()


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(ExitCode.INTERRUPTED)
