"""A job of another launcher of Hydra's: some cells of a sweep, run in one warm worker where the job is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tensorflow_free.errors import StorageError
from tensorflow_free.run.error_patterns import UNSUPPORTED_VARIABLE
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.job_crew import JobCrew
from tensorflow_free.sweep.launch import Settings

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
    UNSUPPORTED_VARIABLE,
)
"""Variables that numbers or outcomes hang on. joblib and Ray set some of them in their jobs, and a cluster has its own;
in a job they are as they are here, or not set."""


@dataclass(frozen=True)
class Chunks:
    """What runs each job of a sweep; it goes to wherever the job is.

    Attributes:
        folder: the sweep's folder, which says what its cells are.
        size: how many cells a job has; the last may have fewer.
        ops: the files of the user's own ops that the command line names; what lies in the folder names none.
        options: the overrides that the command line gives to compilers; what lies in the folder is not trusted.
        environment: variables as the sweep has them, None where they are not set.
    """

    folder: Path
    size: int
    ops: Sequence[str] = ()
    options: Sequence[str] = ()
    environment: Mapping[str, str | None] = field(
        default_factory=lambda: {name: os.environ.get(name) for name in CARRIED}
    )

    def __call__(self, config: Any) -> dict[str, Any]:
        """Run the cells of a job, and put their rows into a file of the job's own.

        Cells that have a row are not run again, as a job may be begun anew.

        Args:
            config: `chunk` in it is the number of the job.

        Returns:
            The environment of its worker, or nothing where every cell had its row.

        Raises:
            StorageError: the sweep's folder or its recipes are not here, or it cannot be written.
            RecipeError: the user's ops cannot be loaded.
        """
        kept = SweepFolder(self.folder, f"cells.{config.chunk}.jsonl")
        document = kept.document()
        document.trust(self.options)
        if not Path(document.cwd).is_dir():
            raise StorageError(
                f"{document.cwd}: does not exist here; a job reads recipes and writes rows under the paths of the sweep"
            )
        settings = Settings(n_jobs=1, fail_fast=document.launcher.fail_fast, ops=self.ops)
        launch = settings.launch(document, self.folder)
        cells = document.all_cells()
        environment: dict[str, Any] = {}
        kept.open()
        try:
            # of many jobs each would read what all have done, where nothing hangs on it
            rows = list(kept.rows() if launch.fail_fast else kept.rows_of_job())
            if launch.fail_fast and any(row.is_bad for row in rows):
                # another job has found what ends the sweep
                return environment
            done = {row.number for row in rows}
            numbers = range(config.chunk * self.size, min((config.chunk + 1) * self.size, len(cells)))
            waiting = [cells[number] for number in numbers if number not in done]
            with chdir(document.cwd), _variables(self.environment):
                for _ in JobCrew(launch, kept.append, environment.update).rows(iter(waiting), len(waiting)):
                    pass
        finally:
            kept.close()
        return environment


@contextmanager
def _variables(wanted: Mapping[str, str | None]) -> Iterator[None]:
    """The environment with these variables, or without those that are None."""
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(wanted: Mapping[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
