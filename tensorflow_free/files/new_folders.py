"""Names of new folders, for runs and for sweeps: no two that start at once have the same."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path


def output_folder(stem: str) -> Path:
    """A folder that no other run has, however many start at once."""
    # the stem of a file named `...yaml` is `..`
    return Path("outputs") / (stem.lstrip(".") or "recipe") / moment()


def moment() -> str:
    """The time here, to the microsecond, and something random, as a name of a folder."""
    return f"{datetime.now().astimezone():%Y-%m-%d_%H-%M-%S-%f}-{secrets.token_hex(3)}"
