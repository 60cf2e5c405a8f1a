"""What the recipes on a command line say, merged over what they list: read as data, and nothing runs or is reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tensorflow_free.composition.merging import merged
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.errors import TensorflowFreeError
from tensorflow_free.recipe.names import RECIPE_SUFFIXES

LARGEST: Final = 200_000
"""Bytes of a recipe that is read for its keys."""

MOST_LISTED: Final = 10
"""How many recipes that list each other are followed."""


def said_by(paths: Sequence[str]) -> dict[str, Any]:
    """What the last recipe says that can be read, with what its `defaults` list below it; nothing where none can."""
    for path in reversed(paths):
        if path.endswith(RECIPE_SUFFIXES) and (said := _whole(Path(path).expanduser(), MOST_LISTED)):
            return said
    return {}


def _whole(path: Path, left: int) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return {}
        said = read_yaml(path.read_bytes(), path.name)
    except (TensorflowFreeError, OSError, ValueError, RuntimeError):
        return {}
    if not isinstance(said, dict):
        return {}
    below: dict[str, Any] = {}
    listed = said.get("defaults")
    for name in listed if isinstance(listed, list) and left else ():
        # a name is that of a neighbour; a path that a recipe says is not followed
        if isinstance(name, str) and name != "_self_" and "/" not in name:
            below = merged(below, _whole(path.parent / f"{name.removesuffix('.yaml')}.yaml", left - 1))
    return merged(below, said)
