"""The files of ops that were named to this process, for the commands that it prints and the processes it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tensorflow_free.text.phrases import seen_from_here

_named: Final[dict[Path, None]] = {}


def note(file: Path) -> None:
    """Keep that a file of ops has been loaded."""
    _named[file.absolute()] = None


def ops_files() -> tuple[Path, ...]:
    """The files of ops that this process has loaded."""
    return tuple(_named)


def ops_words() -> list[str]:
    """`--ops FILE` for each file, by its path from here: which of them an op or a backend came from is not known."""
    return [word for file in map(seen_from_here, _named) for word in ("--ops", str(file))]
