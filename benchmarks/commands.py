"""Whole commands, from their start to their end, against the bare Python that does as much."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.figures import WALL, Effort, Figure, Side, excess, of_children, ratio

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


RECIPE: Final = ROOT / "recipes" / "linear_autograd.yaml"

OVERRIDES: Final = ("dtype=float64", "steps.y.op=sub", "~expect.y")
"""As README.md has them."""


def run(effort: Effort) -> Figure:
    """`run-recipe recipes/linear_autograd.yaml`, its result saved and printed, against the script."""
    return _against_script(effort, str(RECIPE))


def run_with_overrides(effort: Effort) -> Figure:
    """The same with three overrides."""
    return _against_script(effort, str(RECIPE), *OVERRIDES)


def run_with_folder(effort: Effort) -> Figure:
    """The same with the folder of the result named, by Hydra's setting; a new one each time."""
    return _against_script(effort, str(RECIPE), "hydra.run.dir=kept/${now:%H%M%S%f}")


def verify_one(effort: Effort) -> Figure:
    """`recipe verify` of the recipe and its golden, against the script."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = shutil.copy(RECIPE, folder)
        whole([installed("recipe"), "record", recipe], folder).act(None)
        ours = whole([installed("recipe"), "verify", recipe], folder, clock=of_children)
        return ratio(ours, _script(folder), effort.pairs_of(PAIRS), warm=effort.warm)


def run_with_gradient(effort: Effort) -> Figure:
    """The recipe with the gradient that its pass begins with given, against the script that gives none."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, RECIPE.name)
        recipe.write_text(RECIPE.read_text().replace("backward: y", "backward: {target: y, gradient: 1.0}"))
        ours = _run([str(recipe)], folder)
        return excess(ours, _script(folder), effort.pairs_of(PAIRS), "seconds", warm=effort.warm)


def show_help(effort: Effort) -> Figure:
    """`run-recipe --help`, against an interpreter that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        theirs = whole([sys.executable, "-c", "pass"], folder, clock=of_children)
        return excess(_run(["--help"], folder), theirs, effort.pairs_of(PAIRS), "seconds", warm=effort.warm)


def _against_script(effort: Effort, *words: str) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        return ratio(_run(words, folder), _script(folder), effort.pairs_of(PAIRS), warm=effort.warm)


def _run(words: Sequence[str], folder: str) -> Side:
    return whole([installed("run-recipe"), *words], folder, clock=of_children)


def _script(folder: str) -> Side:
    return whole([sys.executable, "-c", SCRIPT], folder, clock=of_children)


def whole(
    words: Sequence[str],
    folder: str | Path,
    prepare: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = WALL,
) -> Side:
    """A command run in a folder, from its start to its end, what it prints thrown away."""
    run = partial(subprocess.run, words, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return Side(lambda _: run(timeout=LIMIT), prepare, clock)


def environment() -> dict[str, str]:
    """The environment of a command, as a person's is who has set nothing."""
    # Python keeps what it has compiled, as it does unless it is told not to; pytest takes no options from there
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS")
    return {name: value for name, value in os.environ.items() if name not in unwanted and "XDIST" not in name}


def installed(name: str) -> str:
    """A command of the environment that this Python is of."""
    return str(Path(sys.executable).with_name(name))
