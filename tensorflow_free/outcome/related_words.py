"""Relations in words: how far one holds, of how much, and where it does so least; a part of `outcome/sentences.py`."""

from __future__ import annotations

import math
from typing import Final

from tensorflow_free.errors import INDENT
from tensorflow_free.outcome.reasons import Related
from tensorflow_free.text.phrases import times_told

MOST_LEFT: Final = 6
"""Values of which a relation says nothing, by name."""

MOST_BROKEN: Final = 8
"""Values of which a relation does not hold, by name."""


def related_words(one: Related, told: str) -> str:
    """A relation that was judged, in lines.

    Args:
        one: what was found.
        told: what differs where it holds least, in words.
    """
    judged = " and ".join(
        f"{count:,} {noun}{'' if count == 1 else 's'}"
        for count, noun in ((one.values, "value"), (one.gradients, "gradient"))
        if count
    )
    lines = [_held(one, judged, told)] if one.code == "relation holds" else _broken(one, judged, told)
    if one.left:
        lines.append(f"{INDENT}not judged: {_listed(one.left, MOST_LEFT)}: {one.why}")
    return "\n".join(lines)


def _listed(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _held(one: Related, judged: str, told: str) -> str:
    """How far it holds, and the value of which it holds least."""
    if one.level == "bit for bit":
        return f"bit for bit: {judged}"
    exact = f", {one.exact:,} of them bit for bit" if one.exact else ""
    return f"within noise: {judged}{exact}; {one.value}: {told}"


def _broken(one: Related, judged: str, told: str) -> list[str]:
    """Where it does not hold first, how far that is off, and of what else it does not."""
    relation = f"{one.relation} of " if one.code == "relation broken in eager" else ""
    used = f", {times_told(one.used)} times what is allowed" if one.used and math.isfinite(one.used) else ""
    far = ", within noise" if one.level == "within noise" else used
    eager = {
        True: "; plain eager PyTorch on the CPU breaks it, too",
        False: "; plain eager PyTorch on the CPU holds it",
    }
    lines = [f"{relation}{one.value}: {told}{far}{'' if one.in_eager is None else eager[one.in_eager]}"]
    if len(one.broken) > 1:
        lines.append(f"{INDENT}of {judged}, {len(one.broken)} are apart: {_listed(one.broken, MOST_BROKEN)}")
    return lines
