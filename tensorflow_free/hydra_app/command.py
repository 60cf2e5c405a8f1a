"""A command line of `run-recipe`, run: straight where it is plain, through Hydra where it uses what only Hydra has.

Straight: recipe files and overrides. Through Hydra: `-m`, `--cfg`, `--info`, and all that begins with `hydra`. Both
end in `compose`, so that a recipe is the same either way; straight saves two compositions of Hydra, 0.2 seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tensorflow_free.composition.command_line import CommandLine
from tensorflow_free.composition.compose import BestDevice, Composed, compose
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.files.new_folders import output_folder
from tensorflow_free.hydra_app.multirun import SweepHost
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.endings import Ended

Host = Callable[[], SweepHost]
"""Gives what runs a sweep; called when there is one to run."""

Task = Callable[[Composed, Path], int]
"""Runs one recipe into a folder, which may not exist yet, and gives the exit code."""


def run_through_hydra(
    words: CommandLine,
    task: Task,
    *,
    host: Host | None = None,
    best_device: BestDevice | None = None,
) -> int:
    """Run what a command line asks for.

    Args:
        words: recipe files, overrides and Hydra's flags.
        task: called once for each recipe. The folder is `outputs/STEM/<date>_<time>-<random>`, or what `hydra.run.dir`
            says; it does not exist, or holds nothing but Hydra's `.hydra`.
        host: gives what runs the sweep that `-m` asks for, in `multirun/<date>_<time>-<random>`, or where
            `hydra.sweep.dir` says.
        best_device: as of `compose`; asked inside a job only.

    Returns:
        The worst exit code of all recipes, or the sweep's; 0 where Hydra only showed something; 130 after ^C.

    Raises:
        RecipeError: an override, a recipe, or what Hydra was told, is wrong.
    """
    try:
        if words.is_multirun:
            if host is None:
                raise RecipeError([Problem(Place(file="flag '-m'"), "nothing here runs sweeps; use run-recipe")])
            from tensorflow_free.hydra_app.sweeping import swept  # noqa: PLC0415 - as below

            return swept(words, host())
        if words.needs_hydra:
            # Hydra takes a tenth of a second to import, and a plain run has no use for it.
            from tensorflow_free.hydra_app.handover import hand_over  # noqa: PLC0415

            return hand_over(words, task, best_device)
        return _straight(words, task, best_device)
    except Ended:
        # whoever heeds signals says how it ended
        raise
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _straight(words: CommandLine, task: Task, best_device: BestDevice | None) -> int:
    composed, problems = [], list[Problem]()
    for file in words.files:
        try:
            composed.append(compose(file, words.overrides, best_device=best_device))
        except RecipeError as error:
            problems.extend(problem for problem in error.problems if problem not in problems)
    if problems:
        raise RecipeError(problems)
    return max(task(recipe, output_folder(recipe.stem)) for recipe in composed)
