"""New folders for runs and sweeps: whether a folder is new, and names that are never the same twice."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from tensorflow_free.files.whole_files import is_part


def output_folder(stem: str) -> Path:
    """A folder that no other run has, however many start at once."""
    # the stem of a file named `...yaml` is `..`
    return Path("outputs") / (stem.lstrip(".") or "recipe") / moment()


def moment() -> str:
    """The time here, to the microsecond, and something random, as a name of a folder."""
    return f"{datetime.now().astimezone():%Y-%m-%d_%H-%M-%S-%f}-{secrets.token_hex(3)}"


PACKED: Final = "pack"
"""The folder into which a pack is unpacked before its cells run."""

BEFORE: Final = (".hydra", "multirun.yaml", PACKED)
"""What is put into a folder before anything runs: by Hydra itself, and of a pack."""


def filled(folder: Path) -> str | None:
    """Why nothing can be written into `folder`, or None where it is new, or holds only what is put there first."""
    if folder.exists() and not folder.is_dir():
        return f"'{folder}' is a file; name a folder that is new or empty"
    if folder.is_dir() and any(entry.name not in BEFORE and not is_part(entry.name) for entry in folder.iterdir()):
        return f"the folder '{folder}' holds something already; name one that is new or empty"
    return None
