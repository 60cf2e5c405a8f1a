"""Which steps had run when a run stopped, and in which order, with the rounds of blocks. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import Step

Time = tuple[float, ...]
"""When a step last ran, for comparison alone: at each level the round, and the place in the block."""

BEFORE: Time = ()
"""When the starting tensors were made."""


class Reached:
    """How far a run got that stopped at a step.

    Args:
        steps: the recipe's steps.
        stopped: the path of the step that failed, as `Site.path` has it.
        rounds: how many rounds were done of each repeat block around it, from the outermost in.
    """

    def __init__(self, steps: Mapping[str, Step], stopped: KeyPath, rounds: Sequence[int]) -> None:
        self._steps = steps
        self._stopped = _names(stopped)
        self._rounds = tuple(rounds)

    def is_changed(self, given: KeyPath, changers: Sequence[KeyPath]) -> bool:
        """Whether one of the steps that may change a value ran after the step that gave it (`()`: it was there)."""
        began = self.time(given) if given else BEFORE
        times = [self.time(path) for path in changers]
        return began is not None and any(time is not None and time > began for time in times)

    def time(self, path: KeyPath) -> Time | None:
        """When the step at a path last ran to its end; None where it never did."""
        return _time(self._steps, _names(path), self._stopped, self._rounds, 0)


def _time(
    steps: Mapping[str, Step], names: Sequence[str], stopped: Sequence[str], rounds: Sequence[int], done: int
) -> Time | None:
    """The same within a block of which `done` rounds were done before the one that stopped."""
    if not stopped:
        return None
    order = list(steps)
    own, at = order.index(names[0]), order.index(stopped[0])
    whole = tuple(_whole(steps, names))
    earlier = (done - 1, *whole) if done else None
    if own < at:
        return (done, *whole)
    if own > at or len(names) == 1:
        return earlier
    if len(stopped) == 1:
        # the block itself failed, when its steps had run
        return (done, *whole)
    block = steps[names[0]]
    inner, rest = (rounds[0], rounds[1:]) if block.repeat is not None else (0, rounds)
    deeper = _time(block.steps or {}, names[1:], stopped[1:], rest, inner)
    return earlier if deeper is None else (done, own, *deeper)


def _whole(steps: Mapping[str, Step], names: Sequence[str]) -> Iterator[float]:
    """The places on the way to a step in a block whose rounds are all done."""
    for level, name in enumerate(names):
        if level:
            yield math.inf
        yield list(steps).index(name)
        steps = steps[name].steps or {}


def _names(path: KeyPath) -> tuple[str, ...]:
    """The names in a path such as `steps.loop.steps.y`; none of what is no step."""
    return tuple(str(part) for part in path[1::2]) if path[:1] == ("steps",) else ()
