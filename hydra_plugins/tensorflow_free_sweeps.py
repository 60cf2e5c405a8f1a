"""The sweeper and the launcher that `run-recipe -m` gives to Hydra.

Every Hydra app of an environment imports this module when it looks for plugins, so that it loads nothing but Hydra;
and Hydra reads the annotations of the two dataclasses, so that they must not be postponed.
"""

# ruff: noqa: INP001 - Hydra's plugins live in a namespace package

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import CompactHydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

_ELSEWHERE = "hydra/sweeper: this sweeper and this launcher run recipes, and serve `run-recipe -m` only"


@dataclass
class CellsConf:
    """The settings of `hydra.sweeper`, for other launchers: the cells of a job, and how long a cell may take."""

    _target_: str = "hydra_plugins.tensorflow_free_sweeps.CellsSweeper"
    cells_per_job: Optional[int] = None  # noqa: UP045 - Hydra's structured configs know no other way
    cell_timeout_s: Optional[float] = None  # noqa: UP045


@dataclass
class WorkersConf:
    """The settings of `hydra.launcher`: how many workers there are, and how long a cell may take."""

    _target_: str = "hydra_plugins.tensorflow_free_sweeps.WorkersLauncher"
    n_jobs: Optional[int] = None  # noqa: UP045
    cell_timeout_s: Optional[float] = None  # noqa: UP045


ConfigStore.instance().store(group="hydra/sweeper", name="cells", node=CellsConf, provider="tensorflow_free")
ConfigStore.instance().store(group="hydra/launcher", name="workers", node=WorkersConf, provider="tensorflow_free")


class _Plugin:
    """What a sweeper and a launcher have in common: both keep what Hydra gives."""

    task_function: TaskFunction | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra gives."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config


class CellsSweeper(_Plugin, Sweeper):
    """Every combination of what a command line gives, each a cell; other launchers are given many cells a job.

    `run-recipe -m` knows it by its name and its settings, and makes the cells itself.
    """

    def __init__(self, cells_per_job: int | None = None, cell_timeout_s: float | None = None) -> None:
        self.cells_per_job = cells_per_job
        self.cell_timeout_s = cell_timeout_s

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ARG002 - the name is Hydra's
        """Refuse: this is another Hydra app than `run-recipe`."""
        raise CompactHydraException(_ELSEWHERE)


class WorkersLauncher(_Plugin, Launcher):
    """Runs cells in warm worker processes of this machine, for whatever sweeper chooses them."""

    def __init__(self, n_jobs: int | None = None, cell_timeout_s: float | None = None) -> None:
        self.n_jobs = n_jobs
        self.cell_timeout_s = cell_timeout_s

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run a cell for each job; what it returns is the share of the allowed error that its worst value used."""
        run_cells = getattr(self.task_function, "run_cells", None)
        if run_cells is None:
            raise CompactHydraException(_ELSEWHERE)
        jobs = [
            JobReturn(overrides=list(overrides), status=JobStatus.COMPLETED, working_dir=str(Path.cwd()))
            for overrides in job_overrides
        ]
        for job, used in zip(jobs, run_cells(job_overrides, initial_job_idx), strict=True):
            job.return_value = used
        return jobs
