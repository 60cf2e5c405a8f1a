"""The jobs of a sweep for other launchers of Hydra's: the name of each, and its outcome. Knows no recipe."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

from hydra._internal.callbacks import Callbacks
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, flag_override

from tensorflow_free.composition.grammar import choosing
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.hydra_app.primary import PRIMARY
from tensorflow_free.sweep.folder import JOB_CELLS

MOST_CELLS_PER_JOB: Final = 250
"""More cost little less, and a job that dies takes its cells with it."""

RAY: Final = {"object_store_memory": None, "log_to_driver": False}
"""Settings of `ray.init` by default. Ray's launcher would size an object store, which a cluster has,
so that Ray refuses it (https://github.com/hydra-ecosystem/hydra/issues/2893); and Ray would print lines of its own."""


def size_of_jobs(cells: int, cells_per_job: int | None) -> int:
    """How many cells a job has: so many, or as many as give each core a job.

    Raises:
        RecipeError: there can be no job with so many.
    """
    if cells_per_job is None:
        return min(MOST_CELLS_PER_JOB, math.ceil(cells / (os.cpu_count() or 1)))
    if cells_per_job < 1:
        message = f"'{cells_per_job}' is not a number of cells; give an integer of at least 1"
        raise RecipeError([Problem(Place(file="hydra.sweeper.cells_per_job"), message)])
    return cells_per_job


def jobs_of(option: str, folder: Path, count: int) -> list[list[str]]:
    """What names each job, as Hydra's overrides.

    Hydra puts nothing of a job's own into the sweep's folder, and nothing into the one where the job happens to be.

    Args:
        option: the recipe that Hydra is told of.
        folder: the sweep's folder.
        count: how many jobs there are.
    """
    there = QuotedString(_unresolved(str(folder.resolve())), Quote.single).with_quotes()
    own = [choosing([option]), f"hydra.sweep.dir={there}", "hydra.sweep.subdir=.", "hydra.output_subdir=null"]
    return [[*own, f"+chunk={number}"] for number in range(count)]


@contextmanager
def announced(config: DictConfig) -> Iterator[Callbacks]:
    """The callbacks of Hydra's that the config names, told when a sweep begins, and that it is over."""
    callbacks = Callbacks(config)
    callbacks.on_multirun_start(config=config, config_name=PRIMARY)
    yield callbacks
    callbacks.on_multirun_end(config=config, config_name=PRIMARY)


def launch(
    config: DictConfig, context: HydraContext, task: TaskFunction, folder: Path, jobs: Sequence[Sequence[str]]
) -> tuple[list[Any], list[str]]:
    """Run jobs by the launcher that the config names.

    Args:
        config: Hydra's, of the sweep.
        context: what composes the config of a job, and whom to tell.
        task: what runs a job; it can be pickled, and finds its cells by its config.
        folder: the sweep's folder.
        jobs: what names each job, as Hydra's overrides.

    Returns:
        What the jobs returned, and why others ended before their time.

    Raises:
        Exception: what the launcher raises, where no job has begun.
    """
    _settle(config, folder)
    plugin = Plugins.instance().instantiate_launcher(context, task, config)
    try:
        # what a launcher prints is no part of the answer
        with redirect_stdout(sys.stderr):
            ended = plugin.launch(jobs, initial_job_idx=0)
    except Exception as error:
        # joblib and submitit raise when a job was killed; without rows none has begun
        if not any(folder.glob(JOB_CELLS)):
            raise
        return [], [_in_words(error)]
    # the property `return_value` prints, and raises
    returned = [(job.status is JobStatus.COMPLETED, job._return_value) for job in ended]  # noqa: SLF001
    return [value for well, value in returned if well], [_in_words(value) for well, value in returned if not well]


def _settle(config: DictConfig, folder: Path) -> None:
    """Settle what launchers read: the sweep's folder as it is known by now, and Ray's own settings."""
    with flag_override(config, ["struct", "readonly"], False):
        config.hydra.sweep.dir = _unresolved(str(folder))
        init = OmegaConf.select(config, "hydra.launcher.ray.init")
        if isinstance(init, DictConfig):
            init.update({key: value for key, value in RAY.items() if key not in init})


def _in_words(error: object) -> str:
    """An error of a launcher, whose text may have many lines, in one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join([type(error).__name__, *lines[:1]])


def _unresolved(text: str) -> str:
    return text.replace("${", "\\${")
