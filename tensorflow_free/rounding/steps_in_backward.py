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
        self._dtypes: list[torch.dtype] = []

    @contextmanager
    def made_within(self, dtype: torch.dtype) -> Iterator[None]:
        """Nodes that are made within are of a step of this dtype."""
        begin = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]  # noqa: SLF001 - no public door
        try:
            yield
        finally:
            if torch.autograd._get_sequence_nr() > begin:  # type: ignore[attr-defined]  # noqa: SLF001
                self._begins.append(begin)
                self._dtypes.append(dtype)

    def dtype_here(self, otherwise: torch.dtype) -> torch.dtype:
        """The dtype of the step whose backward runs; `otherwise` where none does."""
        if not self._begins:
            return otherwise
        node = torch._C._current_autograd_node()  # noqa: SLF001 - no public door
        if node is None:
            return otherwise
        found = bisect_right(self._begins, node._sequence_nr()) - 1  # noqa: SLF001
        return otherwise if found < 0 else self._dtypes[found]
