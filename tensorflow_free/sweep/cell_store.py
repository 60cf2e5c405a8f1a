"""Where a worker keeps the results of its cells: small ones in its archive, each larger one in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tensorflow_free.errors import StorageError
from tensorflow_free.files.archive_members import LARGEST
from tensorflow_free.files.cell_archives import CellArchive
from tensorflow_free.files.whole_files import write_whole
from tensorflow_free.judging.verdicts import COMPARISON
from tensorflow_free.result.writing import RunFolder, unwritable

SMALL: Final = 2**20
"""Bytes of numbers up to which a cell lies in an archive."""


class CellStore:
    """The results of the cells that one worker runs."""

    def __init__(self, home: Path) -> None:
        """In a sweep's folder."""
        self._home = home
        self._archive = CellArchive(home)
        self._last: tuple[str, Mapping[str, bytes]] | None = None
        """The cell that was archived last, and its files."""

    def keep(self, cell: str, run: RunFolder, comparison: str | None) -> None:
        """Keep a cell's result, in place of what was kept of it.

        Args:
            cell: the name of its folder.
            run: what is to be kept.
            comparison: the text of its `comparison.json`.

        Raises:
            StorageError: it cannot be written.
            UnkeptError: a StorageError; it is kept, but for a file that changed after the recipe read it.
        """
        folder, more = self._home / cell, {} if comparison is None else {COMPARISON: comparison}
        self._last = None
        files, unkept = run.packed(folder, more) if run.size <= SMALL else ({}, None)
        if not files or sum(map(len, files.values())) > LARGEST:
            # whoever began the sweep has tidied up
            run.write(folder, more=more, tidy=False)
            return
        self._append(cell, files)
        if unkept is not None:
            raise unkept

    def judge_again(self, cell: str, comparison: str) -> None:
        """Keep another comparison of the cell that was kept last.

        Raises:
            StorageError: it cannot be written.
        """
        if self._last is not None and self._last[0] == cell:
            self._append(cell, {**self._last[1], COMPARISON: comparison.encode()})
            return
        path = self._home / cell / COMPARISON
        try:
            write_whole(path, comparison.encode())
        except OSError as error:
            raise StorageError(f"{path}: it cannot be written: {error.strerror or error}") from error

    def _append(self, cell: str, files: Mapping[str, bytes]) -> None:
        folder = self._home / cell
        try:
            if folder.exists():
                # what an earlier try left would count, and hide what is added
                shutil.rmtree(folder)
            self._archive.append(cell, files)
        except OSError as error:
            raise unwritable(error, folder) from error
        self._last = cell, files
