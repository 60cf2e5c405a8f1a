"""Whole commands, from their start to their end, against the bare Python that does as much."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.figures import WALL, Effort, Figure, Side, excess, ratio

ROOT: Final = Path(__file__).resolve().parent.parent
PAIRS: Final = 20

SCRIPT: Final = """\
import torch

x = torch.tensor(1.0)
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0)
y = w * x + b
y.backward()
print(y, w.grad)
"""
"""recipes/linear_autograd.yaml as a script: the same five lines of torch."""


def run(effort: Effort) -> Figure:
    """`run-recipe recipes/linear_autograd.yaml`, its result saved and printed, against the script."""
    recipe = str(ROOT / "recipes" / "linear_autograd.yaml")
    return _measured(lambda ours, theirs: ratio(ours, theirs, effort.pairs_of(PAIRS)), [recipe], SCRIPT)


def show_help(effort: Effort) -> Figure:
    """`run-recipe --help`, against an interpreter that does nothing."""
    return _measured(lambda ours, theirs: excess(ours, theirs, effort.pairs_of(PAIRS), "seconds"), ["--help"], "pass")


def _measured(compare: Callable[[Side, Side], Figure], words: Sequence[str], script: str) -> Figure:
    command = str(Path(sys.executable).with_name("run-recipe"))
    with tempfile.TemporaryDirectory() as folder:
        return compare(_command([command, *words], folder), _command([sys.executable, "-c", script], folder))


def _command(words: Sequence[str], folder: str) -> Side:
    """A command run in a folder, what it prints thrown away."""
    # Python keeps what it has compiled, as it does unless it is told not to
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.run, words, cwd=folder, env=kept, check=True, stdout=subprocess.DEVNULL)
    return Side(lambda _: run(), clock=WALL)
