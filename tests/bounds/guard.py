"""Builds guard.c, and speaks with it in a process that has it preloaded."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

SOURCE: Final = Path(__file__).with_name("guard.c")

PATTERNS: Final = (0x55, 0x66)
"""Bytes that are large and different numbers in every dtype."""

ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MALLOC_PERTURB_": "85"}


def compiler() -> str | None:
    """The C compiler, or None where there is none."""
    return shutil.which("cc") or shutil.which("gcc")


def build(folder: Path) -> Path:
    """Compile the guard into a folder.

    Raises:
        RuntimeError: the compiler refuses it.
    """
    made = folder / "guard.so"
    words = [str(compiler()), "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(made), str(SOURCE)]
    if os.spawnv(os.P_WAIT, words[0], words):
        raise RuntimeError(f"{words[0]} does not compile {SOURCE}")
    return made


def environment(guard: Path) -> dict[str, str]:
    """The environment of a process under the guard."""
    return {**os.environ, **ENVIRONMENT, "LD_PRELOAD": str(guard)}


def is_preloaded() -> bool:
    """Whether this process has the guard."""
    return "guard.so" in os.environ.get("LD_PRELOAD", "")


def again_under_guard(module: str) -> int:
    """Run a module with this command line in a process that has the guard; its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", module, *sys.argv[1:]]
        return os.spawnve(os.P_WAIT, sys.executable, words, environment(build(Path(folder))))


@functools.cache
def library() -> Any:
    """The guard of this process."""
    return ctypes.CDLL(os.environ["LD_PRELOAD"])
