"""A sweep as Hydra's settings ask for it: in local workers, as jobs of a launcher, or by another sweeper.

The cells are read by our own rules, so that an override means the same as in a plain run; Hydra gets one recipe and its
own settings only. Another sweeper gets all overrides, as it has to choose the cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from tensorflow_free.composition.command_line import CommandLine
from tensorflow_free.composition.grammar import choosing
from tensorflow_free.composition.recipe_files import encoded
from tensorflow_free.errors import Place, Problem, RecipeError, refuse_any
from tensorflow_free.hydra_app.chosen import Chosen
from tensorflow_free.hydra_app.folders import Folders
from tensorflow_free.hydra_app.launching import announced, jobs_of, launch, size_of_jobs
from tensorflow_free.hydra_app.library import hydra_configured, started
from tensorflow_free.hydra_app.own_words import choice, hydra_problems, own_settings, recipe_choices
from tensorflow_free.hydra_app.primary import (
    CELLS,
    PRIMARY,
    WORKERS,
    hydra_texts,
    name_below,
    not_nameable,
    recipes_below,
)
from tensorflow_free.sweep.axes import matrix_of
from tensorflow_free.sweep.jobs import Chunks
from tensorflow_free.sweep.launch import Settings
from tensorflow_free.sweep.matrix import Matrix
from tensorflow_free.sweep.preparation import SweepStart, one_timeout, prepared
from tensorflow_free.sweep.sweep import Sweep

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra


@dataclass
class Swept:
    """A sweep as Hydra was asked for it.

    Attributes:
        sweep: the sweep.
        has_run: whether its cells have run, by another launcher, or as another sweeper chose them.
        lost: why jobs of another launcher ended before their time.
        ended: what ended it before its time.
    """

    sweep: Sweep
    has_run: bool = False
    lost: Sequence[str] = ()
    ended: KeyboardInterrupt | None = None


def swept(words: CommandLine, settings: Settings) -> Swept:
    """The sweep that a command line asks for, ready to be run by workers here; any other has run.

    Args:
        words: the command line.
        settings: how it is run, as far as flags say.

    Raises:
        RecipeError: something of it is wrong, and nothing has run.
        KeyboardInterrupt: it was interrupted before anything has run.
    """
    ours, matrix = _is_ours(words), _matrix(words)
    folder, files = recipes_below([recipe.path for recipe in matrix.recipes])
    # our own sweeper has no use for Hydra's knowing more than one
    recipes = {name_below(folder, file): file for file in (files[:1] if ours else files)}
    beside = [] if ours else not_nameable(files[0], words.overrides)
    texts = [] if ours else hydra_texts(words.overrides, beside)
    options, own = [encoded(name) for name in recipes], [*own_settings(words), "hydra.mode=MULTIRUN"]
    with hydra_configured(recipes, beside):
        library = started()
        config = hydra.compose(PRIMARY, [choosing(options[:1]), *own], return_hydra_config=True)
        start = _start(config, matrix, Folders(matrix, folder, config), chosen=not ours)
        sweep = prepared(start, _settings(config, settings, start.launcher), words.typed)
        if not ours:
            return _chosen(library, [choosing(options), *texts, *own], Chosen(sweep, recipes, beside))
        with announced(config) as callbacks:
            if start.launcher != WORKERS:
                ops = [str(Path(file).absolute()) for file in settings.ops]
                size = size_of_jobs(len(sweep), config.hydra.sweeper.cells_per_job)
                trusted = [one.text for one in sweep.document.options if one.trusted]
                chunks = Chunks(sweep.folder.resolve(), size, ops, trusted)
                return _launched(HydraContext(library.config_loader, callbacks), config, sweep, options[0], chunks)
    return Swept(sweep)


# ------------------------------------------------------------------------------------------------- the command line


def _is_ours(words: CommandLine) -> bool:
    """Whether the sweeper is our own."""
    return choice(words, "hydra/sweeper", CELLS) == CELLS


def _matrix(words: CommandLine) -> Matrix:
    """What varies; recipes alone where another sweeper is to choose the rest.

    Raises:
        RecipeError: with all that is wrong with the command line.
    """
    problems = [*hydra_problems(own_settings(words)), *_two_strangers(words)]
    try:
        matrix = matrix_of(words.files, [*recipe_choices(words), *(words.overrides if _is_ours(words) else ())])
    except RecipeError as error:
        raise RecipeError([*problems, *(one for one in error.problems if one not in problems)]) from error
    refuse_any(problems)
    return matrix


def _two_strangers(words: CommandLine) -> list[Problem]:
    """That one of the sweeper and the launcher has to be ours, where neither is."""
    sweeper, launcher = choice(words, "hydra/sweeper", CELLS), choice(words, "hydra/launcher", WORKERS)
    if sweeper == CELLS or launcher == WORKERS:
        return []
    message = (
        f"'{launcher}' cannot run what '{sweeper}' chooses, as neither would keep rows; leave out hydra/launcher to "
        "run it in workers here, or hydra/sweeper to give the launcher every combination"
    )
    return [Problem(Place(file=f"override 'hydra/launcher={launcher}'"), message)]


# ---------------------------------------------------------------------------------------------------- Hydra's settings


def _start(config: DictConfig, matrix: Matrix, folders: Folders, *, chosen: bool) -> SweepStart:
    """What the sweep starts from, as Hydra's settings have it.

    Raises:
        RecipeError: they name no folders that there can be.
    """
    launcher = str(config.hydra.runtime.choices.get("hydra/launcher", "another"))
    return SweepStart(matrix, folders.sweep(), () if chosen else folders.cells(), launcher, chosen=chosen)


def _settings(config: DictConfig, flags: Settings, launcher: str) -> Settings:
    """How the sweep is run, by flags and by Hydra's settings."""
    mine = launcher == WORKERS
    said = OmegaConf.select(config, f"hydra.{'launcher' if mine else 'sweeper'}.cell_timeout_s")
    n_jobs = config.hydra.launcher.n_jobs if mine else None
    return replace(flags, n_jobs=n_jobs, cell_timeout_s=one_timeout(said, flags.cell_timeout_s))


# ------------------------------------------------------------------------------------------------------ run elsewhere


def _launched(context: HydraContext, config: DictConfig, sweep: Sweep, option: str, chunks: Chunks) -> Swept:
    """The sweep, run job by job by another launcher."""
    found = Swept(sweep, has_run=True)
    jobs = jobs_of(option, sweep.folder, math.ceil(len(sweep) / chunks.size))
    sweep.create()
    try:
        returned, found.lost = launch(config, context, chunks, sweep.folder, jobs)
        sweep.document.environment = next((one for one in returned if one), None)
    except KeyboardInterrupt as stop:
        found.ended = stop
    sweep.gather()
    return found


def _chosen(library: Hydra, texts: Sequence[str], chosen: Chosen) -> Swept:
    """The sweep, its cells run as another sweeper chooses them."""
    found = Swept(chosen.sweep, has_run=True)
    try:
        library.multirun(PRIMARY, chosen, list(texts))
    except KeyboardInterrupt as stop:
        if not len(chosen.sweep):
            raise
        found.ended = stop
    if len(chosen.sweep):
        chosen.sweep.gather()
    return found
