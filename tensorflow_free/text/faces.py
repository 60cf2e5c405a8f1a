"""What a thing shows of itself in a notebook is made in a room above it, which is told here by its name.

Standard library only.

Reports, data frames and pictures know results, and not the other way round. So a result asks here for the module that
makes its own, and the package says as it is imported in which room that stands; it is loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

_rooms: Final[list[str]] = []


def make_in(room: str) -> None:
    """Say which room has the modules `face`, `frames` and `plots`."""
    _rooms[:] = [room]


def maker(name: str) -> Any:
    """A module of that room, loaded now."""
    return import_module(f"{_rooms[0]}.{name}")


class Shown:
    """What a notebook shows by a table rather than by its `repr`."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """The HTML, escaped and without scripts."""
        html: str = maker("face").face_of(self)
        return html
