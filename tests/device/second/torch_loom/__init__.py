"""The distribution of the tests' own device, as a vendor's: `torch.loom`, taken by `import torch` on its own.

It holds what PyTorch asks of the module of a device (`torch.utils.rename_privateuse1_backend`), and what vendors add.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

NAME: Final = "loom"


def autoload() -> None:
    """Make the device known to PyTorch: what the entry point in `torch.backends` names."""
    torch.ops.load_library(Path(__file__).with_name("loom.so"))
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, sys.modules[__name__])
    torch.utils.generate_methods_for_privateuse1_backend()


def index_of(device=None) -> int:
    """The number of a device that is given as a number, a word, a `torch.device`, or not at all."""
    if device is None:
        return current_device()
    index = device if isinstance(device, int) else torch.device(device).index
    return current_device() if index is None else index


def is_available() -> bool:
    return device_count() > 0


def device_count() -> int:
    return torch.ops.loom.device_count()


def current_device() -> int:
    return torch.ops.loom.current_device()


def set_device(device) -> None:
    torch.ops.loom.set_device(index_of(device))


@contextmanager
def device(device):
    """Inside it, another device is the current one."""
    before = current_device()
    set_device(device)
    try:
        yield
    finally:
        set_device(before)


def synchronize(device=None) -> None:
    torch.ops.loom.synchronize(index_of(device))


def synchronized(device=None) -> int:
    """How often it was waited for."""
    return torch.ops.loom.synchronized(index_of(device))


def empty_cache() -> None:
    torch.ops.loom.empty_cache()


def emptied() -> int:
    """How often the cache was emptied."""
    return torch.ops.loom.emptied()


def memory_allocated(device=None) -> int:
    return torch.ops.loom.memory_allocated(index_of(device))


def get_device_name(device=None) -> str:
    return f"Loom {index_of(device)} of the tests"


def manual_seed(seed: int) -> None:
    """Seed the current device alone."""
    torch.ops.loom.generator(current_device()).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    for index in range(device_count()):
        torch.ops.loom.generator(index).manual_seed(seed)


def initial_seed() -> int:
    return torch.ops.loom.generator(current_device()).initial_seed()


def get_rng_state(device=NAME):
    return torch.ops.loom.generator(index_of(device)).get_state()


def set_rng_state(state, device=NAME) -> None:
    torch.ops.loom.generator(index_of(device)).set_state(state)


def get_amp_supported_dtype() -> list[torch.dtype]:
    return [torch.bfloat16, torch.float16]


def _is_in_bad_fork() -> bool:
    return False
