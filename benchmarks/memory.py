"""The peak memory of a chain on large tensors, against the same chain in Python; each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.figures import Effort, Figure, figure

LENGTH: Final = 200
ELEMENTS: Final = 4 * 2**20
"""Numbers of a tensor: 16 MiB in float32."""

PAIRS: Final = 5
LIMIT: Final = 600
"""Seconds that one of them may take."""

PROMPT: Final = {"MALLOC_MMAP_THRESHOLD_": str(2**17)}
"""Has glibc give large blocks back to the system at once; else it keeps some, and the peak is a matter of chance."""


def outputs_recorded(effort: Effort) -> Figure:
    """`run_recipe` from drawing to result, only the last value recorded, against plain Python."""
    length, elements = str(effort.size_of(LENGTH, 8)), str(effort.size_of(ELEMENTS, 2**18))
    values = [
        _peak("recipe", length, elements) / _peak("python", length, elements) for _ in range(effort.pairs_of(PAIRS))
    ]
    return figure(values, "ratio")


def _peak(*words: str) -> int:
    """Bytes that a run in a new interpreter took at most."""
    return int(printed("benchmarks.memory", *words))


def printed(module: str, *words: str) -> str:
    """What a module of the benchmarks prints when it is run in a new interpreter."""
    command = [sys.executable, "-m", module, *words]
    root = Path(__file__).resolve().parent.parent
    run = partial(subprocess.run, command, cwd=root, env=os.environ | PROMPT, stdout=subprocess.PIPE, text=True)
    return run(check=True, timeout=LIMIT).stdout


def _run(which: str, length: int, elements: int) -> int:
    """Bytes that the chain takes at most, above what the process had when it began."""
    import torch  # noqa: PLC0415

    from benchmarks.chains import chain, compiled_source, python_source  # noqa: PLC0415 - the parent needs no torch
    from tensorflow_free import load_recipe, run_recipe  # noqa: PLC0415

    def tensors(size: int) -> dict[str, object]:
        return {
            "x": {"init": "full", "size": [size], "fill_value": 0.5},
            "w": {"init": "full", "size": [size], "fill_value": 0.75},
        }

    small, large = (load_recipe(chain(length, "outputs", tensors(size))) for size in (1, elements))
    python = compiled_source(python_source(length, keep=False))
    # what the first run of each loads is not counted
    run_recipe(small)
    python(torch.full((1,), 0.5), torch.full((1,), 0.75))
    before = now_and_reset()
    if which == "recipe":
        kept = run_recipe(large)
    else:
        kept = python(torch.full((elements,), 0.5), torch.full((elements,), 0.75))
    peak = status("VmHWM") - before
    del kept
    return peak


def now_and_reset() -> int:
    """The resident memory now, from which Linux is told to measure the peak anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return status("VmRSS")


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    print(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
