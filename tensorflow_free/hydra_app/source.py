"""How Hydra comes to recipes: a config source of the package's own, `recipe://FOLDER`, and the primary config.

The primary config is the package's and holds the settings with their defaults; recipes are options of the config group
`recipe`. What the source serves has passed the same door as every other recipe text, with its `defaults` merged, so
that Hydra never sees a list that it would obey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from hydra_plugins.tensorflow_free_sweeps import CellsSweeper, WorkersLauncher
from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.compose import merged_files
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.composition.overrides import Override, OverrideError, apply_overrides
from tensorflow_free.composition.recipe_files import decoded, encoded, recipe_file
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import RecipeError
from tensorflow_free.hydra_app.multirun import WORKERS
from tensorflow_free.recipe.dotted import path_of
from tensorflow_free.recipe.keys import defaults
from tensorflow_free.recipe.names import RECIPE_SUFFIXES

PRIMARY: Final = "tensorflow_free"
"""The name of the primary config in Hydra's config store."""

_FOLDER: ContextVar[Path | None] = ContextVar("folder of the recipes that Hydra is served", default=None)


_UNTOLD: ContextVar[Sequence[Override]] = ContextVar("overrides that are done before Hydra sees a recipe", default=())


def untold(file: Path, texts: Sequence[str]) -> list[Override]:
    """The overrides whose path holds a key with dots (`expect.w.grad`), which Hydra cannot name: it cuts at dots."""
    mapping, _ = merged_files(file, str(file))
    found = []
    for text in texts:
        try:
            override = parse_override(text)
        except (OverrideError, ScalarError):
            # one that gives several values
            continue
        if any("." in str(key) for key in path_of(mapping, override.parts)):
            found.append(override)
    return found


def _overridden(mapping: dict[str, Any]) -> dict[str, Any]:
    """The recipe with what Hydra is not told; what does not fit it now may fit the case that is merged later."""
    for override in _UNTOLD.get():
        try:
            mapping = apply_overrides(mapping, [override])
        except RecipeError:
            continue
    return mapping


class RecipeSource(ConfigSource):
    """The recipes of one folder and of those in it, as the options of one config group."""

    @staticmethod
    def scheme() -> str:
        """The word before `://`."""
        return "recipe"

    @property
    def folder(self) -> Path:
        """The folder whose recipes are served."""
        return Path(unquote(self.path))

    def available(self) -> bool:
        """Whether the folder is there."""
        return self.folder.is_dir()

    def is_group(self, config_path: str) -> bool:
        """Whether the path is a folder of recipes."""
        below = _below(decoded(config_path))
        return below == "" or (below is not None and _inside(self.folder, below).is_dir())

    def is_config(self, config_path: str) -> bool:
        """Whether the path is a recipe."""
        return self._file(config_path) is not None

    def load_config(self, config_path: str) -> ConfigResult:
        """A recipe, its `defaults` merged.

        Raises:
            ConfigLoadError: there is none of that name.
            RecipeError: its text cannot be taken.
        """
        file = self._file(config_path)
        if file is None:
            message = f"there is no recipe '{config_path}'"
            raise ConfigLoadError(message)
        mapping, _ = merged_files(file, str(file))
        return ConfigResult(
            provider=self.provider,
            path=f"{self.scheme()}://{self.path}",
            config=OmegaConf.create(_overridden(mapping)),
            header={"package": "_global_"},
        )

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """The names of the recipes and folders at a path, sorted."""
        below = _below(decoded(config_path))
        if below is None:
            return [GROUP] if config_path == "" and results_filter in (None, ObjectType.GROUP) else []
        found: set[str] = set()
        for entry in _inside(self.folder, below).iterdir():
            if results_filter is not ObjectType.GROUP and self._is_recipe(entry):
                found.add(encoded(entry.stem))
            if results_filter is not ObjectType.CONFIG and entry.is_dir() and not entry.name.startswith("."):
                found.add(encoded(entry.name))
        return sorted(found)

    def _is_recipe(self, entry: Path) -> bool:
        return entry.suffix in RECIPE_SUFFIXES and recipe_file(entry.parent, entry.stem) is not None

    def _file(self, config_path: str) -> Path | None:
        below = _below(decoded(config_path.removesuffix(".yaml")))
        return recipe_file(self.folder, below) if below and ".." not in below.split("/") else None


def _below(config_path: str) -> str | None:
    """The part of a config's path that lies in the group of recipes, or None where it lies elsewhere."""
    group, _, below = config_path.partition("/")
    return below if group == GROUP else None


def _inside(folder: Path, below: str) -> Path:
    """The folder `below`, or one that is none where it would lead out."""
    path = (folder / below).resolve()
    return path if path.is_relative_to(folder) else folder / "\0"


class RecipeSearchPath(SearchPathPlugin):
    """Puts the folder of this run's recipes on Hydra's search path; in any other Hydra app it does nothing."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder, where a run is under way."""
        folder = _FOLDER.get()
        if folder is not None:
            search_path.append(PRIMARY, f"{RecipeSource.scheme()}://{quote(str(folder))}")


@contextmanager
def served(folder: Path, run_folder: Path, sweep_folder: Path, overrides: Sequence[Override] = ()) -> Iterator[None]:
    """Hydra finds the recipes of `folder`, and puts out into `run_folder` or, job by job, below `sweep_folder`.

    What it is not told of the `overrides` is done in the recipes that it finds.
    """
    # an editable install hides plugins from Hydra's search
    for plugin in (RecipeSource, RecipeSearchPath, CellsSweeper, WorkersLauncher):
        Plugins.instance().register(plugin)
    ConfigStore.instance().store(PRIMARY, _primary(run_folder, sweep_folder), provider=PRIMARY)
    token, before = _FOLDER.set(folder), _UNTOLD.set(overrides)
    try:
        yield
    finally:
        _FOLDER.reset(token)
        _UNTOLD.reset(before)


def _primary(run_folder: Path, sweep_folder: Path) -> dict[str, Any]:
    return {
        "defaults": [
            "_self_",
            {GROUP: "???"},
            {"override hydra/sweeper": "cells"},
            {"override hydra/launcher": WORKERS},
            # no log files, and no lines of Hydra's among the results
            {"override hydra/job_logging": "none"},
            {"override hydra/hydra_logging": "none"},
        ],
        "hydra": {
            "run": {"dir": run_folder.as_posix().replace("${", "\\${")},
            "sweep": {"dir": sweep_folder.as_posix(), "subdir": "${hydra.job.num}"},
            "job": {"name": "run-recipe"},
        },
        **defaults(),
    }
