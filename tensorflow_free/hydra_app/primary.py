"""The configuration that Hydra is given: a primary config of ours, with recipes as options of a group.

Each recipe was read and checked as any other recipe, its `defaults` merged, so that Hydra never sees a defaults list
on which it would act.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hydra.core.config_store import ConfigStore

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.compose import merged_files, real_path
from tensorflow_free.composition.grammar import for_hydra
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.composition.overrides import Override, OverrideError, apply_overrides, override_place
from tensorflow_free.composition.recipe_files import encoded
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Problem, RecipeError, refuse_any
from tensorflow_free.files.new_folders import moment, output_folder
from tensorflow_free.recipe.dotted import path_of
from tensorflow_free.recipe.keys import defaults

PRIMARY: Final = "tensorflow_free"
"""The name of the primary config in Hydra's config store."""

WORKERS: Final = "workers"
"""The name of the launcher of our own."""

CELLS: Final = "cells"
"""The name of the sweeper of our own."""


def recipes_below(files: Sequence[str | Path]) -> tuple[Path, list[Path]]:
    """The real paths of recipe files, and the folder that holds all of them."""
    real = [real_path(file) for file in files]
    return Path(os.path.commonpath([file.parent for file in real])), real


def name_below(folder: Path, file: Path) -> str:
    """The name of a recipe below the folder that holds all of them: two in different folders have not the same."""
    return file.relative_to(folder).with_suffix("").as_posix()


def not_nameable(file: Path, texts: Sequence[str]) -> list[Override]:
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


def hydra_texts(texts: Sequence[str], beside: Sequence[Override]) -> list[str]:
    """The overrides as Hydra gets them, without those that are applied to the recipe before.

    Raises:
        RecipeError: with all that do not parse.
    """
    left_out, found, problems = {override.text for override in beside}, [], []
    for text in texts:
        try:
            found += [] if text in left_out else [for_hydra(text)]
        except (OverrideError, ScalarError) as error:
            problems.append(Problem(override_place(text), str(error)))
    refuse_any(problems)
    return found


@contextmanager
def config_stored(recipes: Mapping[str, Path], beside: Sequence[Override] = ()) -> Iterator[None]:
    """The primary config and these recipes are in Hydra's config store.

    Args:
        recipes: the file of each recipe, by the name of its option.
        beside: overrides that Hydra does not get, and that are applied to the recipes already.

    Raises:
        RecipeError: a recipe cannot be read.
    """
    contents = {name: _overridden(file, beside) for name, file in recipes.items()}
    store = ConfigStore.instance()
    before = {key: store.repo.pop(key) for key in (GROUP, f"{PRIMARY}.yaml") if key in store.repo}
    for name, content in contents.items():
        group, _, stem = f"{GROUP}/{encoded(name)}".rpartition("/")
        store.store(stem, content, group, package="_global_", provider=PRIMARY)
    stem = next(iter(recipes.values())).stem
    store.store(PRIMARY, _primary(output_folder(stem), Path("multirun") / moment()), provider=PRIMARY)
    try:
        yield
    finally:
        for key in (GROUP, f"{PRIMARY}.yaml"):
            store.repo.pop(key, None)
        store.repo.update(before)


def _overridden(file: Path, beside: Sequence[Override]) -> dict[str, Any]:
    """The recipe with what Hydra is not told; what does not fit it now may fit the case that is merged later."""
    mapping, _ = merged_files(file, str(file))
    for override in beside:
        try:
            mapping = apply_overrides(mapping, [override])
        except RecipeError:
            continue
    return mapping


def _primary(run_folder: Path, sweep_folder: Path) -> dict[str, Any]:
    return {
        "defaults": [
            "_self_",
            {GROUP: "???"},
            {"override hydra/sweeper": CELLS},
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
