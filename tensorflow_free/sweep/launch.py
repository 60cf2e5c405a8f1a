"""How a sweep's cells are run: as somebody asks for it, and as it comes to the workers. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import Place, Problem, StorageError
from tensorflow_free.process.limits import Limits, memory_problem
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.earlier import Earlier, earlier_at

CELL_TIMEOUT_S: Final = 600.0
"""Seconds that a cell may take, its reference and its judgement included, by default."""


@dataclass(frozen=True)
class Launch:
    """How the cells of a sweep are run.

    Attributes:
        cwd: the folder from which recipes are named.
        folder: the sweep's folder, where cells keep their results; None to keep none.
        n_jobs: workers in all; None for one a core, and one for each device that cells ask for.
        cell_timeout_s: seconds that a cell may take.
        ops: files of the user's own ops.
        devices: the devices that cells ask for, as far as they are known beforehand.
        fail_fast: whether the first bad cell ends the sweep.
        max_memory_gib: GiB that a worker may take beside what PyTorch has taken at its start; None for no limit.
        strict: whether a cell fails the sweep of which not everything could be judged.
        earlier: what ran before; a cell of it that cannot run any more failed.
        recipes: what the recipes say, as YAML.
        overrides: those of the cells; of a range, its first.
        chosen: whether another sweeper chooses the cells as it goes, so that little is known beforehand.
        main: what a worker runs, where that is not a sweep's own.
    """

    cwd: str
    folder: Path | None = None
    n_jobs: int | None = None
    cell_timeout_s: float = CELL_TIMEOUT_S
    ops: Sequence[str] = ()
    devices: frozenset[str] = frozenset({"cpu"})
    fail_fast: bool = False
    max_memory_gib: float | None = None
    strict: bool = False
    recipes: Sequence[str] = ()
    overrides: Sequence[Override] = ()
    chosen: bool = False
    earlier: Sequence[Earlier] = ()
    main: str | None = None

    @property
    def limits(self) -> Limits:
        """The limits that somebody has asked for."""
        asked = self.cell_timeout_s != CELL_TIMEOUT_S
        return Limits(self.cell_timeout_s if asked else None, self.max_memory_gib)

    @property
    def named_ops(self) -> list[str]:
        """The files of ops as they are named from the folder in which recipes are."""
        return [
            str(file.relative_to(self.cwd) if file.is_relative_to(self.cwd) else file) for file in map(Path, self.ops)
        ]


@dataclass(frozen=True)
class Settings:
    """How a sweep is run.

    Attributes:
        n_jobs: workers in all; None for one a core, and one for each device that cells ask for.
        cell_timeout_s: seconds that a cell may take; None for ten minutes.
        fail_fast: whether the first bad cell ends the sweep.
        ops: files of the user's own ops.
        keeps: whether cells keep their results in folders of their own.
        max_memory_gib: GiB that a cell may take beside what PyTorch has taken at its worker's start; None for no limit.
        strict: whether a cell fails the sweep of which not everything could be judged.
        must_run: sweeps, or files, with cells that must run since they ran there.
        against: an earlier sweep that this one is held against; its cells must run, too.
        main: what a worker runs, where that is not a sweep's own.
    """

    n_jobs: int | None = None
    cell_timeout_s: float | None = None
    fail_fast: bool = False
    ops: Sequence[str] = ()
    keeps: bool = True
    max_memory_gib: float | None = None
    strict: bool = False
    must_run: Sequence[str] = ()
    against: str = ""
    main: str | None = None

    def problems(self) -> Iterator[Problem]:
        """What no sweep can be run with."""
        jobs, limit = self.n_jobs, self.cell_timeout_s
        if jobs is not None and (not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1):
            message = f"'{jobs}' is not a number of workers; give an integer of at least 1"
            yield Problem(Place(file="hydra.launcher.n_jobs"), message)
        if limit is not None and (not isinstance(limit, int | float) or isinstance(limit, bool) or not limit > 0):
            message = f"'{limit}' is not a time limit; give a number of seconds above 0"
            yield Problem(Place(file="hydra.launcher.cell_timeout_s"), message)
        named = [("--must-run", one) for one in self.must_run]
        for flag, path in [*named, *([("--against", self.against)] if self.against else [])]:
            try:
                earlier_at(path)
            except StorageError as error:
                yield Problem(Place(file=f"flag '{flag}'"), str(error))
        if self.max_memory_gib is not None and (why := memory_problem(self.max_memory_gib)):
            yield Problem(Place(file="flag '--max-memory'"), why)

    def launch(self, document: SweepDocument, folder: Path) -> Launch:
        """How the cells of a sweep are run: as these settings say, and as it began where they say nothing.

        Args:
            document: the sweep.
            folder: its folder.
        """
        began, cwd = document.launcher, Path(document.cwd)
        return Launch(
            cwd=document.cwd,
            folder=folder.resolve() if document.keeps else None,
            n_jobs=began.n_jobs if self.n_jobs is None else self.n_jobs,
            cell_timeout_s=self.cell_timeout_s or began.cell_timeout_s,
            # of files, only those that were named to this process: a folder alone makes no code run
            ops=[str(cwd / file) for file in self.ops],
            devices=frozenset(document.devices),
            fail_fast=self.fail_fast,
            max_memory_gib=began.max_memory_gib if self.max_memory_gib is None else self.max_memory_gib,
            strict=document.strict,
            earlier=[earlier_at(path, cwd) for path in document.earlier],
            recipes=[recipe.text for recipe in document.recipes],
            overrides=[
                *(case for recipe in document.recipes for case in recipe.cases),
                *(one for axis in document.axes for one in axis.texts[: 1 if axis.is_range else None]),
            ],
            chosen=document.chosen,
            main=self.main,
        )
