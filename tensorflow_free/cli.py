"""The two commands: `run-recipe` runs recipes, `recipe` does the rest. Imports late, so that `--help` is fast."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.commands.ci_report import CiReport, code_of_error
from tensorflow_free.commands.flags import (
    Flags,
    flags_of,
    with_forward,
    with_isolated,
    with_repeats,
    with_starts,
    wrong,
)
from tensorflow_free.commands.parser import Parser
from tensorflow_free.commands.printing import complain, flushed, open_streams
from tensorflow_free.commands.run_flags import run_flags, run_parser, sorted_words
from tensorflow_free.commands.subcommands import RUN, parser_of, recipe_parser, run_command
from tensorflow_free.commands.told_errors import complain_of
from tensorflow_free.errors import RecipeError, TensorflowFreeError
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.endings import code_of, default_signals, signals_raised, words_of
from tensorflow_free.process.kept_modules import modules_kept
from tensorflow_free.process.warning_filters import leave_warnings_to_results
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import text_lines
from tensorflow_free.version import VERSION

if TYPE_CHECKING:
    from tensorflow_free.commands.limited_run import Watched
    from tensorflow_free.composition.command_line import CommandLine
    from tensorflow_free.composition.compose import Composed


def run_recipe_command() -> None:
    """The command `run-recipe`."""
    leave_warnings_to_results()
    _exit(_guarded(run_recipe_main, sys.argv[1:], RUN))


def recipe_command() -> None:
    """The command `recipe`."""
    leave_warnings_to_results()
    words = sys.argv[1:]
    _exit(_guarded(recipe_main, words, next((word for word in words if word in COMMANDS), "")))


def _exit(code: int) -> NoReturn:
    default_signals()
    sys.exit(code)


def run_watched(words: list[str]) -> None:
    """The process of a run with limits, which `commands/limited_run.py` begins and may end."""
    from tensorflow_free.commands.limited_run import Watched

    watched = Watched(words)

    def run(arguments: Sequence[str]) -> int:
        try:
            return run_recipe_main(arguments, watched)
        except Exception as error:
            if watched.gave_up(error):
                return ExitCode.STEP_FAILED
            raise

    _exit(_guarded(run, watched.words, RUN))


def _guarded(main: Callable[[Sequence[str]], int], arguments: Sequence[str], command: str = "") -> int:
    """An exit code for whatever happens; no traceback for what a user wrote, nor for a signal."""
    open_streams()
    try:
        with signals_raised() as asked:
            try:
                return _coded(main, arguments, command)
            except Exception as error:  # noqa: BLE001 - the last door
                # what is interrupted while it is imported raises what it likes
                return _fault(error) if (ended := asked()) is None else _ended(ended)
    except KeyboardInterrupt as ended:
        return _ended(ended)


def _coded(main: Callable[[Sequence[str]], int], arguments: Sequence[str], command: str) -> int:
    """The exit code of a command, or of what it raises for what a user wrote, with what explains it."""
    try:
        return flushed(main(arguments))
    except TensorflowFreeError as error:
        complain_of(error, command, quiet=not {"-q", "--quiet"}.isdisjoint(arguments))
        return code_of_error(error)
    except BrokenPipeError:
        return flushed(ExitCode.OK)


def _ended(ended: KeyboardInterrupt) -> int:
    """Say that a signal ended it."""
    with suppress(OSError):
        # the terminal may be what is gone
        complain(f"{words_of(ended)}; what was written is complete")
    return code_of(ended)


TORCH = str(Path("torch", "__init__.py"))
"""The file of which every line runs when torch is imported."""


def _fault(error: Exception) -> int:
    """An error of the output's, of a lack of memory outside of steps, or of ours, told as such."""
    try:
        _refuse_gone()
    except RecipeError as gone:
        # it went while the command was at work
        complain(text_lines(str(gone)))
        return ExitCode.WRONG
    import traceback

    from tensorflow_free.errors import words_of as first_line

    frames = traceback.extract_tb(error.__traceback__)
    if any(one.name == "<module>" and one.filename.endswith(TORCH) for one in frames):
        # the package of a device that torch loads with itself may be what fails
        complain(f"torch cannot be imported: {first_line(error)}")
        return ExitCode.INTERNAL
    from tensorflow_free.run.out_of_memory import is_out_of_memory

    if is_out_of_memory(error):
        complain(f"out of memory: {first_line(error)}")
        return ExitCode.STEP_FAILED
    if isinstance(error, OSError) and error.filename is None:
        complain(f"the output cannot be written: {error.strerror or error}")
        return ExitCode.INTERNAL
    complain(text_lines("".join(traceback.format_exception(error)).rstrip()))
    complain(f"this is an error in tensorflow_free, not in your recipe: {type(error).__name__}: {error}")
    return ExitCode.INTERNAL


def _refuse_gone() -> None:
    """Refuse to work in a folder that was deleted: torch's libraries end the process there.

    Raises:
        RecipeError: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise wrong("working folder", "it was deleted; cd to a folder that exists, and run this again") from error


# run-recipe


def run_recipe_main(arguments: Sequence[str], watched: Watched | None = None) -> int:
    """`run-recipe`: the exit code. `watched` gets the run, where another process enforces its limits."""
    flags, rest = run_flags(arguments)
    if not arguments or flags.help or flags.version:
        return _answered(run_parser(), flags)
    _refuse_gone()
    report = CiReport("run-recipe", flags.markdown, flags.junit)
    return report.around(lambda: _ran(flags, rest, report, watched))


def _ran(flags: Flags, rest: Sequence[str], report: CiReport, watched: Watched | None) -> int:
    """Run what the words beside our flags ask for, which is told in `report`: the exit code."""
    words = with_starts(with_repeats(with_forward(rest, forward=flags.forward), flags.repeats), flags.starts)
    if flags.resume is not None:
        with modules_kept():
            from tensorflow_free.commands.multirun import resume
        return resume(flags, words, report)
    line = sorted_words(with_isolated(words, isolated=flags.isolated))
    if line.is_multirun:
        with modules_kept():
            from tensorflow_free.commands.multirun import run_sweep
        return run_sweep(line, flags, report)
    if flags.page is not None and len(line.files) > 1:
        raise wrong("flag '--page'", f"it is of one run, and {len(line.files)} recipes are named; add -m, or name one")
    report.again = command_of(["run-recipe", *line.typed, *(word for file in flags.ops for word in ("--ops", file))])
    if flags.limits:
        from tensorflow_free.commands.limited_run import run_limited

        return run_limited(flags, line, report)
    return _run(line, flags, report, watched)


def _run(line: CommandLine, flags: Flags, report: CiReport, watched: Watched | None) -> int:
    from tensorflow_free.commands.each_recipe import run_each

    def task(composed: Composed, folder: Path) -> int:
        with modules_kept():
            from tensorflow_free.commands.plain_run import run_composed
        return run_composed(composed, folder, flags, report, watched)

    def best() -> str:
        # a file of ops may be what brings the device
        flags.load_ops()
        from tensorflow_free.tensors.devices import best_device

        return best_device()

    return run_each(line, task, best)


def _answered(parser: Parser, flags: Flags) -> int:
    """Print the version, or the help, which is also told to who typed nothing: the exit code."""
    if flags.version and not flags.help:
        sys.stdout.write(f"tensorflow_free {VERSION}\n")
    else:
        sys.stdout.write(parser.format_help())
    return ExitCode.OK if flags.version or flags.help else ExitCode.WRONG


# recipe


def recipe_main(arguments: Sequence[str]) -> int:
    """`recipe`: the exit code."""
    flags, rest = flags_of(arguments, recipe_parser())
    if not arguments or flags.help or flags.version:
        return _answered(parser_of(rest[0]) if rest and rest[0] in COMMANDS else recipe_parser(), flags)
    _refuse_gone()
    return run_command(rest, flags)
