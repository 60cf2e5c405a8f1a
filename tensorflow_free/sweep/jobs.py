"""A job of another launcher of Hydra's: some of a sweep's cells, run in one warm worker wherever the job is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from tensorflow_free.errors import StorageError
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.pool import Crew, Launch


def run_chunk(config: Any) -> dict[str, Any]:
    """Run the cells that a job's config names, and put their rows into a file of the job's own.

    The sweep's folder says what they are. Cells that have a row are not run again, as a job may be begun anew.

    Args:
        config: `chunk` in it names the sweep's folder, the job, the first cell and how many there are, variables of
            the environment as the sweep has them, null where they are not set, and the files of the user's own ops.

    Returns:
        The environment of its worker, or nothing where every cell had its row.

    Raises:
        StorageError: the sweep's folder or its recipes are not here, or it cannot be written.
        RecipeError: the user's ops cannot be loaded.
    """
    chunk = config.chunk
    folder = Path(str(chunk.folder))
    kept = SweepFolder(folder, f"cells.{int(chunk.job)}.jsonl")
    document = kept.document()
    launch = _launch(document, folder, [str(file) for file in chunk.ops])
    cells = document.all_cells()
    environment: dict[str, Any] = {}
    kept.open()
    try:
        rows = list(kept.rows())
        if launch.fail_fast and any(row.is_bad for row in rows):
            # another job has found what ends the sweep
            return environment
        done = {row.number for row in rows}
        numbers = [number for number in range(chunk.first, chunk.first + chunk.count) if number not in done]
        with chdir(document.cwd), _variables(chunk.environment):
            crew = Crew(launch, kept.append, environment.update)
            for _ in crew.rows((cells[number] for number in numbers), len(numbers)):
                pass
    finally:
        kept.close()
    return environment


def _launch(document: SweepDocument, folder: Path, ops: Sequence[str]) -> Launch:
    """How the job runs its cells.

    Raises:
        StorageError: the folder from which recipes are named is not here.
    """
    cwd = Path(document.cwd)
    if not cwd.is_dir():
        raise StorageError(f"{cwd}: is not here; a job reads recipes where the sweep began, as it writes its folder")
    return Launch(
        cwd=document.cwd,
        folder=folder if document.keeps else None,
        n_jobs=1,
        cell_timeout_s=document.launcher.cell_timeout_s,
        ops=ops,
        devices=frozenset(document.devices),
        fail_fast=document.launcher.fail_fast,
        max_memory_gib=document.launcher.max_memory_gib,
    )


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
            os.environ[name] = str(value)
