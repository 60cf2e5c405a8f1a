"""What installed packages offer by entry points: each is loaded once, before the first thing that it may change."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tensorflow_free.errors import Place, Problem, refuse_any

PLUGINS: Final = "tensorflow_free.plugins"
"""The group of entry points in which a vendor's package extends tables: `register_unsupported` and its like."""

OPS: Final = "tensorflow_free.ops"
"""The group of entry points in which packages offer ops."""

_loaded: Final[set[str]] = set()


def load_plugins() -> None:
    """Loads what packages offer in the group `tensorflow_free.plugins`, once.

    An entry point names a function, which is called without arguments, or a module, which is imported.

    Raises:
        RecipeError: One of them cannot be loaded, or fails.
    """
    load_group(PLUGINS, _run)


def _run(point: importlib.metadata.EntryPoint) -> None:
    loaded = point.load()
    if callable(loaded):
        loaded()


def offers(group: str) -> bool:
    """Whether an installed package has an entry point of a group."""
    return bool(importlib.metadata.entry_points(group=group))


def is_loaded(group: str) -> bool:
    """Whether the entry points of a group were loaded in this process."""
    return group in _loaded


def load_group(group: str, take: Callable[[importlib.metadata.EntryPoint], None]) -> None:
    """Loads every entry point of a group, once in a process.

    Args:
        group: the group's name.
        take: called with each entry point; loads it.

    Raises:
        RecipeError: One of them cannot be loaded or taken; all that fail are told.
    """
    if group in _loaded:
        return
    _loaded.add(group)
    refuse_any(filter(None, (_problem(point, take) for point in importlib.metadata.entry_points(group=group))))


def _problem(
    point: importlib.metadata.EntryPoint, take: Callable[[importlib.metadata.EntryPoint], None]
) -> Problem | None:
    try:
        take(point)
    except Exception as error:  # noqa: BLE001 - a package may fail in any way
        place = Place(f"entry point '{point.name}' of group '{point.group}'")
        return Problem(place, f"'{point.value}': {words_of(error)}")
    return None


def words_of(error: Exception) -> str:
    """What an error of someone else's Python says, with its kind."""
    if isinstance(error, SyntaxError):
        # its place is shown before it
        return f"{type(error).__name__}: {error.msg}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def place_in(file: Path, error: Exception) -> Place:
    """The line of a file of someone else's Python where an error arose."""
    if isinstance(error, SyntaxError):
        return Place(file=str(file), line=error.lineno, column=error.offset)
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == os.path.abspath(file):  # noqa: PTH100 - as importlib does, links kept
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return Place(file=str(file), line=lines[-1] if lines else None)
