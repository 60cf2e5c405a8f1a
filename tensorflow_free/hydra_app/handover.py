"""A command line handed to `hydra.main`, with Hydra's own state put back afterwards and its refusals in our words."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.version import VersionBase

from tensorflow_free.composition.command_line import GROUP, CommandLine
from tensorflow_free.composition.compose import BestDevice, compose, real_path
from tensorflow_free.composition.grammar import choosing, for_hydra, hydra_override
from tensorflow_free.composition.overrides import Override, OverrideError, override_place
from tensorflow_free.composition.recipe_files import decoded, encoded, recipe_file
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Place, Problem, RecipeError, TensorflowFreeError, UnwritableError
from tensorflow_free.files.new_folders import moment, output_folder
from tensorflow_free.files.whole_files import is_part
from tensorflow_free.hydra_app.command import Task
from tensorflow_free.hydra_app.source import PRIMARY, served, untold
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.sweep.axes import seen_from_here
from tensorflow_free.text.characters import printable_lines

SHOWING: Final = frozenset({"--cfg", "--info", "--hydra-help"})
"""Flags that make Hydra show something instead of running it."""

_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)
"""What a disk says that takes nothing; all else is a word of the command line's that names no folder."""

ONE_AT_A_TIME: Final = threading.RLock()
"""Hydra's state and `sys.argv` are the process's."""


def hand_over(words: CommandLine, task: Task, best_device: BestDevice | None) -> int:
    """Run `words` through Hydra; see `run_through_hydra`."""
    with ONE_AT_A_TIME:
        return _handed_over(words, task, best_device)


def _handed_over(words: CommandLine, task: Task, best_device: BestDevice | None) -> int:
    files = [real_path(file) for file in words.files]
    _check(words)
    folder, options = options_of(files)
    jobs = _Jobs(folder, task, best_device, words.overrides)
    chosen = any(text.partition("=")[0] == GROUP for text in words.hydra)
    for option in options[:1] if chosen else options:
        choice = [] if chosen else [choosing([option])]
        beside = untold(recipe_file(folder, decoded(option)) or folder, words.overrides)
        called = [*choice, *told(words, beside), *words.hydra, *words.flags]
        call_hydra(called, folder, output_folder(Path(decoded(option)).name), jobs, beside)
    return jobs.outcome()


def told(words: CommandLine, beside: Sequence[Override]) -> list[str]:
    """The overrides as Hydra is told them, without those that are done beside it."""
    left_out = {override.text for override in beside}
    return [for_hydra(text) for text in words.overrides if text not in left_out]


# -------------------------------------------------------------------------------------------------- beforehand


def _check(words: CommandLine) -> None:
    """Refuse, before Hydra sees it, what would be refused in the job, and folders that hold something already."""
    problems: list[Problem] = []
    for file in words.files:
        try:
            compose(file, words.overrides)
        except RecipeError as error:
            problems.extend(problem for problem in error.problems if problem not in problems)
    for text in words.hydra:
        problems.extend(hydra_problems(text))
    if problems:
        raise RecipeError(problems)


def hydra_problems(text: str) -> Iterator[Problem]:
    """What is wrong with an override of Hydra's own settings: that it does not parse, or names a folder in use."""
    place = override_place(text)
    try:
        override = hydra_override(text)
    except (OverrideError, ScalarError) as error:
        yield Problem(place, str(error))
        return
    value = override.value()
    if override.key_or_group in ("hydra.run.dir", "hydra.sweep.dir") and isinstance(value, str) and "${" not in value:
        yield from (Problem(place, message) for message in _filled(Path(value)))


def _filled(folder: Path) -> Iterator[str]:
    """Why nothing can be put out into `folder`, if so. What Hydra puts there, and what was left, does not count."""
    if folder.exists() and not folder.is_dir():
        yield f"'{folder}' is a file; name a folder that is new or empty"
    elif folder.is_dir() and any(entry.name != ".hydra" and not is_part(entry.name) for entry in folder.iterdir()):
        yield f"the folder '{folder}' holds something already; name one that is new or empty"


def options_of(files: Sequence[Path]) -> tuple[Path, list[str]]:
    """The folder that holds all recipes, and each as the name that Hydra's group has for it."""
    folder = Path(os.path.commonpath([file.parent for file in files]))
    return folder, [encoded(file.relative_to(folder).with_suffix("").as_posix()) for file in files]


# ---------------------------------------------------------------------------------------------------- the jobs


class _Jobs:
    """The jobs of one command line: what each of them came to."""

    def __init__(self, folder: Path, task: Task, best_device: BestDevice | None, overrides: Sequence[str]) -> None:
        self._overrides = overrides
        self._folder = folder
        self._task = task
        self._best_device = best_device
        self._codes: list[int] = []
        self._problems: list[Problem] = []
        self._failure: Exception | None = None

    def __call__(self, _: Any) -> int:
        """One job, which Hydra calls with its config. The recipe is composed by our rules, from the same words."""
        try:
            code = self._job()
        except RecipeError as error:
            self._problems.extend(problem for problem in error.problems if problem not in self._problems)
            code = ExitCode.WRONG
        except Exception as error:  # noqa: BLE001 - Hydra would print it and go on; `outcome` raises it
            self._failure = self._failure or error
            code = ExitCode.INTERNAL
        self._codes.append(code)
        return code

    def _job(self) -> int:
        job = HydraConfig.get()
        folder = Path(job.runtime.output_dir)
        problems = [Problem(Place(file="hydra.run.dir"), message) for message in _filled(folder)]
        if problems:
            raise RecipeError(problems)
        option = decoded(str(job.runtime.choices[GROUP]))
        file = recipe_file(self._folder, option) or self._folder / f"{option}.yaml"
        return self._task(compose(seen_from_here(file), self._overrides, best_device=self._best_device), folder)

    def outcome(self) -> int:
        """The worst exit code; raises what went wrong outside of the task's own reporting."""
        if self._failure is not None:
            raise self._failure
        if self._problems:
            raise RecipeError(self._problems)
        return max(self._codes, default=ExitCode.OK)


# ---------------------------------------------------------------------------------------------- the call itself


def call_hydra(
    arguments: Sequence[str],
    folder: Path,
    run_folder: Path,
    job: Callable[[Any], Any],
    overrides: Sequence[Override] = (),
) -> None:
    """Call `hydra.main` with these words; whatever it changes of the process is put back.

    Args:
        arguments: overrides and flags, as Hydra reads them.
        folder: the folder whose recipes Hydra finds.
        run_folder: where a run is put out, unless the words say otherwise.
        job: called with the config of each job.
        overrides: what Hydra cannot be told, and finds done in the recipes.

    Raises:
        RecipeError: Hydra refuses the words.
    """

    def run_recipe(config: Any) -> Any:
        return job(config)

    base = "1.3" if hydra.__version__.startswith("1.3") else None
    with ExitStack() as undo:
        undo.enter_context(_state_kept())
        undo.enter_context(_command_line(list(arguments)))
        undo.enter_context(served(folder, run_folder, Path("multirun") / moment(), overrides))
        undo.enter_context(_refusals())
        if SHOWING & set(arguments):
            undo.enter_context(_printable_output())
        hydra.main(config_path=None, config_name=PRIMARY, version_base=base)(run_recipe)()


@contextmanager
def _printable_output() -> Iterator[None]:
    """What Hydra shows of a recipe, without what a terminal would act on."""
    told, stdout = io.StringIO(), sys.stdout
    with redirect_stdout(told):
        try:
            yield
        finally:
            stdout.write(printable_lines(told.getvalue()))


@contextmanager
def _refusals() -> Iterator[None]:
    """What Hydra refuses becomes a RecipeError; exceptions of jobs never come this way."""
    try:
        yield
    except TensorflowFreeError:
        raise
    except OSError as error:
        if error.errno in _DISK:
            raise UnwritableError(f"{error.filename}: Hydra cannot write here: {error.strerror}") from error
        raise RecipeError([_hydra_problem(error)]) from error
    except SystemExit as stop:
        if stop.code:
            raise RecipeError([Problem(Place(file="command line"), "Hydra refuses it; see above")]) from stop
    except Exception as error:
        raise RecipeError([_hydra_problem(error)]) from error


def _hydra_problem(error: Exception) -> Problem:
    """Hydra's message in one line, without its links."""
    if isinstance(error, OSError) and error.strerror:
        return Problem(Place(file=error.filename), f"Hydra cannot write here: {error.strerror}")
    text = str(error) or str(error.__cause__ or type(error).__name__)
    lines = [line.strip() for line in text.splitlines() if line.strip() and "https://" not in line]
    message = f"Hydra refuses it: {'; '.join(lines) or type(error).__name__}"
    return Problem(Place(file="command line"), message)


@contextmanager
def _command_line(arguments: list[str]) -> Iterator[None]:
    """`sys.argv` as Hydra reads it, and its exceptions raised instead of printed."""
    before, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = ["run-recipe", *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full_error


@contextmanager
def _state_kept() -> Iterator[None]:
    """Hydra's state of the process, which another Hydra app may be using, and the root logger, as they were."""
    app, config, version = GlobalHydra.instance(), HydraConfig.instance(), VersionBase.instance()
    root = logging.getLogger()
    before = app.hydra, config.cfg, version.version_base, root.level, list(root.handlers)
    app.clear()
    try:
        yield
    finally:
        app.hydra, config.cfg, version.version_base, level, root.handlers[:] = before
        root.setLevel(level)
