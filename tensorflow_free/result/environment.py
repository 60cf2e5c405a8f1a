"""What a process's numbers depend on besides the recipe: versions, the CPU and its kernels, threads, devices."""

from __future__ import annotations

import platform
import sys
from functools import cache
from pathlib import Path

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


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
