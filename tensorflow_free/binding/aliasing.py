"""Which values may lie in the same memory, and which of them a later step changes: decided before anything runs.

It is decided from the ops' schemas alone, so that it is alike in every cell. A value's *roots* are the memories that it
may lie in; a value whose sharing is not known is taken to lie in those of all its operands.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

NO_ROOTS: frozenset[int] = frozenset()


class Aliases:
    """Follows the steps in order: what each value may share, and when a memory was last changed."""

    def __init__(self) -> None:
        self._new = count()
        self._roots: dict[int, frozenset[int]] = {}
        self._changed: dict[int, int] = {}
        self._given: dict[int, int] = {}
        self._clock = 0

    def give(self, value: int, shared: Iterable[int] = ()) -> None:
        """A value is made now; it may lie in the memory of the values `shared`, else in memory of its own."""
        self._clock += 1
        roots = frozenset[int]().union(*(self._roots.get(one, NO_ROOTS) for one in shared))
        self._roots[value] = roots or frozenset({next(self._new)})
        self._given[value] = self._clock

    def join(self, value: int, other: int) -> None:
        """From now on `value` may also lie in the memory of `other` (a carry of a repeat block)."""
        self._roots[value] = self._roots[value] | self._roots[other]

    def change(self, values: Iterable[int]) -> None:
        """The memory of these values is changed now, before the step's own result is given."""
        self._clock += 1
        for value in values:
            for root in self._roots.get(value, NO_ROOTS):
                self._changed[root] = self._clock

    def is_changed(self, value: int) -> bool:
        """Whether the value may be changed after it was last given."""
        given = self._given.get(value, 0)
        return any(self._changed.get(root, 0) > given for root in self._roots.get(value, NO_ROOTS))
