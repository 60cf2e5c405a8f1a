"""What a process's numbers depend on besides the recipe: versions, the CPU and its kernels, threads, devices."""

from __future__ import annotations

import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.result.model import Environment
from tensorflow_free.version import VERSION


@cache
def environment_of(num_threads: int) -> Environment:
    """What this process's numbers depend on."""
    available = torch.cuda.is_available()
    return Environment(
        tensorflow_free=VERSION,
        torch=torch.__version__,
        torch_git=torch.version.git_version,
        python=".".join(str(part) for part in sys.version_info[:3]),
        platform=platform.platform(),
        cpu=_cpu_name(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        num_threads=num_threads,
        cuda=torch.version.cuda,
        cuda_available=available,
        devices=[torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if available else [],
    )


COMPARED: Final = (
    "tensorflow_free", "torch", "torch_git", "python", "platform", "cpu", "cpu_capability", "num_threads", "cuda",
    "devices",
)  # fmt: skip
"""What numbers depend on besides the recipe, in the order in which it is shown."""


def environments_apart(one: Environment | None, other: Environment | None) -> dict[str, tuple[Any, Any]]:
    """What two runs depended on besides their recipes, as far as it is not the same."""
    mine, its = ({} if each is None else each.model_dump() for each in (one, other))
    return {key: (mine.get(key), its.get(key)) for key in COMPARED if mine.get(key) != its.get(key)}


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
