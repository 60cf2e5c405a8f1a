"""A sweep prepared from recipes and overrides, from a matrix, or from its folder. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tensorflow_free.errors import Place, Problem, RecipeError, gathered_in, refuse_any
from tensorflow_free.files.new_folders import filled, moment
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.sweep.axes import matrix_of
from tensorflow_free.sweep.checking import Checked, checked
from tensorflow_free.sweep.document import (
    FileOfSweep,
    LauncherOfSweep,
    SweepDocument,
    axis_of_sweep,
    digest_of_file,
    recipe_of_sweep,
)
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.launch import CELL_TIMEOUT_S, Settings
from tensorflow_free.sweep.matrix import Matrix
from tensorflow_free.sweep.resumed_options import typed_again, untrusted_options
from tensorflow_free.sweep.sweep import Sweep


def sweep_recipe(  # noqa: PLR0913 - each is a setting of its own, and has a name
    recipes: str | Path | Sequence[str | Path],
    overrides: Sequence[str] = (),
    *,
    folder: str | Path | None = None,
    n_jobs: int | None = None,
    cell_timeout_s: float | None = None,
    fail_fast: bool = False,
    ops: Sequence[str | Path] = (),
    keep: bool = True,
    max_memory_gib: float | None = None,
    strict: bool = False,
    must_run: Sequence[str | Path] = (),
    against: str | Path | None = None,
) -> Sweep:
    """Run every combination of the overrides' values, as `run-recipe -m` does: each in a worker process, and judged.

    Args:
        recipes: a recipe file, or several.
        overrides: as on the command line behind `-m`: `["dtype=float32,float64", "params.n=range(1,9)"]`. A recipe
            that has cases runs in all of them, unless `case=` says which.
        folder: where to write; it must be new or empty. `multirun/<date>_<time>-<random>` by default.
        n_jobs: worker processes in all; by default one for each core, and for each device that cells ask for. A device
            has never more than one, unless `register_device` lets it have several.
        cell_timeout_s: seconds that a cell may take; by default 600.
        fail_fast: whether the first bad cell ends the sweep.
        ops: Python files that register ops. Workers are processes of their own: ops that only this one has registered
            are not known there.
        keep: whether each cell keeps its result in a folder of its own.
        max_memory_gib: GiB that a cell may take beside what PyTorch has taken at its worker's start; by default no
            limit.
        strict: whether a cell fails the sweep of which not everything could be judged.
        must_run: folders of sweeps, or files of their rows: a cell that ran there, and cannot run now, failed.
        against: the folder of an earlier sweep, whose cells must run, too; what changed since is told.

    Returns:
        The sweep, of which nothing has run yet: iterate over it, call its `run`, or ask for its `table()` or `is_well`.

    Raises:
        RecipeError: with every problem of the files and the overrides; nothing runs then.

    Example:
        >>> from tensorflow_free import sweep_recipe
        >>> sweep = sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32,float64", "seed=range(0,3)"])
        >>> len(sweep)
        6
    """
    if isinstance(recipes, Mapping):
        message = "a sweep runs in processes of its own, which read recipes from files; write this one to a .yaml file"
        raise RecipeError([Problem(Place(), message)])
    listed = [recipes] if isinstance(recipes, str | Path | Recipe) else list(recipes)
    if any(isinstance(one, Recipe) for one in listed):
        message = (
            "a sweep runs in processes of its own, which read recipes from files; give the path of this one's file"
        )
        raise RecipeError([Problem(Place(), message)])
    files = [str(one) for one in listed]
    settings = Settings(
        n_jobs,
        cell_timeout_s,
        fail_fast,
        [str(file) for file in ops],
        keep,
        max_memory_gib,
        strict,
        must_run=[str(one) for one in must_run],
        against="" if against is None else str(against),
    )
    if not files:
        raise RecipeError([Problem(Place(), "no recipe is given; give the path of a .yaml file")])
    start = SweepStart(matrix_of(files, overrides), Path("multirun") / moment() if folder is None else Path(folder))
    return prepared(start, settings, (*files, *overrides))


def resume_sweep(  # noqa: PLR0913 - as above
    folder: str | Path,
    *,
    n_jobs: int | None = None,
    cell_timeout_s: float | None = None,
    fail_fast: bool = False,
    ops: Sequence[str | Path] = (),
    max_memory_gib: float | None = None,
    strict: bool = False,
    overrides: Sequence[str] = (),
) -> Sweep:
    """Resume a sweep that was begun before: cells that have a row are not run again.

    Args:
        folder: the sweep's folder.
        n_jobs: as of `sweep_recipe`; by default as the sweep began.
        cell_timeout_s: likewise.
        fail_fast: whether the first bad cell ends the sweep.
        ops: the Python files with which it began, named again: a folder alone makes no code run.
        max_memory_gib: as of `sweep_recipe`; by default as the sweep began.
        strict: as of `sweep_recipe`; so is a sweep that began so.
        overrides: of those with which it began, the ones that give options of compilers, typed again: a folder alone
            gives those that a recipe file may.

    Returns:
        The sweep with the rows that are there; what is left runs as that of `sweep_recipe` does.

    Raises:
        RecipeError: a recipe has changed since, with the keys that differ; another sweeper chose the cells; other
            files of ops are named than those with which it began; or it has options of compilers to be typed again.
        StorageError: it is not the folder of a sweep.

    Example:
        >>> from tensorflow_free import resume_sweep, sweep_recipe
        >>> sweep = sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32,float64"], folder="multirun/begun")
        >>> sweep.create()
        >>> resume_sweep("multirun/begun")
        <Sweep multirun/begun: 0 of 2 cells have run>
    """
    place = SweepFolder(Path(folder))
    document = place.document()
    named = [str(Path(file).absolute()) for file in ops]
    settings = Settings(n_jobs, cell_timeout_s, fail_fast, named, document.keeps, max_memory_gib)
    problems = [*settings.problems(), *_other_ops(document, named, folder)]
    if document.chosen:
        message = "its cells were chosen by a sweeper as it ran, so that it cannot be resumed; begin a new sweep"
        problems.append(Problem(Place(file=str(folder)), message))
    problems.extend(typed_again(document, overrides))
    if document.pack:
        message = f"its cells are those of {document.pack}, and judged by what that holds; check it in again"
        problems.append(Problem(Place(file=str(folder)), message))
    refuse_any(problems)
    document.refuse_changes()
    refuse_any(untrusted_options(document, folder))
    document.strict = document.strict or strict
    return Sweep(place, document, settings, created=True)


def _load_ops(files: Sequence[str]) -> None:
    """Register the ops of these files in this process, too; what is wrong with one is told by the workers."""
    from tensorflow_free.registry import load_ops_file  # noqa: PLC0415 - it needs torch, which most sweeps do not here

    for file in files:
        with suppress(RecipeError):
            load_ops_file(file)


def _other_ops(document: SweepDocument, named: Sequence[str], folder: str | Path) -> Iterator[Problem]:
    """That other files of ops are named than those with which the sweep began, with the command to type."""
    began = [Path(document.cwd) / file.path for file in document.ops]
    if {Path(file).resolve() for file in named} == {file.resolve() for file in began}:
        return
    why = (
        "the sweep began with ops of Python files, which run only where you name them; if you trust them, type"
        if began
        else "the sweep began without ops of Python files, and goes on as it began; type"
    )
    yield Problem(Place(file="flag '--ops'"), f"{why}: {document.resume_command(folder)}")


def one_timeout(setting: float | None, flag: float | None) -> float | None:
    """The seconds that a cell may take, by the launcher's setting or by the flag.

    Raises:
        RecipeError: it is said twice.
    """
    if setting is not None and flag is not None:
        message = "it sets the same as cell_timeout_s, which is given, too; give one of the two"
        raise RecipeError([Problem(Place(file="flag '--timeout'"), message)])
    return flag if setting is None else setting


@dataclass(frozen=True)
class SweepStart:
    """What a sweep starts from.

    Attributes:
        matrix: what it varies.
        folder: where it writes.
        folders: the names of the cells' folders, where those are not their numbers.
        launcher: the name of what runs the cells.
        chosen: whether another sweeper chooses the cells as it goes.
    """

    matrix: Matrix
    folder: Path
    folders: Sequence[str] = ()
    launcher: str = "workers"
    chosen: bool = False


def prepared(start: SweepStart, settings: Settings, arguments: Sequence[str]) -> Sweep:
    """A sweep that is looked through, and may run.

    Raises:
        RecipeError: with every problem of its recipes, values, settings and folder.
    """
    problems = list(settings.problems())
    if (taken := filled(start.folder)) is not None:
        problems.append(Problem(Place(file="hydra.sweep.dir"), taken))
    problems.extend(
        Problem(Place(file="flag '--ops'"), f"'{file}' is not there; name a Python file")
        for file in settings.ops
        if not Path(file).is_file()
    )
    found = Checked(frozenset(), "")
    if not start.chosen:
        with gathered_in(problems):
            found = checked(start.matrix, partial(_load_ops, settings.ops))
    refuse_any(problems)
    cwd = Path.cwd()
    document = SweepDocument(
        arguments=list(arguments),
        cwd=str(cwd),
        recipes=[recipe_of_sweep(recipe, cwd) for recipe in start.matrix.recipes],
        axes=[axis_of_sweep(axis) for axis in start.matrix.axes],
        by_case=start.matrix.by_case,
        cells=0 if start.chosen else len(start.matrix),
        folders=list(start.folders),
        keeps=settings.keeps,
        chosen=start.chosen,
        strict=settings.strict,
        must_run=list(settings.must_run),
        against=settings.against,
        launcher=LauncherOfSweep(
            name=start.launcher,
            n_jobs=settings.n_jobs,
            cell_timeout_s=CELL_TIMEOUT_S if settings.cell_timeout_s is None else settings.cell_timeout_s,
            fail_fast=settings.fail_fast,
            max_memory_gib=settings.max_memory_gib,
        ),
        ops=[FileOfSweep(path=file, digest=digest_of_file(Path(file))) for file in settings.ops],
        devices=sorted(found.devices),
        reference=found.reference,
    )
    sweep = Sweep(SweepFolder(start.folder), document, settings, created=False)
    sweep.notes.extend(found.notes)
    return sweep
