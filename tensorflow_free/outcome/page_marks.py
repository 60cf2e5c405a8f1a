"""How an outcome is shown on a page: one table for every report."""

from __future__ import annotations

from tensorflow_free.outcome.outcomes import BAD, Outcome
from tensorflow_free.text.page import Words


def mark_of(outcome: str, *, is_bad: bool = False) -> Words:
    """The word of an outcome: in capitals where something fails by it, `ok` where nothing is left to say.

    Args:
        outcome: its word.
        is_bad: whether it fails something here that it does not fail elsewhere.
    """
    if is_bad or outcome in BAD:
        return Words(outcome.upper(), "bad")
    return Words("ok", "good") if outcome in (Outcome.OK, Outcome.HOLDS) else Words(outcome, "notice")
