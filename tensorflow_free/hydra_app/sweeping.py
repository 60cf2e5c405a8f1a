"""A command line with `-m`, handed to `hydra.main`: Hydra settles its own settings, our sweeper and launcher run it.

Hydra is told of one recipe and of its own settings only. What the cells are is read by our own rules, so that an
override means the same as in a plain run. Another sweeper is told all, as it has to choose the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tensorflow_free.composition.command_line import GROUP, CommandLine
from tensorflow_free.composition.compose import real_path
from tensorflow_free.composition.grammar import choosing, hydra_override
from tensorflow_free.composition.overrides import Override, OverrideError
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.files.new_folders import output_folder
from tensorflow_free.hydra_app.handover import ONE_AT_A_TIME, call_hydra, hydra_problems, options_of, told
from tensorflow_free.hydra_app.multirun import WORKERS, SweepHost
from tensorflow_free.hydra_app.source import untold
from tensorflow_free.hydra_app.sweeps import Current, asked_for
from tensorflow_free.sweep.axes import matrix_of
from tensorflow_free.sweep.matrix import Matrix

CELLS = "cells"
"""The name of the sweeper of our own."""


def swept(words: CommandLine, host: SweepHost) -> int:
    """Run the sweep that a command line asks for.

    Args:
        words: the command line.
        host: runs it.

    Returns:
        The exit code.

    Raises:
        RecipeError: something of it is wrong, and nothing has run.
    """
    matrix = _matrix(words)
    files = [recipe.path for recipe in matrix.recipes] or list(words.files)
    folder, options = options_of([real_path(file) for file in files])
    beside = [] if _is_ours(words) else untold(real_path(files[0]), words.overrides)
    current = Current(words, words.typed, matrix, folder, options[0], host, tuple(beside))
    try:
        with ONE_AT_A_TIME, asked_for(current):
            call_hydra(_told(words, options, beside), folder, output_folder(Path(files[0]).stem), _no_job, beside)
    except KeyboardInterrupt as ended:
        return host.end(ended)
    return host.end()


def _matrix(words: CommandLine) -> Matrix:
    """What varies; nothing where another sweeper is to choose.

    Raises:
        RecipeError: with all that is wrong with the command line.
    """
    problems = [problem for text in words.hydra if not _is_group(text) for problem in hydra_problems(text)]
    problems.extend(_two_strangers(words))
    groups = [text for text in words.hydra if _is_group(text)]
    try:
        matrix = matrix_of(words.files, [*groups, *words.overrides] if _is_ours(words) else groups)
    except RecipeError as error:
        raise RecipeError([*problems, *(one for one in error.problems if one not in problems)]) from error
    if problems:
        raise RecipeError(problems)
    return matrix


def _is_group(text: str) -> bool:
    return text.partition("=")[0] == GROUP


def _choice(words: CommandLine, group: str, usual: str) -> str:
    """The option of a config group of Hydra's that the command line chooses."""
    for text in words.hydra:
        try:
            override = hydra_override(text)
        except (OverrideError, ScalarError):
            continue
        if override.key_or_group == group:
            usual = str(override.value())
    return usual


def _is_ours(words: CommandLine) -> bool:
    return _choice(words, "hydra/sweeper", CELLS) == CELLS


def _two_strangers(words: CommandLine) -> list[Problem]:
    """That one of the sweeper and the launcher has to be ours, where neither is."""
    sweeper, launcher = _choice(words, "hydra/sweeper", CELLS), _choice(words, "hydra/launcher", WORKERS)
    if sweeper == CELLS or launcher == WORKERS:
        return []
    message = (
        f"'{launcher}' cannot run what '{sweeper}' chooses, as neither would keep rows; leave out hydra/launcher to "
        "run it in workers here, or hydra/sweeper to give the launcher every combination"
    )
    return [Problem(Place(file=f"override 'hydra/launcher={launcher}'"), message)]


def _told(words: CommandLine, options: Sequence[str], beside: Sequence[Override]) -> list[str]:
    """What Hydra is told: all, where another sweeper chooses; else what it has a say in."""
    hydra = [text for text in words.hydra if not _is_group(text)]
    if _is_ours(words):
        return [choosing(options[:1]), *hydra, *words.flags]
    return [choosing(options), *told(words, beside), *hydra, *words.flags]


def _no_job(config: Any) -> Any:
    raise AssertionError(config)  # pragma: no cover - each launcher is given its own
