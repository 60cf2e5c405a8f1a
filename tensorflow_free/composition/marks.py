"""Where each key of a text stands: line and column, found only when an error needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Mark:
    """Where a key or a list's element begins, counted from 1, and what stands below it."""

    line: int
    column: int
    below: dict[str | int, Mark] = field(default_factory=dict)

    def find(self, path: Sequence[str | int]) -> tuple[Mark, int]:
        """The mark of the longest beginning of `path` that is there, and its length."""
        mark = self
        for depth, part in enumerate(path):
            if part not in mark.below:
                return mark, depth
            mark = mark.below[part]
        return mark, len(path)
