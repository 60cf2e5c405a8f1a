"""What a command line with `-m` comes to, once Hydra has had its say; and who runs it. Knows no Hydra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tensorflow_free.composition.overrides import Override
from tensorflow_free.sweep.matrix import Matrix

WORKERS = "workers"
"""The name of the launcher of our own."""


@dataclass(frozen=True)
class Multirun:
    """A sweep as Hydra's settings have it.

    Attributes:
        arguments: what was typed.
        matrix: what it varies; empty where another sweeper chooses the cells.
        folder: `hydra.sweep.dir`.
        folders: the name of each cell's folder, where `hydra.sweep.subdir` says another than its number.
        launcher: the name of the launcher.
        n_jobs: `hydra.launcher.n_jobs`, of our own launcher.
        cell_timeout_s: `hydra.launcher.cell_timeout_s`; with another launcher, `hydra.sweeper.cell_timeout_s`.
        chosen: whether another sweeper chooses the cells.
    """

    arguments: tuple[str, ...]
    matrix: Matrix
    folder: Path
    folders: tuple[str, ...] = ()
    launcher: str = WORKERS
    n_jobs: int | None = None
    cell_timeout_s: float | None = None
    chosen: bool = False

    def with_folders(self, folders: Sequence[str]) -> Multirun:
        """The same with the names of the cells' folders."""
        return replace(self, folders=tuple(folders))


@dataclass(frozen=True)
class Chosen:
    """A cell that another sweeper chose: the recipe's file and its overrides."""

    number: int
    recipe: str
    overrides: tuple[Override, ...]


class SweepHost(Protocol):
    """Who runs a sweep, as Hydra's plugins see it. The composition of recipes knows nothing of running them."""

    chunk_task: Callable[..., Any]
    """What another launcher calls for each of its jobs; it can be pickled, and finds its cells by its config."""

    ops: Sequence[str]
    """The Python files of the user's own ops that the command line names."""

    def begin(self, multirun: Multirun) -> int:
        """Make a sweep ready, and give the number of its cells.

        Raises:
            RecipeError: something of it is wrong; nothing runs then.
        """

    def batch(self, chosen: Sequence[Chosen]) -> Sequence[float]:
        """Run cells that another sweeper chose; for each the share of the allowed error that its worst value used."""

    def returned(self, value: Any) -> None:
        """Be told what a job of another launcher returned."""

    def lost(self, reason: str) -> None:
        """Be told that a job of another launcher ended before its time."""

    def end(self, ended: KeyboardInterrupt | None = None) -> int:
        """Run what has not run, show what it came to, and give the exit code.

        Args:
            ended: what ended the sweep before its time.

        Raises:
            KeyboardInterrupt: it was ended, and there is nothing to show.
        """
