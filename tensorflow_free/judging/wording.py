"""The findings of a comparison in words: where it starts, the share used, the largest error. Does not import torch.

It reads verdicts as the plain data that they are on disk, so that a sweep's rows can be worded without torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.text.phrases import MOST_NAMES, some

Plain = Mapping[str, Any]
"""A verdict, or a measure, as `to_plain` gives it: NaN and infinities may be words."""

LARGE, HUGE = 100.0, 1e6
"""Shares of the allowed error from which on they are whole numbers, and powers of ten."""


class Beginning(Protocol):
    """Where something goes wrong first: `comparison.Where`, or what a sweep's row keeps of it."""

    @property
    def direction(self) -> str: ...  # noqa: D102 - as of `comparison.Where`, all of them
    @property
    def value(self) -> str: ...  # noqa: D102
    @property
    def step(self) -> str: ...  # noqa: D102
    @property
    def op(self) -> str | None: ...  # noqa: D102
    @property
    def through(self) -> tuple[str, ...]: ...  # noqa: D102


def place_of(where: Beginning) -> str:
    """Where it starts: `exp (forward)`, `h (exp, forward)`, `w.grad (backward of y)`."""
    if where.direction == "backward":
        steps = some(where.through, MOST_NAMES // 2)
        return f"{where.value} (backward{f' of {steps}' if steps else ''})"
    known = where.op is None or where.op == where.value
    return f"{where.value} ({'' if known else f'{where.op}, '}forward)"


def share_of(verdict: Plain) -> str:
    """The share of the allowed error that a value used: `0.4x`, `inf (NaN)`; nothing where it was not judged."""
    if verdict["outcome"] in (Outcome.NOT_COMPARABLE, Outcome.DTYPE_DEPENDENT):
        return ""
    used = float(verdict["used"])
    return share_words(used) if used < math.inf else f"inf{_lost(verdict.get('measure'))}"


def share_words(used: float) -> str:
    """A share of what is allowed: `0.4x`, `3.2x`, `1,200x`, `inf`."""
    return f"{times_words(used)}x" if used and used < math.inf else times_words(used)


def times_words(times: float) -> str:
    """How many times: `0.4`, `3.2`, `1,200`, `inf`."""
    if not times < math.inf:
        return "inf"
    if times >= LARGE:
        return f"{times:,.0f}" if times < HUGE else f"{times:.1g}"
    return f"{times:.2g}" if times else "0"


def _lost(measure: Plain | None) -> str:
    if not measure or not measure["nonfinite"]:
        return ""
    return " (NaN)" if "nan" in (measure["found"], measure["wanted"]) else " (inf)"


def number(value: Any, digits: int = 3) -> str:
    """A number of a measure, which may be a word; nothing for None."""
    return "" if value is None else f"{float(value):.{digits}g}"


def index(at: Sequence[int]) -> str:
    """The index of an element: `[0, 3]`; nothing for the only one."""
    return f"[{', '.join(map(str, at))}]" if at else ""


def error_of(verdict: Plain) -> str:
    """The largest error, and where it is: `0.0012 at h[0, 3]`; nothing where none was measured."""
    measure = verdict.get("measure")
    if not measure or measure["unequal"] == 0:
        return ""
    if not float(measure["max_abs"]):
        return f"at {verdict['name']}{index(measure['at'] or ())}"
    return f"{number(measure['max_abs'])} at {verdict['name']}{index(measure['max_abs_at'] or ())}"


def worst_of(verdict: Plain) -> str:
    """The worst element with both of its numbers: `worst at h[0, 3]: 2.5, expected 2`; nothing where none is known."""
    measure = verdict.get("measure")
    if not measure or measure["unequal"] == 0 or not (measure["found"] or measure["wanted"]):
        return ""
    return f"worst at {verdict['name']}{index(measure['at'] or ())}: {measure['found']}, expected {measure['wanted']}"


def pair_of(measure: Plain, key: str) -> str:
    """How many on each side, actual/expected; nothing where there are none."""
    pair = measure.get(key) or (0, 0)
    return f"{pair[0]}/{pair[1]}" if any(pair) else ""
