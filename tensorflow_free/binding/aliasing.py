"""Which values may share memory, and which of them a later step changes: decided before anything runs.

It is decided from the ops' schemas alone, so that it is the same in every cell. A value's *roots* are the memories that
it may use; a value whose sharing is not known is assumed to share memory with all its operands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

from tensorflow_free.plan.call_rows import CallRow, read_ids
from tensorflow_free.plan.calls import Site
from tensorflow_free.recipe.dotted import KeyPath

NO_ROOTS: frozenset[int] = frozenset()


@dataclass
class Guards:
    """What must be looked at before, or after, a row runs, by the row's id in Python.

    Attributes:
        before: for each value that it changes, those that hold a sparse tensor's indices and whose memory it may share.
        after: values that may be sparse tensors, and may share their indices with the one that it changes.
        refused: rows that change such indices for certain: the row, the value, and the step that they are from.
    """

    before: dict[int, dict[int, set[int]]] = field(default_factory=dict)
    after: dict[int, set[int]] = field(default_factory=dict)
    refused: dict[tuple[int, int], tuple[CallRow, int, Site]] = field(default_factory=dict)


class Aliases:
    """Follows the steps in order: what each value may share, and when a memory was last changed."""

    def __init__(self) -> None:
        self.guards = Guards()
        self._new = count()
        self._roots: dict[int, frozenset[int]] = {}
        self._changed: dict[int, int] = {}
        self._changers: dict[int, dict[KeyPath, None]] = {}
        self._given: dict[int, int] = {}
        self._clock = 0
        self._held: dict[int, tuple[int, Site]] = {}
        self._surely_held: dict[int, Site] = {}
        self._sparse: set[int] = set()

    def give(self, value: int, shared: Iterable[int] = (), *, sparse: bool = False) -> None:
        """A value is made now; it may lie in the memory of the values `shared`, else in memory of its own."""
        self._clock += 1
        roots = NO_ROOTS
        for one in shared:
            roots |= self._roots.get(one, NO_ROOTS)
        self._roots[value] = roots or frozenset({next(self._new)})
        self._given[value] = self._clock
        self._surely_held.pop(value, None)
        if sparse:
            self._sparse.add(value)

    def join(self, value: int, other: int) -> None:
        """From now on `value` may also lie in the memory of `other` (a carry of a repeat block)."""
        # a step that did not bind has given nothing
        self._roots[value] = self._roots.get(value, NO_ROOTS) | self._roots.get(other, NO_ROOTS)

    def change(self, values: Iterable[int], path: KeyPath = ()) -> None:
        """The memory of these values is changed now by the step at `path`, before the step's own result is given."""
        self._clock += 1
        for value in values:
            for root in self._roots.get(value, NO_ROOTS):
                self._changed[root] = self._clock
                self._changers.setdefault(root, {})[path] = None

    def changers(self, value: int) -> tuple[KeyPath, ...]:
        """The paths of the steps that may change the value, be it before or after it is given."""
        roots = self._roots.get(value, NO_ROOTS)
        return tuple({path: None for root in roots for path in self._changers.get(root, ())})

    def is_changed(self, value: int) -> bool:
        """Whether the value may be changed after it was last given."""
        given = self._given.get(value, 0)
        return any(self._changed.get(root, 0) > given for root in self._roots.get(value, NO_ROOTS))

    def follow(self, rows: Sequence[CallRow]) -> None:
        """Go through the rows in order."""
        for row in rows:
            if row.changes:
                self._guard(row)
                self.change(row.changes, row.site.path)
            if row.block is None:
                self._give(row)
            else:
                self._follow_block(row)

    def _follow_block(self, row: CallRow) -> None:
        block = row.block
        if block is None:
            return
        for inside, outside in block.enters:
            self.give(inside, [outside], sparse=outside in self._sparse)
        # twice, so that what one round hands to the next is seen
        for _ in range(2 if block.context is None else 1):
            self.follow(block.rows)
            for inside, handed in block.carry:
                self.join(inside, handed)
                self._sparse |= {inside} if handed in self._sparse else set()
        for _, trace, _ in block.traces:
            self.give(trace)

    def _give(self, row: CallRow) -> None:
        """The value of a row that is no block, and what is known of it."""
        from_sparse = bool(self._sparse) and not self._sparse.isdisjoint(read_ids(row))
        shared = (*row.shares, *(row.shares_sparse if from_sparse else ()))
        self.give(row.out, shared, sparse=row.sparse or from_sparse)
        sure = [self._surely_held[one] for one in row.shares if row.views and one in self._surely_held]
        for value in row.holds:
            sure.append(row.site)
            self._surely_held[value] = row.site
            self._held.update(dict.fromkeys(self._roots.get(value, NO_ROOTS), (value, row.site)))
        if sure and row.shares:
            self._surely_held[row.out] = sure[0]

    def _guard(self, row: CallRow) -> None:
        """Note what a row that changes values in place must not touch."""
        for value in row.changes:
            held = {self._held[root][0] for root in self._roots.get(value, NO_ROOTS) if root in self._held}
            if value in self._surely_held:
                self.guards.refused[id(row), value] = (row, value, self._surely_held[value])
            elif held:
                self.guards.before.setdefault(id(row), {}).setdefault(value, set()).update(held)
            if value in self._sparse:
                self.guards.after.setdefault(id(row), set()).update(self._sparse)
