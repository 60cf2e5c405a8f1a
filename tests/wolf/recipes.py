"""All recipes of the repository, in all cases and dtypes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.loading import cases_of
from tests.wolf.cells import DTYPES, Cell

FOLDER: Final = Path(__file__).parents[2] / "recipes"


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th recipe, each in all its cases."""
    for path in sorted(FOLDER.rglob("*.yaml"))[::every]:
        compiles = "\nbackend:" in path.read_text("utf-8")
        if compiles and any(one.startswith("backend=") for one in overrides):
            continue
        for case in cases_of(path) or ("",):
            name = f"{path.relative_to(FOLDER).with_suffix('')}"
            for dtype in dtypes:
                yield Cell(part, name, dtype, path, ((f"case={case}",) if case else ()) + tuple(overrides))
