"""What a torch error means, by its text: no memory left."""

from __future__ import annotations

import re
from typing import Final

_NO_MEMORY: Final = re.compile(
    r"can't allocate memory|not enough memory|std::bad_alloc|out of memory|cannot allocate memory", re.IGNORECASE
)
"""How torch 2.11 to 2.13 say it: the CPU's allocator, C++ itself, CUDA's."""


def is_out_of_memory(cause: BaseException | None) -> bool:
    """Whether a step failed because there was not the memory that it asked for."""
    return isinstance(cause, MemoryError) or (
        isinstance(cause, RuntimeError) and _NO_MEMORY.search(str(cause)) is not None
    )
