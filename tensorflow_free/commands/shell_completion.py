"""`recipe completion`: the script that a shell sources to complete both commands."""

from __future__ import annotations

import sys
from argparse import Namespace

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.completion.shell_scripts import SCRIPTS
from tensorflow_free.outcome.exit_codes import ExitCode


def print_script(options: Namespace, flags: Flags) -> int:
    """Print the script of a shell: the exit code.

    Raises:
        RecipeError: no shell is named, or one that there is none for.
    """
    del flags
    name = " ".join(options.words)
    if name not in SCRIPTS:
        said = f"'{name}' is none of the shells" if name else "no shell is named"
        raise wrong("command line", f"{said}; give one of {', '.join(SCRIPTS)}")
    sys.stdout.write(SCRIPTS[name])
    return ExitCode.OK
