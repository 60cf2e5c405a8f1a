"""What a process's numbers depend on besides the recipe: versions, the CPU and its kernels, threads, devices."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.result.model import Environment
from tensorflow_free.version import VERSION


def environment_of(num_threads: int, devices: Sequence[str] = ()) -> Environment:
    """What a run's numbers depend on, in this process.

    Args:
        num_threads: threads that one op may use.
        devices: those that the run used besides the CPU, which tell of themselves.
    """
    process = _of_process(num_threads)
    if not devices:
        return process
    from tensorflow_free.result.device_facts import devices_used, names_of_kinds  # noqa: PLC0415 - most runs use none

    return process.model_copy(update={"devices": names_of_kinds(devices), "used": list(devices_used(devices))})


@cache
def _of_process(num_threads: int) -> Environment:
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
        cuda_available=torch.cuda.is_available(),
        devices=[],
    )


COMPARED: Final = (
    "tensorflow_free", "torch", "torch_git", "python", "platform", "cpu", "cpu_capability", "num_threads", "cuda",
)  # fmt: skip
"""What numbers depend on besides the recipe, in the order in which it is shown."""


def environments_apart(one: Environment | None, other: Environment | None) -> dict[str, tuple[Any, Any]]:
    """What two runs depended on besides their recipes, as far as it is not the same."""
    mine, its = (_compared(each) for each in (one, other))
    # what only one of them tells of devices says nothing of the other's: it ran elsewhere, or its file is older
    keys = [key for key in dict.fromkeys((*mine, *its)) if key in COMPARED or (key in mine and key in its)]
    return {key: (mine.get(key), its.get(key)) for key in keys if mine.get(key) != its.get(key)}


def _compared(environment: Environment | None) -> dict[str, Any]:
    """What is compared of an environment, by name: that of the devices behind that of the process."""
    if environment is None:
        return {}
    found: dict[str, Any] = {key: getattr(environment, key) for key in COMPARED}
    if environment.devices:
        found["devices"] = environment.devices
    for one in environment.used:
        facts = {"name": one.name, "memory": one.memory_bytes, "driver": one.driver, **one.versions, **one.precision}
        found |= {f"{one.kind} {name}": told for name, told in facts.items() if told is not None}
    return found


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
