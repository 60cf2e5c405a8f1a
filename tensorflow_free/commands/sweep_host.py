"""Runs the sweep that Hydra's plugins ask for: in workers here, job by job elsewhere, or as another sweeper chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain
from tensorflow_free.commands.sweep_screen import run_and_show, show
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.composition.overrides import OverrideError, override_place
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Place, Problem, RecipeError, StorageError
from tensorflow_free.hydra_app.multirun import WORKERS, Chosen, Multirun
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.sweep.cells import Cell, capability_of
from tensorflow_free.sweep.jobs import run_chunk
from tensorflow_free.sweep.preparation import SweepStart, begun, resume_sweep
from tensorflow_free.sweep.sweep import Settings, Sweep


class CommandLineHost:
    """Runs one sweep of the command line. Its methods are those of `SweepHost`."""

    def __init__(self, flags: Flags) -> None:
        self.chunk_task: Callable[..., Any] = run_chunk
        self.ops: Sequence[str] = tuple(flags.ops)
        self._flags = flags
        self._sweep: Sweep | None = None
        self._elsewhere = False
        self._cells: list[Cell] = []
        self._lost: list[str] = []

    def begin(self, multirun: Multirun) -> int:
        """Make the sweep ready; with another launcher, its folder too, where the jobs look for it."""
        flags = self._flags
        settings = Settings(
            multirun.n_jobs,
            _timeout(multirun.cell_timeout_s, flags),
            flags.fail_fast,
            list(flags.ops),
            keeps=not flags.no_save,
            max_memory_gib=flags.limits.memory_gib,
        )
        start = SweepStart(
            multirun.matrix, multirun.folder, multirun.folders, multirun.launcher, chosen=multirun.chosen
        )
        self._sweep = begun(start, settings, multirun.arguments)
        self._elsewhere = multirun.launcher != WORKERS or multirun.chosen
        if self._elsewhere:
            self._sweep.create()
        return len(self._sweep)

    def batch(self, chosen: Sequence[Chosen]) -> list[float]:
        """Run cells that another sweeper chose."""
        sweep = self._begun()
        self._cells += [
            Cell(
                one.number,
                one.recipe,
                one.overrides,
                tuple((override.key, override.value_text) for override in one.overrides),
                str(one.number),
                capability_of(one.overrides),
            )
            for one in chosen
        ]
        wanted = {one.number: float("inf") for one in chosen}
        sweep.choose(self._cells)
        for row in sweep:
            if row.number in wanted and row.used is not None:
                wanted[row.number] = row.used
        return list(wanted.values())

    def returned(self, value: Any) -> None:
        """Keep the environment of another launcher's jobs: that of the first."""
        document = self._begun().document
        if document.environment is None and isinstance(value, dict) and value:
            document.environment = value

    def lost(self, reason: str) -> None:
        """Keep why a job of another launcher ended before its time."""
        self._lost.append(reason)

    def end(self, ended: KeyboardInterrupt | None = None) -> int:
        """Run what has not run, or gather what ran elsewhere; show it, and give the exit code."""
        if ended is not None and not (self._sweep and self._elsewhere):
            raise ended
        if self._sweep is None:
            return ExitCode.OK
        if not self._elsewhere:
            return run_and_show(self._sweep, self._flags)
        self._sweep.gather()
        for reason in dict.fromkeys(self._lost):
            complain(f"{self._sweep.document.launcher.name}: a job ended before its time: {reason}")
        return show(self._sweep, self._flags, ended)

    def _begun(self) -> Sweep:
        assert self._sweep is not None  # noqa: S101 - Hydra's plugins begin a sweep before all else
        return self._sweep


def _timeout(launchers: float | None, flags: Flags) -> float | None:
    """The seconds that a cell may take, by the flag or by the launcher's setting.

    Raises:
        RecipeError: it is said twice.
    """
    if launchers is not None and flags.limits.timeout_s is not None:
        raise wrong("flag '--timeout'", "it is what cell_timeout_s is, which is given, too; give one of the two")
    return flags.limits.timeout_s if launchers is None else launchers


LAUNCHER_KEYS: Final = ("hydra.launcher.n_jobs", "hydra.launcher.cell_timeout_s")
"""What may be said anew of a sweep that goes on."""


def go_on(flags: Flags, words: Sequence[str]) -> int:
    """`run-recipe --resume FOLDER` and the words beside it: the exit code.

    Raises:
        RecipeError: the folder is no sweep's, its recipe has changed, or there are words that cannot be taken anew.
    """
    said: dict[str, Any] = {}
    problems = [problem for text in words for problem in _said(text, said)]
    if flags.no_save:
        problems.append(Problem(Place(file="flag '--no-save'"), "a sweep that goes on does as it began"))
    if problems:
        raise RecipeError(problems)
    try:
        sweep = resume_sweep(
            str(flags.resume),
            n_jobs=said.get(LAUNCHER_KEYS[0]),
            cell_timeout_s=_timeout(said.get(LAUNCHER_KEYS[1]), flags),
            max_memory_gib=flags.limits.memory_gib,
            fail_fast=flags.fail_fast,
            ops=flags.ops,
        )
    except StorageError as error:
        raise wrong("flag '--resume'", str(error)) from error
    return run_and_show(sweep, flags)


def _said(text: str, said: dict[str, Any]) -> Iterator[Problem]:
    """Take in a setting of the launcher; a problem for every other word."""
    if "=" not in text and not text.startswith("~"):
        message = "a sweep that goes on has its recipe and its overrides in its folder; leave this out"
        yield Problem(Place(file=f"command line: '{text}'"), message)
        return
    try:
        override = parse_override(text)
    except (OverrideError, ScalarError) as error:
        yield Problem(override_place(text), str(error))
        return
    key = ".".join(override.parts)
    if key in LAUNCHER_KEYS:
        said[key] = override.value
    else:
        message = f"--resume takes all from the folder; beside it stand only {' and '.join(LAUNCHER_KEYS)}"
        yield Problem(override_place(text), message)
