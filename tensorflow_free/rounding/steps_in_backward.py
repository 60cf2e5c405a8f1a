"""Which step of a recipe the backward pass is in: by the sequence numbers that autograd gives its nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class StepsInBackward:
    """The dtypes of steps, by the numbers of the autograd nodes that they made."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._dtypes: list[torch.dtype | None] = []

    @contextmanager
    def made_within(self, dtype: torch.dtype) -> Iterator[None]:
        """Nodes that are made within are of a step of this dtype, from now on: a step may run their backward itself."""
        begin, before = _next_number(), self._dtypes[-1] if self._dtypes else None
        self._from(begin, dtype)
        try:
            yield
        finally:
            self._from(_next_number(), before)

    def _from(self, number: int, dtype: torch.dtype | None) -> None:
        """Nodes from this number on are of a step of this dtype; of none where it is None."""
        if self._begins and self._begins[-1] == number:
            self._dtypes[-1] = dtype
        else:
            self._begins.append(number)
            self._dtypes.append(dtype)

    def dtype_here(self, otherwise: torch.dtype) -> torch.dtype:
        """The dtype of the step whose backward runs; `otherwise` where none does."""
        if not self._begins:
            return otherwise
        node = torch._C._current_autograd_node()  # noqa: SLF001 - no public door
        if node is None:
            return otherwise
        found = bisect_right(self._begins, node._sequence_nr()) - 1  # noqa: SLF001
        return (self._dtypes[found] if found >= 0 else None) or otherwise


def _next_number() -> int:
    """The number that autograd gives its next node."""
    return torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]  # noqa: SLF001 - no public door
