"""The folders of a sweep and of its cells, by Hydra's settings."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf, flag_override
from omegaconf.errors import OmegaConfBaseException

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.compose import compose, real_path
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.hydra_app.primary import name_below
from tensorflow_free.recipe.keys import defaults
from tensorflow_free.sweep.cells import Cells
from tensorflow_free.sweep.matrix import Matrix

USUAL_SUBDIR: Final = "${hydra.job.num}"
"""Each cell's folder is its number."""

RESERVED: Final = ("sweep.json", "sweep.csv", "cells.jsonl", ".hydra", ".submitit")
"""Names in a sweep's folder that are no cell's."""


class Folders:
    """The names of a sweep's folders.

    Args:
        matrix: what the sweep varies.
        recipes: the folder that holds all recipes.
        config: Hydra's, with its settings.
    """

    def __init__(self, matrix: Matrix, recipes: Path, config: DictConfig) -> None:
        self._matrix = matrix
        self._recipes = recipes
        self._config = copy.deepcopy(config)

    def sweep(self) -> Path:
        """The sweep's folder; what it says of the recipe is the recipe's with the overrides that all cells share.

        Raises:
            RecipeError: it names what is not there.
        """
        raw = self._raw("dir")
        if "${" not in raw:
            return Path(str(OmegaConf.select(self._config, "hydra.sweep.dir")))
        recipe = self._matrix.recipes[0]
        return Path(self._text("hydra.sweep.dir", recipe.path, (*recipe.cases[:1], *self._matrix.shared())))

    def cells(self) -> list[str]:
        """The name of each cell's folder; none where each is its number.

        Raises:
            RecipeError: one leads out of the sweep's folder, or two are one.
        """
        names: dict[PurePosixPath, int] = {}
        if self._raw("subdir") == USUAL_SUBDIR:
            return []
        for number, cell in enumerate(Cells(self._matrix)):
            name = PurePosixPath(self._text("hydra.sweep.subdir", cell.recipe, cell.overrides, number))
            problem = _name_problem(name)
            twin = next((one for one in (name, *name.parents) if one in names), None)
            if twin is not None:
                words = " ".join(texts_of(cell.overrides)) or cell.recipe
                problem = (
                    f"cells {names[twin]} and {number} ({words}) would both write '{twin}'; name "
                    f"all that varies, as in {'-'.join('${' + key + '}' for key in self._matrix.keys)}"
                )
            if problem is not None:
                raise RecipeError([Problem(Place(file="hydra.sweep.subdir"), problem)])
            names[name] = number
        _refuse_nested(names)
        return [str(name) for name in names]

    def _raw(self, key: str) -> str:
        """A setting of `hydra.sweep` as it is written."""
        return str(self._config.hydra.sweep._get_node(key)._value())  # noqa: SLF001 - OmegaConf tells it nowhere else

    def _text(self, key: str, path: str, overrides: Sequence[Override], number: int = 0) -> str:
        """A setting of Hydra's in one cell.

        Raises:
            RecipeError: it names what is not there.
        """
        mapping = {**defaults(), **compose(path, overrides).mapping}
        config, name = self._config, name_below(self._recipes, real_path(path))
        try:
            with flag_override(config, ["struct", "readonly"], False):
                for one, value in {**mapping, GROUP: name}.items():
                    config[one] = value
                config.hydra.job.num = number
                config.hydra.job.id = str(number)
                config.hydra.job.override_dirname = self._dirname(name, overrides)
            return str(OmegaConf.select(config, key, throw_on_missing=True))
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise RecipeError([Problem(Place(file=key), f"it cannot be resolved: {reason}")]) from error

    def _dirname(self, name: str, overrides: Sequence[Override]) -> str:
        """What `hydra.job.override_dirname` is: as Hydra puts it together."""
        how: Any = self._config.hydra.job.config.override_dirname
        several = len(self._matrix.recipes) > 1 and GROUP not in how.exclude_keys
        recipe = [f"{GROUP}={name}"] if several else []
        texts = [*recipe, *(one.text for one in overrides if one.key not in how.exclude_keys)]
        return str(how.item_sep).join(sorted(texts)).replace("=", str(how.kv_sep))


def _refuse_nested(names: dict[PurePosixPath, int]) -> None:
    """Refuse a cell's folder inside of one that came later."""
    for name, number in names.items():
        outer = next((one for one in name.parents if one in names), None)
        if outer is not None:
            message = f"cell {number} would write '{name}', inside of '{outer}', the folder of cell {names[outer]}"
            raise RecipeError([Problem(Place(file="hydra.sweep.subdir"), message)])


def _name_problem(name: PurePosixPath) -> str | None:
    """Why a cell's folder cannot have this name, or None."""
    if name.is_absolute() or ".." in name.parts or not name.parts:
        return f"'{name}' is not the name of a folder inside the sweep's; write one such as {USUAL_SUBDIR}"
    if name.parts[0] in RESERVED:
        return f"'{name}' is the name of a file of the sweep's; write another"
    return None
