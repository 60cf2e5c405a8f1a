"""A plain run, or a printed configuration, where the command line uses Hydra's own settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig

from tensorflow_free.composition.command_line import CommandLine
from tensorflow_free.composition.compose import BestDevice, Composed, compose, compose_all
from tensorflow_free.composition.grammar import choosing
from tensorflow_free.composition.recipe_files import encoded
from tensorflow_free.errors import Place, Problem, RecipeError, gathered_in, refuse_any
from tensorflow_free.files.new_folders import filled
from tensorflow_free.hydra_app.library import hydra_configured, show, started
from tensorflow_free.hydra_app.own_words import hydra_problems, own_settings, recipe_choices
from tensorflow_free.hydra_app.primary import PRIMARY, hydra_texts, name_below, not_nameable, recipes_below
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.sweep.axes import matrix_of
from tensorflow_free.text.phrases import seen_from_here

_SHOWING: Final = frozenset({"--cfg", "--info", "--hydra-help"})
"""Flags that make Hydra show something instead of running it."""


def run_with_hydra(words: CommandLine, task: Callable[[Composed, Path], int], best_device: BestDevice | None) -> int:
    """Run each recipe of a command line as Hydra's settings say, or have Hydra show something of it.

    Args:
        words: the command line.
        task: called once for each recipe, within a job of Hydra's. Its folder is what `hydra.run.dir` says; it holds
            nothing but Hydra's `.hydra`.
        best_device: as of `compose`; asked inside a job only.

    Returns:
        The worst exit code of all recipes; 0 where Hydra only showed something.

    Raises:
        RecipeError: a recipe, or what Hydra was told, is wrong.
    """
    folder, files = recipes_below(_looked_through(words))
    codes, problems = [int(ExitCode.OK)], list[Problem]()
    for file in files:
        beside, name = not_nameable(file, words.overrides), name_below(folder, file)
        texts = [choosing([encoded(name)]), *hydra_texts(words.overrides, beside), *own_settings(words)]
        done: Future[int] = Future()

        def job(_: Any, file: Path = file, done: Future[int] = done) -> None:
            try:
                done.set_result(task(compose(seen_from_here(file), words.overrides, best_device=best_device), _new()))
            except Exception as error:  # noqa: BLE001 - Hydra would print it
                done.set_exception(error)

        with hydra_configured({name: file}, beside):
            if _SHOWING & set(words.flags):
                show([*texts, *words.flags])
                continue
            started().run(PRIMARY, job, [*texts, "hydra.mode=RUN"])
        with gathered_in(problems):
            codes.append(done.result())
    refuse_any(dict.fromkeys(problems))
    return max(codes)


def _new() -> Path:
    """The folder of Hydra's job, which is new.

    Raises:
        RecipeError: it holds something.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    if why := filled(folder):
        raise RecipeError([Problem(Place(file="hydra.run.dir"), why)])
    return folder


def _looked_through(words: CommandLine) -> Sequence[str]:
    """The recipe files.

    Raises:
        RecipeError: with all that would be refused in the jobs, and settings of Hydra's that cannot be.
    """
    problems, choices = hydra_problems(words.hydra), recipe_choices(words)
    try:
        files = [recipe.path for recipe in matrix_of(words.files, choices).recipes] if choices else words.files
        compose_all(files, words.overrides)
    except RecipeError as error:
        raise RecipeError(dict.fromkeys([*error.problems, *problems])) from error
    refuse_any(problems)
    return files
