"""The cells of a sweep, dealt to lanes: each lane gets the next cell of its places. Does not import torch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Container, Iterator
from typing import Final

from tensorflow_free.sweep.cells import Cell

FURTHEST: Final = 1_000
"""Cells that wait for lanes that are busy, before a lane with nothing to do waits, too."""


class Dealing:
    """Cells, each taken by one of several threads.

    Args:
        cells: all of them, in their order.
        place: the place of a cell; asked once for each, if places matter at all.
    """

    def __init__(self, cells: Iterator[Cell], place: Callable[[Cell], str] | None = None) -> None:
        self._cells = cells
        self._place = place
        self._waiting: deque[tuple[str, Cell]] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def end(self) -> None:
        """Deal no more."""
        with self._changed:
            self._ended = True
            self._cells = iter(())
            self._waiting.clear()
            self._changed.notify_all()

    def next(self, places: Container[str] | None) -> Cell | None:
        """The next cell of some places, or of any; None where there will be none."""
        while True:
            with self._changed:
                cell = self._found(places)
                if cell is not None or self._ended:
                    return cell
                if len(self._waiting) >= FURTHEST:
                    self._changed.wait()
                else:
                    self._look_at_one()

    def _found(self, places: Container[str] | None) -> Cell | None:
        for number, (place, cell) in enumerate(self._waiting):
            if places is None or place in places:
                del self._waiting[number]
                self._changed.notify_all()
                return cell
        return None

    def _look_at_one(self) -> None:
        """Let one more cell wait for its lane."""
        cell = next(self._cells, None)
        if cell is None:
            self._ended = True
        else:
            self._waiting.append(("" if self._place is None else self._place(cell), cell))
        self._changed.notify_all()
