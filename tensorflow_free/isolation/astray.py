"""Results that lie in other memory than they should, so that a later change in place reaches too little or too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tensorflow_free.isolation.captured import CapturedCall
from tensorflow_free.isolation.sharing import MemoryOf, SharedMemory, same, shared


def gone_astray(
    calls: Sequence[CapturedCall], expected: Mapping[int, SharedMemory]
) -> Iterator[tuple[CapturedCall, int, int]]:
    """The calls whose results share other memory than expected, which a later call changes; the result and the operand.

    Args:
        calls: those of a cell, in order.
        expected: what the results of calls should share with their operands, by their numbers.
    """
    for call in calls:
        found = shared(call.memory, call.read)
        for at, place in sorted(found ^ expected.get(call.number, found)):
            if at >= len(call.memory) or place >= len(call.read):
                continue
            involved = call.memory[at], call.read[place]
            if any(one.number > call.number and _changes(one, involved) for one in calls):
                yield call, at, place


def _changes(call: CapturedCall, memory: MemoryOf) -> bool:
    """Whether a call changes some of this memory."""
    return any(place < len(call.read) and same(call.read[place], one) for place in call.after for one in memory)
