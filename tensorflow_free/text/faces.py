"""How a thing looks in a notebook: what makes its HTML stands in rooms above it, and is told here where.

Standard library only.

Reports and pictures know results, and not the other way round. So a result asks here, and the package says as it is
imported which of its modules draws; that is loaded when a notebook first shows something.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

_drawn_by: Final[list[str]] = []


def draw_by(module: str) -> None:
    """Say which module has the function `face_of`, which takes a thing and gives its HTML."""
    _drawn_by[:] = [module]


class Shown:
    """What a notebook shows by a table rather than by its `repr`."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """The HTML, escaped and without scripts; None where nothing draws it."""
        for module in _drawn_by:
            face_of: Callable[[Shown], str | None] = import_module(module).face_of
            return face_of(self)
        return None
