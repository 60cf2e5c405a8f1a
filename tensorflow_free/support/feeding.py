"""Scripts as the cells of a sweep: each is asked for its next run when a worker is free, and told the row."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.support.probes_of_op import Probe, Script
from tensorflow_free.support.sample_files import remove_recipe, write_recipe
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row


class Feed(Iterator[Cell]):
    """The cells that scripts ask for, as workers take them; any thread may take one, or tell of one.

    A script that is told a row and asks for another run gets it before a new one begins. Nothing here waits: where no
    script asks for anything it ends, also while some are run that will ask again, and can be begun anew then.

    Args:
        scripts: what asks; each is begun when it is needed.
        folder: where recipes are written while they are run.
        overrides: what each cell is given first.
    """

    def __init__(self, scripts: Iterable[Script], folder: Path, overrides: tuple[str, ...]) -> None:
        self._scripts = iter(scripts)
        self._folder = folder
        self._overrides = overrides
        self._asked: deque[tuple[Script, Probe]] = deque()
        self._running: dict[int, tuple[Script, Path | None]] = {}
        self._count = 0
        self._lock = threading.Lock()
        self.done = 0
        """Scripts that are through."""

    def has_more(self) -> bool:
        """Whether a script asks for a run."""
        with self._lock:
            return self._looked()

    def _looked(self) -> bool:
        while not self._asked:
            script = next(self._scripts, None)
            if script is None:
                return False
            self._go_on(script, None)
        return True

    def __next__(self) -> Cell:
        """The next run that a script asks for."""
        with self._lock:
            if not self._looked():
                raise StopIteration
            script, probe = self._asked.popleft()
            number, self._count = self._count, self._count + 1
            path = None
            if not isinstance(probe.recipe, str):
                path = self._folder / f"{number}.yaml"
                write_recipe(probe.recipe, path)
            self._running[number] = (script, path)
        recipe = probe.recipe if isinstance(probe.recipe, str) else str(path)
        return Cell(number, recipe, tuple(map(as_override, (*self._overrides, *probe.overrides))))

    def told(self, row: Row) -> None:
        """Take a row in, for the script that asked for it."""
        with self._lock:
            script, path = self._running.pop(row.number)
            if path is not None:
                remove_recipe(path)
            self._go_on(script, row)

    def _go_on(self, script: Script, row: Row | None) -> None:
        """Let a script begin (None), or go on with a row."""
        try:
            self._asked.append((script, next(script) if row is None else script.send(row)))
        except StopIteration:
            self.done += 1
