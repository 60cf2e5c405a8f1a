"""Which memory a call's results share with its operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from tensorflow_free.isolation.copies import tensors_in

SharedMemory = frozenset[tuple[int, int]]
"""Which results lie in the memory of which operands, by their positions among the tensors."""

MemoryOf = tuple[StorageWeakRef | None, ...]
"""The memory of tensors, which may be freed, but is not taken for what comes in its place; None of what has none."""


def memory_of(tensors: Sequence[torch.Tensor]) -> MemoryOf:
    """The memory of tensors."""
    return tuple(_memory(one) for one in tensors)


def _memory(one: torch.Tensor) -> StorageWeakRef | None:
    has_some = one.layout == torch.strided and not one.is_nested and not one.is_meta and one.numel() > 0
    return StorageWeakRef(one.untyped_storage()) if has_some else None  # type: ignore[no-untyped-call]


def shares_of(made: Any, operands: Any) -> SharedMemory:
    """Which results of a call lie in the memory of which of its operands."""
    return shared(memory_of(tensors_in(made)), memory_of(tensors_in(operands)))


def shared(made: MemoryOf, read: MemoryOf) -> SharedMemory:
    """Which of these are the same memory as which of those."""
    return frozenset((at, place) for at, one in enumerate(made) for place, its in enumerate(read) if same(one, its))


def same(one: StorageWeakRef | None, its: StorageWeakRef | None) -> bool:
    """Whether both are the same memory."""
    return one is not None and its is not None and bool(one == its)
