"""The recipe in the folder of a run, for reading; not bound. Does not import torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.errors import RecipeError, StorageError, reason_of
from tensorflow_free.files.opening import read_file
from tensorflow_free.recipe.models import Recipe


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file of a run's folder.

    Raises:
        StorageError: it cannot be read, or is none.
    """
    try:
        return recipe_of_text(read_file(path, within=path.parent), str(path))
    except (RecipeError, ValidationError) as error:
        raise StorageError(f"{path}: is not the recipe of a run: {'; '.join(str(error).splitlines())}") from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error


def recipe_of_text(text: str | bytes, shown: str) -> Recipe:
    """The recipe that a run's folder keeps, for reading; not bound.

    Raises:
        RecipeError: the text is no YAML.
        ValidationError: it is not the recipe of a run.
    """
    mapping = read_yaml(text, shown)
    recipe = Recipe.model_validate(mapping)
    recipe.write(mapping)
    return recipe
