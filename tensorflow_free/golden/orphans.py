"""Goldens whose recipe no longer exists. Does not import torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow_free.files.opening import read_file
from tensorflow_free.golden.places import JSON
from tensorflow_free.recipe.names import RECIPE_SUFFIXES


def orphans_below(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each golden below a folder whose recipe is gone, with the path that the recipe had."""
    for golden in sorted(folder.rglob(f"*{JSON}")):
        stem = _stem_of(golden)
        if not any(golden.with_name(stem + suffix).is_file() for suffix in RECIPE_SUFFIXES):
            yield golden, golden.with_name(stem + RECIPE_SUFFIXES[0])


def device_of(golden: Path, recipe: Path) -> str | None:
    """The type of device that a golden is for, by its name; None for the default golden."""
    return golden.name.removesuffix(JSON).removeprefix(recipe.stem).removeprefix(".") or None


def recipe_beside(golden: Path) -> Path:
    """The recipe that a golden is of; where it is gone, the path that it would have."""
    paths = [golden.with_name(_stem_of(golden) + suffix) for suffix in RECIPE_SUFFIXES]
    return next((path for path in paths if path.is_file()), paths[0])


def _stem_of(golden: Path) -> str:
    """The stem of the recipe that a golden says it is of; where it cannot be read, the longest of a recipe there is."""
    written = golden.name.removesuffix(JSON)
    try:
        content: Any = json.loads(read_file(golden, within=golden.parent))
    except (OSError, ValueError, RecursionError):
        content = None
    recipe = content.get("recipe") if isinstance(content, dict) else None
    if isinstance(recipe, str) and (written == recipe or written.startswith(f"{recipe}.")):
        return recipe
    shorter = written.rpartition(".")[0]
    there = [
        stem
        for stem in (written, shorter)
        if any(golden.with_name(stem + suffix).is_file() for suffix in RECIPE_SUFFIXES)
    ]
    return there[0] if there else written
