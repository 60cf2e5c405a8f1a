"""`recipe show` and `recipe schema`: results that are on disk, and what a result looks like there."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.run_screen import show
from tensorflow_free.errors import StorageError
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.result.model import RunFile
from tensorflow_free.result.reading import read_result
from tensorflow_free.text.page import line


def show_results(options: Namespace, flags: Flags) -> int:
    """Show the results in folders of runs: the exit code."""
    if not options.words:
        raise wrong("command line", "no folder is named; give a run's folder")
    code = ExitCode.OK
    several = len(options.words) > 1
    for position, folder in enumerate(options.words):
        try:
            result = read_result(folder)
            if several and position and not (flags.json or flags.quiet):
                put([line()])
            # of several, each is told apart by its folder
            show(result, str(Path(folder, "result.json")) if several else None, flags)
        except StorageError as error:
            complain(str(error))
            code = ExitCode.WRONG
    return code


def show_schema(options: Namespace, flags: Flags) -> int:
    """Print the JSON Schema of a result: the exit code."""
    del options, flags

    put_json(RunFile.model_json_schema())
    return ExitCode.OK
