"""A sweep as Hydra's plugins begin it: its folders as Hydra's settings name them, its jobs for other launchers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, flag_override
from omegaconf.errors import OmegaConfBaseException

from tensorflow_free.composition.command_line import GROUP, CommandLine
from tensorflow_free.composition.compose import compose, real_path
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.composition.recipe_files import decoded, recipe_file
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.hydra_app.launching import jobs_of, launch, refuse_size
from tensorflow_free.hydra_app.multirun import WORKERS, Chosen, Multirun, SweepHost
from tensorflow_free.recipe.keys import defaults
from tensorflow_free.sweep.axes import seen_from_here
from tensorflow_free.sweep.cells import Cells
from tensorflow_free.sweep.matrix import Matrix

USUAL_SUBDIR: Final = "${hydra.job.num}"
"""Each cell's folder is its number."""

RESERVED: Final = ("sweep.json", "sweep.csv", "cells.jsonl", ".hydra", ".submitit")
"""Names in a sweep's folder that are no cell's."""

MINE: Final = "hydra_plugins.tensorflow_free_sweeps.WorkersLauncher"


@dataclass(frozen=True)
class Current:
    """The sweep that Hydra is being asked for: its words, what they vary, its recipes' folder, and who runs it.

    `option` is the recipe that Hydra itself is told of, `beside` the overrides that it is not.
    """

    words: CommandLine
    arguments: tuple[str, ...]
    matrix: Matrix
    recipes: Path
    option: str
    host: SweepHost
    beside: tuple[Override, ...] = ()

    def sweep(self, config: DictConfig, context: Any, cells_per_job: int | None) -> None:
        """Make the sweep ready; with a launcher that is not ours, launch its jobs too."""
        refuse_size(cells_per_job)
        multirun = _multirun(self, config)
        count = self.host.begin(multirun)
        if multirun.launcher != WORKERS:
            jobs = list(jobs_of(self.option, multirun.folder, count, cells_per_job, self.host.ops))
            launch(self.host, config, context, multirun.folder, jobs)

    def launch(self, config: DictConfig, jobs: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        """Run the cells that another sweeper has chosen."""
        if first == 0:
            self.host.begin(_multirun(self, config, chosen=True))
        chosen = [self._chosen(number, list(texts)) for number, texts in enumerate(jobs, first)]
        used = self.host.batch(chosen)
        return [_returned(one, share) for one, share in zip(jobs, used, strict=True)]

    def _chosen(self, number: int, texts: list[str]) -> Chosen:
        options = [text.partition("=")[2].strip("'") for text in texts if text.partition("=")[0] == GROUP]
        option = decoded(options[-1] if options else self.option)
        file = recipe_file(self.recipes, option) or self.recipes / f"{option}.yaml"
        # the mark by which Hydra takes a new key changes nothing here
        overrides = tuple(as_override(text.removeprefix("++")) for text in texts if text.partition("=")[0] != GROUP)
        return Chosen(number, str(seen_from_here(file)), (*overrides, *self.beside))


_CURRENT: ContextVar[Current | None] = ContextVar("the sweep that Hydra is asked for", default=None)


@contextmanager
def asked_for(sweep: Current) -> Iterator[None]:
    """Hydra's plugins find this sweep."""
    token = _CURRENT.set(sweep)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Current:
    """The sweep that Hydra is being asked for.

    Raises:
        RecipeError: this is another Hydra app than `run-recipe`.
    """
    found = _CURRENT.get()
    if found is None:
        message = "this sweeper and this launcher run recipes, and serve `run-recipe -m` only"
        raise RecipeError([Problem(Place(file="hydra/sweeper"), message)])
    return found


def _returned(overrides: Sequence[str], used: float) -> JobReturn:
    job = JobReturn(overrides=list(overrides), status=JobStatus.COMPLETED, working_dir=str(Path.cwd()))
    job.return_value = used
    return job


# ------------------------------------------------------------------------------------------------------- folders


def _multirun(current: Current, config: DictConfig, *, chosen: bool = False) -> Multirun:
    """The sweep as Hydra's settings have it."""
    mine = OmegaConf.select(config, "hydra.launcher._target_") == MINE
    choices = config.hydra.runtime.choices
    multirun = Multirun(
        current.arguments,
        current.matrix,
        Path(_resolved(current, config, "hydra.sweep.dir")),
        launcher=WORKERS if mine else str(choices.get("hydra/launcher", "another")),
        n_jobs=config.hydra.launcher.n_jobs if mine else None,
        cell_timeout_s=OmegaConf.select(config, f"hydra.{'launcher' if mine else 'sweeper'}.cell_timeout_s"),
        chosen=chosen,
    )
    if chosen or _raw(config, "subdir") == USUAL_SUBDIR:
        return multirun
    return multirun.with_folders(_Folders(current, config).names())


def _raw(config: DictConfig, key: str) -> Any:
    return config.hydra.sweep._get_node(key)._value()  # noqa: SLF001 - OmegaConf tells what is unresolved nowhere else


def _resolved(current: Current, config: DictConfig, key: str) -> str:
    """A setting of Hydra's; what it says of the recipe is the recipe's with the overrides that all cells share."""
    if "${" not in str(_raw(config, key.rpartition(".")[2])) or not current.matrix.recipes:
        return str(OmegaConf.select(config, key))
    recipe = current.matrix.recipes[0]
    return _Folders(current, config).text(key, recipe.path, (*recipe.cases[:1], *current.matrix.shared()))


class _Folders:
    """The names of a sweep's folders as Hydra's settings put them together, cell by cell."""

    def __init__(self, current: Current, config: DictConfig) -> None:
        self._matrix = current.matrix
        self._recipes = current.recipes
        self._config = copy.deepcopy(config)

    def names(self) -> list[str]:
        """The name of each cell's folder.

        Raises:
            RecipeError: one leads out of the sweep's folder, or two are one.
        """
        names: list[str] = []
        first: dict[PurePosixPath, int] = {}
        for number, cell in enumerate(Cells(self._matrix)):
            name = PurePosixPath(self.text("hydra.sweep.subdir", cell.recipe, cell.overrides, number))
            problem = _name_problem(name)
            twin = next((one for one in (name, *name.parents) if one in first), None)
            if twin is not None:
                words = " ".join(texts_of(cell.overrides)) or cell.recipe
                problem = (
                    f"cells {first[twin]} and {number} ({words}) would both write '{twin}'; name "
                    f"all that varies, as in {'-'.join('${' + key + '}' for key in self._matrix.keys)}"
                )
            if problem is not None:
                raise RecipeError([Problem(Place(file="hydra.sweep.subdir"), problem)])
            first[name] = number
            names.append(str(name))
        self._refuse_nested(first)
        return names

    @staticmethod
    def _refuse_nested(first: dict[PurePosixPath, int]) -> None:
        """Refuse a cell's folder inside of one that came later."""
        for name, number in first.items():
            outer = next((one for one in name.parents if one in first), None)
            if outer is not None:
                message = f"cell {number} would write '{name}', inside of '{outer}', the folder of cell {first[outer]}"
                raise RecipeError([Problem(Place(file="hydra.sweep.subdir"), message)])

    def text(self, key: str, path: str, overrides: Sequence[Override], number: int = 0) -> str:
        """A setting of Hydra's in one cell.

        Raises:
            RecipeError: it names what is not there.
        """
        mapping = {**defaults(), **compose(path, overrides).mapping}
        config = self._config
        try:
            with flag_override(config, ["struct", "readonly"], False):
                for name, value in mapping.items():
                    config[name] = value
                config[GROUP] = self._option(path)
                config.hydra.job.num = number
                config.hydra.job.id = str(number)
                config.hydra.job.override_dirname = self._dirname(path, overrides)
            return str(OmegaConf.select(config, key, throw_on_missing=True))
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise RecipeError([Problem(Place(file=key), f"it cannot be resolved: {reason}")]) from error

    def _option(self, path: str) -> str:
        """The name of a recipe below the folder that holds all of them: two in different folders have not the same."""
        return real_path(path).relative_to(self._recipes).with_suffix("").as_posix()

    def _dirname(self, path: str, overrides: Sequence[Override]) -> str:
        """What `hydra.job.override_dirname` is: as Hydra puts it together."""
        how = self._config.hydra.job.config.override_dirname
        recipe = (
            [Override(f"{GROUP}={self._option(path)}", "set", (GROUP,), path)] if len(self._matrix.recipes) > 1 else []
        )
        kept = sorted(one.text for one in (*recipe, *overrides) if one.key not in how.exclude_keys)
        return str(how.item_sep).join(kept).replace("=", str(how.kv_sep))


def _name_problem(name: PurePosixPath) -> str | None:
    """Why a cell's folder cannot have this name, or None."""
    if name.is_absolute() or ".." in name.parts or not name.parts:
        return f"'{name}' is no name of a folder inside of the sweep's; write one such as {USUAL_SUBDIR}"
    if name.parts[0] in RESERVED:
        return f"'{name}' is the name of a file of the sweep's; write another"
    return None
