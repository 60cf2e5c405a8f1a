"""The jobs of a sweep for other launchers of Hydra's: what names each, and what became of them. Knows no recipe."""

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

CARRIED: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "ONEDNN_MAX_CPU_ISA",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
)
"""Variables that numbers hang on. joblib and Ray set some of them in their jobs, and a cluster has its own; in a job
they are as they are here, or not set."""

RAY: Final = {"object_store_memory": None, "log_to_driver": False}
"""Settings of `ray.init` where nobody says otherwise. Ray's launcher would size an object store, which a cluster has,
so that Ray refuses it (https://github.com/hydra-ecosystem/hydra/issues/2893); and Ray would print lines of its own."""


def jobs_of(
    option: str, folder: Path, count: int, cells_per_job: int | None, ops: Sequence[str] = ()
) -> Iterator[list[str]]:
    """What names each job, as Hydra's overrides: the sweep's folder, which of its cells, and in what environment.

    Hydra puts nothing of a job's own into the folder, and nothing into the one where the job happens to be.

    Args:
        option: the recipe that Hydra is told of.
        folder: the sweep's folder.
        count: how many cells there are.
        cells_per_job: how many a job has at most; as many as give each core a job, where it is None.
        ops: the files of the user's own ops that the command line names; what lies in the folder names none.
    """
    size = cells_per_job or min(MOST_CELLS_PER_JOB, math.ceil(count / (os.cpu_count() or 1)))
    there = _quoted(str(folder.resolve()))
    variables = ",".join(f"{name}:{_quoted(os.environ.get(name))}" for name in CARRIED)
    files = ",".join(_quoted(str(Path(file).absolute())) for file in ops)
    for number, first in enumerate(range(0, count, size)):
        yield [
            choosing([option]),
            f"+chunk.folder={there}",
            f"+chunk.job={number}",
            f"+chunk.first={first}",
            f"+chunk.count={min(size, count - first)}",
            f"+chunk.environment={{{variables}}}",
            f"+chunk.ops=[{files}]",
            f"hydra.sweep.dir={there}",
            "hydra.sweep.subdir=.",
            "hydra.output_subdir=null",
        ]


def refuse_size(cells_per_job: int | None) -> None:
    """See that jobs can have so many cells.

    Raises:
        RecipeError: they cannot.
    """
    if cells_per_job is not None and cells_per_job < 1:
        message = f"'{cells_per_job}' is no number of cells; give an integer of at least 1"
        raise RecipeError([Problem(Place(file="hydra.sweeper.cells_per_job"), message)])


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


def _quoted(text: str | None) -> str:
    """A text as Hydra's grammar takes it, with nothing in it that OmegaConf would resolve."""
    if text is None:
        return "null"
    return str(QuotedString(_unresolved(text), Quote.single).with_quotes())


def _unresolved(text: str) -> str:
    return text.replace("${", "\\${")
