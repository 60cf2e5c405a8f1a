"""The machine of a check: its device, a folder, the time that is left, and the commands that run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import finished

ROOT = Path(__file__).parents[3]
ENTRY = "import sys; from tensorflow_free.entry import {0}; sys.argv[0] = '{0}'; sys.exit({0}())"
"""How a command runs where the package is not installed."""


class Fails(Exception):
    """What a row found to be wrong."""


@dataclass(frozen=True)
class Machine:
    """Where the rows run."""

    device: str
    folder: Path
    until: float
    """When the whole must be done, by `time.monotonic`."""

    @property
    def is_cuda(self) -> bool:
        """Whether CUDA's own switches are there to be tried."""
        return self.device.partition(":")[0] == "cuda"

    def seconds_left(self) -> float:
        """How long a command may take."""
        return self.until - time.monotonic()

    def command(self, name: str, *words: object, **environment: str) -> subprocess.CompletedProcess:
        """Runs `run_recipe` or `recipe` with these words."""
        return self.python("-c", ENTRY.format(name), *words, **environment)

    def python(self, *words: object, **environment: str) -> subprocess.CompletedProcess:
        """Runs Python with these words, in the repository.

        Raises:
            TimeoutExpired: the time of the whole check is over.
        """
        known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        limit = max(1.0, self.seconds_left())
        return finished(sys.executable, *words, cwd=ROOT, env={**known, **environment}, timeout=limit)

    def sweep(self, *words: object, **environment: str) -> list[dict[str, Any]]:
        """The rows of a sweep with these words.

        Raises:
            Fails: it gave none.
        """
        folder = self.folder / f"sweep{len(list(self.folder.iterdir()))}"
        done = self.command("run_recipe", "-m", *words, f"hydra.sweep.dir={folder}", "-q", **environment)
        if not (folder / "cells.jsonl").exists():
            raise Fails(last_lines(done))
        return [json.loads(line) for line in (folder / "cells.jsonl").read_text(encoding="utf-8").splitlines()]

    def printed(self, *words: object, **environment: str) -> Any:
        """What a row's helper in `plain_torch.py` prints, as JSON.

        Raises:
            Fails: it prints none.
        """
        done = self.python("-m", "tests.device.check.plain_torch", *words, **environment)
        if done.returncode:
            raise Fails(last_lines(done))
        return json.loads(done.stdout.splitlines()[-1])


def last_lines(done: subprocess.CompletedProcess) -> str:
    """The end of what a command printed."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return f"exit code {done.returncode}: " + shortened(" / ".join(lines[-3:]))


def shortened(line: str) -> str:
    """A line that fits into the table."""
    return line if len(line) <= LONGEST else line[:LONGEST] + " …"


LONGEST = 300
"""Characters of a line of the table."""


def counted(rows: list[dict[str, Any]]) -> str:
    """How many rows have which outcome, the rare ones first."""
    return ", ".join(
        f"{count} {outcome}" for outcome, count in reversed(Counter(one["outcome"] for one in rows).most_common())
    )


def told(row: dict[str, Any]) -> str:
    """A bad row in a line: its recipe, its overrides, and why."""
    reason = str(row.get("reason") or "").splitlines()
    why = f": {reason[0]}" if reason else ""
    return shortened(f"{Path(row['recipe']).stem} {' '.join(row['overrides'])}: {row['outcome']}{why}")
