"""Steps that are hardly out of bounds alone: named only where a value is wrong and no step is clearly so.

The bound of one step is sharp: nothing but its own rounding loosens it, and the largest error of a million sums lies in
the tail of what rounding does. Where a whole chain is judged, the noise of all its steps is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tensorflow_free.isolation.alone import OfCall
from tensorflow_free.outcome.outcomes import Outcome

CLEARLY: Final = 1.5
"""How many times what is allowed a part of a call is clearly wrong. PyTorch's own ops come to 1.3 in float32: weights'
gradients of 600,000 numbers, sums of 256 products each; coordinates of an interpolation."""


def settled(verdicts: Sequence[OfCall], *, is_bad: bool) -> list[OfCall]:
    """The verdicts, those that are hardly out of bounds cleared.

    Args:
        verdicts: those on the calls of a cell, each alone.
        is_bad: whether a value of the cell is out of bounds, so that some step is wrong; then they are cleared where
            another is clearly wrong.
    """
    clearly = any(_is_wrong(one) and not one.overflows and not _is_hardly(one) for one in verdicts)
    if is_bad and not clearly:
        return list(verdicts)
    return [_cleared(one) if _is_hardly(one) else one for one in verdicts]


def _is_wrong(one: OfCall) -> bool:
    return one.verdict.outcome == Outcome.MISMATCH


def _is_hardly(one: OfCall) -> bool:
    found = one.verdict
    return _is_wrong(one) and found.rule in ("rounding", "baseline") and found.used <= CLEARLY


def _cleared(one: OfCall) -> OfCall:
    return replace(one, verdict=replace(one.verdict, outcome=Outcome.OK, reason="", cause=None))
