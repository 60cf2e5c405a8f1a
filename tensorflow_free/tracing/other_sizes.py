"""A captured recipe at other sizes, held against the model that is made with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import load_recipe
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.runner import run, starts_of
from tensorflow_free.tracing.model_file import Subject
from tensorflow_free.tracing.origins import Origins
from tensorflow_free.tracing.proving import held_against, own_run
from tensorflow_free.tracing.python_state import seed_all
from tensorflow_free.tracing.refusals import refusal
from tensorflow_free.tracing.sizes import Sizes
from tensorflow_free.tracing.written_recipe import MadeRecipe


def proofs_at_others(
    source: Path, made: MadeRecipe, origins: Origins, others: Mapping[str, tuple[Subject, Origins]], sizes: Sizes
) -> Iterator[str]:
    """How the recipe with one more of each size compares with the model that has as much, in a line each.

    Args:
        source: the recipe's file, which draws its starting tensors.
        made: what it was made of.
        origins: what the model starts from.
        others: the model with each size greater by 1, and what that starts from; its numbers are made the recipe's.
        sizes: which parameters move with which size.
    """
    for size, (subject, its) in others.items():
        overrides = sizes.overrides(size)
        if overrides:
            told = _held(source, overrides, made, origins, subject, its)
            yield f"at {size}={sizes.base[size] + 1} ({', '.join(overrides)}): {told}"


def _held(
    source: Path, overrides: list[str], made: MadeRecipe, origins: Origins, subject: Subject, its: Origins
) -> str:
    try:
        recipe = load_recipe(source, overrides)
        starts = _put_into(recipe, made, origins, its)
        seed_all(recipe.seed)
        own = own_run(subject.call, replace(made, starts=starts))
    except RecipeError as error:
        return f"not proven, as {error.problems[0].message.partition('; ')[0]}"
    result, _ = run(recipe.plan)
    if result.error is not None:
        return f"the recipe stops at '{result.error.step}', and the model does not"
    found = held_against(result, made, own)
    return (
        f"{found.equal} equal{', bit for bit' if found.holds else '; the recipe is the model as it is written alone'}"
    )


def _put_into(recipe: Recipe, made: MadeRecipe, origins: Origins, its: Origins) -> dict[str, torch.Tensor]:
    """The other model's starting tensors by the recipe's names, with the recipe's numbers.

    Raises:
        RecipeError: they are others, or of other shapes.
    """
    paths = {name: origins.paths.get(id(tensor), "") for name, tensor in made.starts.items()}
    tensors = {path: its.tensors[key] for key, path in its.paths.items()}
    drawn = starts_of(recipe.plan)
    for name, path in paths.items():
        if path not in tensors or tensors[path].shape != drawn[name].shape:
            raise refusal(f"the model does not start from a '{name}' of this shape", None, "it is not compared")
        with torch.no_grad():
            tensors[path].copy_(drawn[name])
    return {name: tensors[path] for name, path in paths.items()}
