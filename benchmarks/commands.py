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
LIMIT: Final = 600
"""Seconds that a command may take."""

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
    return _measured(
        lambda ours, theirs: ratio(ours, theirs, effort.pairs_of(PAIRS), warm=effort.warm), [recipe], SCRIPT
    )


def show_help(effort: Effort) -> Figure:
    """`run-recipe --help`, against an interpreter that does nothing."""
    return _measured(
        lambda ours, theirs: excess(ours, theirs, effort.pairs_of(PAIRS), "seconds", warm=effort.warm),
        ["--help"],
        "pass",
    )


def _measured(compare: Callable[[Side, Side], Figure], words: Sequence[str], script: str) -> Figure:
    command = installed("run-recipe")
    with tempfile.TemporaryDirectory() as folder:
        return compare(whole([command, *words], folder), whole([sys.executable, "-c", script], folder))


def whole(words: Sequence[str], folder: str | Path, prepare: Callable[[], object] = lambda: None) -> Side:
    """A command run in a folder, from its start to its end, what it prints thrown away."""
    run = partial(subprocess.run, words, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return Side(lambda _: run(timeout=LIMIT), prepare, WALL)


def environment() -> dict[str, str]:
    """The environment of a command, as a person's is who has set nothing."""
    # Python keeps what it has compiled, as it does unless it is told not to; pytest takes no options from there
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS")
    return {name: value for name, value in os.environ.items() if name not in unwanted and "XDIST" not in name}


def installed(name: str) -> str:
    """A command of the environment that this Python is of."""
    return str(Path(sys.executable).with_name(name))
