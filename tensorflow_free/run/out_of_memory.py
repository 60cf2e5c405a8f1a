"""Whether an error says that there was not the memory that was asked for: how devices say it, open to vendors.

And what leaves the next run, and other processes, the memory of one that is over.

Example:
    >>> is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes"))
    True
    >>> is_out_of_memory(RuntimeError("unsupported memory format option Contiguous"))
    False
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable
from typing import Final

from tensorflow_free.errors import text_of
from tensorflow_free.plugins import load_plugins
from tensorflow_free.run.error_patterns import checked
from tensorflow_free.tensors.devices import empty_cache

_KIND: Final = r"(?:(?!bounds?\b|range\b|order\b)\w+[ -]){0,2}?"
"""What may stand before `memory`: `device`, `free GPU`."""

_SIZE: Final = r"[\d.,]+ ?(?:bytes?|[kmgt]i?b?)\b"

_OTHER: Final = (
    "streams? events? handles? queues? contexts? communicators? semaphores? registers? threads? ports? locks?"
)
"""What is allocated, too, and is no memory."""

_ALLOCATE: Final = rf"alloc(?:ate)?\b(?! (?:\w+ ){{0,3}}?(?:{'|'.join(_OTHER.split())})\b(?! memory))"

_NOT_OTHER: Final = "".join(rf"(?<!{one.rstrip('s?')} )" for one in _OTHER.split())

PATTERNS: Final[tuple[str, ...]] = (
    # allocators of PyTorch (CPU, CUDA, HIP, MPS, XPU, NPU, HPU), C++ itself, XLA's and Tenstorrent's
    rf"\bout[ -]of[ -]{_KIND}memory\b|\bout of (?:hbm|dram|vram|sram|l1)\b",
    rf"\b(?:not enough|insufficient) {_KIND}(?:memory|space to allocate)\b",
    rf"\bno {_KIND}memory (?:is )?(?:left|available|remaining)\b",
    rf"\b(?:can't|cannot|couldn't|could not|unable to|failed to) {_ALLOCATE}(?! memory in static tls)",
    rf"\b(?:unable|failed) to (?:reserve|obtain|acquire) {_KIND}memory\b|\b\w*malloc\w*\b.{{0,30}}\bfail",
    rf"\b{_NOT_OTHER}alloc(?:ation)?(?: of {_SIZE})? (?:was )?(?:fail(?:ed|ure)|refused|denied)\b",
    rf"\bfail(?:ed|s|ure)? allocating {_SIZE}",
    r"\battempting to (?:allocate|reserve)\b.{0,60}\bnot possible\b",
    rf"\bonly {_SIZE}.{{0,20}}\b(?:available|free|left|remain)",
    rf"\bexceed(?:s|ed|ing)? (?:the )?(?:available|free|total|remaining) {_KIND}memory\b",
    r"\bmemory (?:limit|quota|budget) (?:exceeded|reached)\b",
    r"\b(?:memory|hbm|dram|vram)(?: pool)? (?:is |was )?full\b",
    r"\b(?:memory|heap|arena|hbm|dram|vram) (?:pool )?(?:is |was )?(?:exhausted|depleted)\b",
    r"\bexhausted (?:\w+ )?memory\b",
    r"\bbad_alloc\b|\bENOMEM\b|\bOOM\b",
    rf"\binvalid buffer size: {_SIZE}",
    r"\bbeyond max L1 size\b|\bcircular buffers? .{0,120}\bclash with L1 buffers\b",
    # status words of drivers and libraries: CUDA's, cuBLAS's, cuDNN's, HIP's, rocBLAS's, Level Zero's, OpenCL's, ACL's
    r"OUT_?OF_?(?:DEVICE_?|HOST_?)?MEMORY\b|(?:_|\b)(?:OOM|NO_?MEM(?:ORY)?)\b",
    r"(?:_|\b)(?:MEMORY_ALLOCATION|MEM_OBJECT_ALLOCATION_FAILURE|ALLOC(?:ATION)?_FAIL(?:ED|URE)|BAD_ALLOC)\b",
    r"\bcudaErrorMemoryAllocation\b|\brocblas_status_memory_error\b",
    r"\bresource[_ ]exhausted\b",
    r"\bEL0004\b|\b(?:code|error|ret\w*)\W{1,4}207001\b",
)
"""How it is said; each is looked for in the error's words, upper case or lower."""

_ADVICE: Final = re.compile(r"\b(?:avoid\w*|prevent\w*|if|would|is not an?)\b[^.,:;\n]{0,40}$", re.IGNORECASE)
"""What comes before words that only speak of it: `to avoid running out of memory`."""

_STATIC: Final = re.compile("|".join(PATTERNS), re.IGNORECASE)

_registered: Final[dict[str, re.Pattern[str]]] = {}


def register_out_of_memory(pattern: str) -> None:
    """Add how a device says that it has not the memory that was asked for, so that its errors are *out of memory*.

    Call it in what an entry point of the group `tensorflow_free.plugins` names, or in a file of ops.

    Args:
        pattern: a regular expression, looked for anywhere in an error's words, upper case or lower.

    Raises:
        ValueError: it is not a regular expression, or is found in every error.

    Example:
        >>> register_out_of_memory(r"no tile left on the chip")
        >>> is_out_of_memory(RuntimeError("XQ77: no tile left on the chip for 4 MiB"))
        True
    """
    found = checked(pattern)
    _registered[found] = re.compile(found, re.IGNORECASE)


def is_out_of_memory(cause: BaseException | None) -> bool:
    """Whether an error says that there was not the memory that was asked for, in whatever device's words.

    Raises:
        RecipeError: a package that extends the table cannot be loaded.
    """
    if cause is None or isinstance(cause, MemoryError) or _is_named_so(cause):
        return cause is not None
    if not _may_tell(cause):
        return False
    said = text_of(cause)
    if any(_ADVICE.search(said, 0, found.start()) is None for found in _STATIC.finditer(said)):
        return True
    load_plugins()
    return any(pattern.search(said) for pattern in _registered.values())


def _is_named_so(cause: BaseException) -> bool:
    """Whether the kind of an error says it: `torch.OutOfMemoryError`, and those of vendors."""
    names = (kind.__name__.lower().replace("_", "") for kind in type(cause).__mro__)
    return any(word in name for name in names for word in ("outofmemory", "nomemory", "memoryexhausted"))


def _may_tell(cause: BaseException) -> bool:
    """Whether an error is of a kind that devices raise; other kinds of Python's are about arguments."""
    return isinstance(cause, RuntimeError | OSError) or type(cause).__module__ != "builtins"


def give_back_memory(devices: Iterable[str], *, was_short: bool) -> None:
    """Leave what runs next, and other processes, the memory of devices that PyTorch keeps for later.

    Args:
        devices: those that were used.
        was_short: whether there was not enough, so that an error may hold some of it.
    """
    if was_short:
        # what an error holds, in cycles, is let go
        gc.collect()
    for kind in sorted({device.partition(":")[0] for device in devices}):
        empty_cache(kind)
