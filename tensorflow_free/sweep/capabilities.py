"""Which kernels this CPU can run: a process that is set to use others crashes. Does not import torch here.

ATen believes what `ATEN_CPU_CAPABILITY` says, and its AVX512 kernels end in SIGILL on a CPU without AVX512.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Final

from tensorflow_free.errors import TensorflowFreeError

CAPABILITY_VARIABLE: Final = "ATEN_CPU_CAPABILITY"

LEVELS: Final = (("default", "avx2", "avx512"), ("default", "vsx"), ("default", "zvector"), ("default", "sve256"))
"""The capabilities of each kind of CPU, each with all that stand before it. Source: aten/src/ATen/Version.cpp."""

PLAIN: Final = "default"
"""The kernels that every CPU can run."""

_ASK: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import torch; "
    "print(torch.backends.cpu.get_cpu_capability())"
)


def missing_capability(wanted: str | None) -> str | None:
    """Why this CPU cannot run kernels of the capability `wanted`, or None; a word that is none is not judged here."""
    if wanted in (None, PLAIN) or not any(wanted in levels for levels in LEVELS):
        return None
    best = best_capability()
    if any(best in levels and wanted in levels[: levels.index(best) + 1] for levels in LEVELS):
        return None
    return f"this CPU has no '{wanted}'; torch's best kernels for it are '{best}'"


@cache
def best_capability() -> str:
    """The capability that torch chooses here when it is left alone; another process is asked, once.

    Raises:
        TensorflowFreeError: it gives no answer.
    """
    environment = {key: value for key, value in os.environ.items() if key != CAPABILITY_VARIABLE}
    command = [sys.executable, "-P", "-c", _ASK, json.dumps(sys.path)]
    asked = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)  # noqa: S603 - ours
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["it says nothing"])[-1]
        message = f"a process that imports torch could not start: {last}"
        raise TensorflowFreeError(message)
    return asked.stdout.split()[-1].lower()
