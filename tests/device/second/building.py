"""The second device built, once for each source, torch and compiler, and kept outside the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from filelock import FileLock
from torch.utils.cpp_extension import include_paths, library_paths

from tests.processes import LIMIT, finished, succeeded

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
SOURCES: Final = ("loom.cpp", "torch_loom/__init__.py", "building.py")

_FOLDERS: Final = {
    "METADATA": "Metadata-Version: 2.1\nName: torch-loom\nVersion: 1\n",
    "entry_points.txt": "[torch.backends]\nloom = torch_loom:autoload\n",
}


@dataclass(frozen=True)
class Loom:
    """The device, for processes of their own.

    Attributes:
        folder: where its distribution lies.
    """

    folder: Path

    def environment(self, **faults: str) -> dict[str, str]:
        """The environment of a process that has the device; `LOOM_…` variables switch its faults on."""
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **faults}

    def python(self, *words: object, **faults: str) -> subprocess.CompletedProcess:
        """`python WORDS` with the device."""
        return finished(sys.executable, *words, env=self.environment(**faults))

    def pytest(self, *words: object, **faults: str) -> subprocess.CompletedProcess:
        """`pytest WORDS` with the device, in one process, on this repository."""
        settings = ["-q", "-n0", "-p", "no:cacheprovider", "-o", "python_files=check_*.py"]
        return finished(sys.executable, "-m", "pytest", *settings, *words, env=self.environment(**faults), cwd=ROOT)


def compiler() -> str | None:
    """The C++ compiler, or None."""
    return shutil.which(os.environ.get("CXX", "g++"))


def distribution() -> Path:
    """The folder of the distribution; it is built where it is not there yet.

    Raises:
        AssertionError: it cannot be compiled.
    """
    program = compiler()
    assert program is not None, "no C++ compiler"
    key = hashlib.sha256()
    for part in (torch.__version__, sys.version, _version_of(program)):
        key.update(part.encode())
    for name in SOURCES:
        key.update((HERE / name).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tensorflow_free-tests"
    cache.mkdir(parents=True, exist_ok=True)
    built = cache / f"loom-{key.hexdigest()[:16]}"
    with FileLock(f"{built}.lock"):
        if not built.is_dir():
            _build(program, built)
    return built


def _version_of(program: str) -> str:
    return succeeded(program, "--version").stdout


def _build(program: str, to: Path) -> None:
    """Compile it beside its place, and move it there whole."""
    making = to.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(HERE / "torch_loom", making / "torch_loom", ignore=shutil.ignore_patterns("__pycache__"))
    information = making / "torch_loom-1.dist-info"
    information.mkdir()
    for name, text in _FOLDERS.items():
        (information / name).write_text(text, encoding="utf-8")
    headers = [word for path in include_paths() for word in ("-isystem", path)]
    libraries = [word for path in library_paths() for word in (f"-L{path}", f"-Wl,-rpath,{path}")]
    succeeded(
        *(program, "-std=c++20", "-O0", "-fPIC", "-shared", *headers, HERE / "loom.cpp"),
        *("-o", making / "torch_loom" / "loom.so", *libraries, "-ltorch", "-ltorch_cpu", "-lc10"),
        timeout=BUILDING,
    )
    making.rename(to)


BUILDING: Final = 6 * LIMIT
"""Seconds that compiling may take, on a machine that does much else."""
