"""The two commands: `run-recipe` runs recipes, `recipe` is for all that is not running. Imports late, to stay light."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from tensorflow_free.commands.console import Progress, complain, flushed, open_streams, show
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.errors import RecipeError, StorageError, TensorflowFreeError
from tensorflow_free.outcome.exit_codes import ExitCode, exit_codes_help
from tensorflow_free.process.endings import code_of, heeded, left_to_the_system, words_of
from tensorflow_free.process.warning_filters import leave_warnings_to_results
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.text.characters import printable
from tensorflow_free.version import VERSION

if TYPE_CHECKING:
    from tensorflow_free.commands.limited_run import Watched
    from tensorflow_free.composition.compose import Composed
    from tensorflow_free.hydra_app.multirun import SweepHost
    from tensorflow_free.result.result import Result

_KEYS_HELP: Final = "\n".join(f"  {key.name:<16} {key.says.replace('`', '')}" for key in KEYS.values())

RUN_HELP: Final = f"""\
usage: run-recipe RECIPE.yaml [KEY=VALUE ...] [flags]

Runs a recipe: draws its tensors, runs its steps in PyTorch, differentiates, judges what it expects, and writes every
value and gradient to outputs/RECIPE/.

  run-recipe recipes/linear_autograd.yaml
  run-recipe recipes/linear_autograd.yaml device=cuda dtype=float64
  run-recipe recipes/attention.yaml params.n=128 backend=inductor
  run-recipe recipes/linear_autograd.yaml steps.y.op=sub '~expect.y'
  run-recipe -m recipes/attention.yaml dtype=float32,bfloat16 backend=eager,inductor
  run-recipe -m recipes/*.yaml 'params.n=range(1,9)' hydra.launcher.n_jobs=4

overrides (Hydra's grammar)
  device=cuda      cpu, cuda, cuda:1, mps, xpu, meta, auto for the best present
  dtype=float64    float64, float32, bfloat16, float16
  backend=NAME     eager, or a backend of torch.compile, such as inductor
  case=NAME        one of the recipe's cases
  seed=1           seeds every random number
  record=outputs   all, outputs, or a list of names
  KEY=VALUE        any key of the recipe; ~KEY takes one away
  hydra.run.dir=D  where to write; of a sweep, hydra.sweep.dir=D

keys of a recipe (docs/recipe-format.md shows each)
{_KEYS_HELP}

flags
  --json           the result on standard output, as result.json has it
  -q, --quiet      print only what is wrong
  --ops FILE.py    a Python file that registers ops of your own (register_op); may be given again
  --no-save        write no result
  --max-file GIB   what one file that a recipe names may hold, unpacked; 4 where it is not said
  -m, --multirun   sweep: run every combination of the values given, each in a worker process, hold each against the
                   recipe's reference, and end with a table; values are A,B or range(1,9) or choice(a,b) or glob(*)
  --fail-fast      end a sweep at the first bad cell
  --resume FOLDER  go on with a sweep that was cut short; its recipe and overrides stand in the folder;
                   files of ops are named again (--ops)
  --timeout S      seconds that a run, or a cell of a sweep, may take
  --max-memory GIB memory that it may take beside PyTorch's own; at either limit it is ended, with exit code 3
  --cfg job        show the composed recipe's configuration, and run nothing
  --version, -h, --help

{exit_codes_help()}
"""

RECIPE_HELP: Final = f"""\
usage: recipe COMMAND

looking up
  recipe ops [PATTERN]        list the registry, or the ops that fit: recipe ops softmax, recipe ops 'linalg.*',
                              recipe ops 'cross entropy'
  recipe list [FOLDER …]      the recipes below a folder, with what each says of itself
  recipe check RECIPE.yaml …  read and bind recipes, and run nothing
  recipe schema               the JSON Schema of result.json

what was run
  recipe show FOLDER …        the result in a run's folder
  recipe table FOLDER …       a sweep's table again
  recipe compare A B          two runs' folders, or two sweeps', judged anew: --rtol X, --atol X, --signed-zeros,
                              --baseline RUN with --k N times its noise

recipes as regression fixtures
  recipe record PATH …        write goldens beside recipes: --missing, --stale, case=NAME, device=cuda
  recipe verify PATH …        hold recipes against their goldens: dtype=float32,bfloat16 backend=inductor device=cuda,
                              -k N times the noise
  recipe review PATH …        walk through what changed, and accept it or not; without a terminal --list,
                              --accept-noise, --accept-all

flags
  --json                      the answer as JSON (ops, list, show, table, compare, record, verify)
  -q, --quiet                 print only what is wrong (check, show, compare, record, verify, review)
  --ops FILE.py               a Python file that registers ops of your own
  --max-file GIB              what one file that a recipe names may hold, unpacked; 4 where it is not said
  --version, -h, --help

{exit_codes_help()}
"""


def run_recipe_command() -> None:
    """The command `run-recipe`."""
    leave_warnings_to_results()
    _exit(_guarded(run_recipe_main, sys.argv[1:]))


def recipe_command() -> None:
    """The command `recipe`."""
    leave_warnings_to_results()
    _exit(_guarded(recipe_main, sys.argv[1:]))


def _exit(code: int) -> NoReturn:
    left_to_the_system()
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

    _exit(_guarded(run, watched.words))


def _guarded(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """An exit code for whatever happens; no traceback for what a user wrote, nor for a signal."""
    open_streams()
    try:
        with heeded() as asked:
            try:
                return _coded(main, arguments)
            except Exception as error:  # noqa: BLE001 - the last door
                # what is interrupted while it is imported raises what it likes
                return _fault(error) if (ended := asked()) is None else _ended(ended)
    except KeyboardInterrupt as ended:
        return _ended(ended)


def _coded(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """The exit code of a command, or of what it raises for what a user wrote."""
    try:
        return flushed(main(arguments))
    except RecipeError as error:
        complain(str(error))
        return ExitCode.WRONG
    except TensorflowFreeError as error:
        complain(str(error))
        return ExitCode.INTERNAL if isinstance(error, StorageError) else ExitCode.STEP_FAILED
    except BrokenPipeError:
        return flushed(ExitCode.OK)


def _ended(ended: KeyboardInterrupt) -> int:
    """Say that a signal ended it."""
    with suppress(OSError):
        # the terminal may be what is gone
        complain(f"{words_of(ended)}; what is written is whole")
    return code_of(ended)


def _fault(error: Exception) -> int:
    """An error of the output's, of a lack of memory outside of steps, or of ours, told as such."""
    try:
        _refuse_gone()
    except RecipeError as gone:
        # it went while the command was at work
        complain(str(gone))
        return ExitCode.WRONG
    import traceback

    from tensorflow_free.errors import words_of as told
    from tensorflow_free.run.torch_errors import is_out_of_memory

    if is_out_of_memory(error):
        complain(f"out of memory: {told(error)}")
        return ExitCode.STEP_FAILED
    if isinstance(error, OSError) and error.filename is None:
        complain(f"what there is to say cannot be written: {error.strerror or error}")
        return ExitCode.INTERNAL
    complain("".join(traceback.format_exception(error)).rstrip())
    complain(f"this is an error of tensorflow_free, not of yours: {type(error).__name__}: {error}")
    return ExitCode.INTERNAL


def _refuse_gone() -> None:
    """Refuse to work in a folder that was deleted: torch's libraries end the process there.

    Raises:
        RecipeError: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise wrong("working folder", "it was deleted; cd to a folder that is there, and type this again") from error


def _answered(arguments: Sequence[str], text: str) -> bool:
    """Whether the command line only asks for help or the version, which is then printed."""
    if not arguments or "--help" in arguments or "-h" in arguments:
        print(text, end="")
        return True
    if "--version" in arguments:
        print(f"tensorflow_free {VERSION}")
        return True
    return False


# run-recipe


def run_recipe_main(arguments: Sequence[str], watched: Watched | None = None) -> int:
    """`run-recipe`: the exit code. `watched` is told of the run, where another process holds its limits."""
    if _answered(arguments, RUN_HELP):
        return ExitCode.OK if arguments else ExitCode.WRONG
    _refuse_gone()
    flags = Flags(arguments)
    if flags.resume is not None:
        from tensorflow_free.commands.sweep_host import go_on

        return go_on(flags)
    if flags.limits:
        from tensorflow_free.composition.command_line import sorted_words

        words = sorted_words(flags.rest)
        if not words.is_multirun:
            from tensorflow_free.commands.limited_run import run_limited

            return run_limited(flags, words)
    from tensorflow_free.hydra_app.command import run_through_hydra

    def task(composed: Composed, folder: Path) -> int:
        if flags.fail_fast:
            raise wrong("flag '--fail-fast'", "it ends sweeps; add -m")
        return _run_one(composed, folder, flags, watched)

    def host() -> SweepHost:
        from tensorflow_free.commands.sweep_host import Host

        return Host(flags)

    return run_through_hydra(flags.rest, task, host=host, best_device=_best_device)


def _best_device() -> str:
    from tensorflow_free.tensors.devices import best_device

    return best_device()


def _run_one(composed: Composed, folder: Path, flags: Flags, watched: Watched | None) -> int:
    """Run one composed recipe, save it and show it."""
    from tensorflow_free.loading import plan_of, recipe_of, untaken_case_of
    from tensorflow_free.runner import run

    flags.load_ops()
    if (code := _without_steps(composed)) is not None:
        return code
    try:
        recipe = recipe_of(composed)
    except RecipeError as error:
        if untaken := untaken_case_of(composed, error):
            raise RecipeError([*error.problems, *untaken]) from error
        raise
    plan = plan_of(recipe)
    if watched is not None:
        watched.begins(plan, composed.stem, folder)
    with Progress(enabled=not flags.quiet) as progress:
        result, _ = run(plan, progress=progress, watch=None if watched is None else watched.watch)
    result.name = composed.stem
    saved = not flags.no_save and _saved(result, folder)
    if watched is not None:
        watched.ended()
    show(result, f"{folder}/result.json" if saved else None, flags)
    if not saved and not flags.no_save:
        return ExitCode.INTERNAL
    if result.error is not None and not result.error.expected:
        return ExitCode.STEP_FAILED
    return ExitCode.OK if result.is_well else ExitCode.UNMET


def _saved(result: Result, folder: Path) -> bool:
    """Save the result; where that fails, say so: what was computed is still worth showing."""
    try:
        result.on_disk().write(folder, lasting=True)
    except StorageError as error:
        complain(str(error))
        return False
    return True


def _without_steps(composed: Composed) -> int | None:
    """For a file of nothing but cases: list them, and the exit code; None for one that can run."""
    mapping = composed.mapping
    if mapping.get("steps") or mapping.get("case") or not mapping.get("cases"):
        return None
    from tensorflow_free.composition.overrides import case_override

    cases = "".join(f"\n  {printable(case_override(name))}" for name in mapping["cases"])
    place = printable(str(composed.place(("cases",))))
    complain(f"{place}: the recipe has no steps of its own; choose one of its cases:{cases}")
    return ExitCode.WRONG


# recipe


def recipe_main(arguments: Sequence[str]) -> int:
    """`recipe`: the exit code."""
    if _answered(arguments, RECIPE_HELP):
        return ExitCode.OK if arguments else ExitCode.WRONG
    _refuse_gone()
    flags = Flags(arguments)
    for flag, is_given in (
        ("--fail-fast", flags.fail_fast),
        ("--resume", flags.resume is not None),
        ("--timeout", flags.limits.timeout_s is not None),
        ("--max-memory", flags.limits.memory_gib is not None),
    ):
        if is_given:
            raise wrong(f"flag '{flag}'", "it is run-recipe's; see recipe --help")
    from tensorflow_free.commands.subcommands import subcommand

    run, words = subcommand(flags.rest)
    return run(words, flags)
