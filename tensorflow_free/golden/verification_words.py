"""What came of checking a case, in words: a failure in full, on one screen, and the share of the allowed error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tensorflow_free.golden.verification import Verification
from tensorflow_free.judging.wording import share_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.report.comparison_report import failure_of as failure_in
from tensorflow_free.text.page import Line, Words, line, text_lines, within

MOST_LINES: Final = 25
"""Lines of one failure."""


def used_of(one: Verification) -> str:
    """The share of what is allowed that the worst value used; empty where nothing was compared."""
    worst = None if one.comparison is None else one.comparison.worst
    return "" if worst is None else share_of(worst.to_plain())


HEADINGS: Final = ("outcome", "recipe", "case", "cell", "used", "golden")
"""Of what `cells_of` gives."""


def cells_of(one: Verification) -> list[Words]:
    """A verdict in cells: outcome, recipe, case, cell, the share of the allowed error that was used, the golden."""
    return [
        mark_of(one.outcome, is_bad=not one.is_well),
        Words(one.recipe),
        Words(one.case, "name"),
        Words(one.cell),
        Words(used_of(one)),
        Words("" if one.golden is None else one.golden.name, "aside"),
    ]


def failure_of(one: Verification) -> Iterator[Line]:
    """A failure in full, on one screen: where it starts, by how much, on what, and the command that shows it again."""
    yield from fault_of(one)
    if one.outcome not in (Outcome.UNUSED, Outcome.STALE):
        yield line("it alone again:", "aside", indent=2)
        yield line(one.command, "name", indent=4, is_whole=True)


def fault_of(one: Verification) -> Iterator[Line]:
    """Where a failure starts, by how much, and on what."""
    place = "  ".join(part for part in (one.recipe, one.case, one.cell) if part)
    yield Line((mark_of(one.outcome, is_bad=not one.is_well), Words(f"  {place}", "bad")))
    why = text_lines(one.reason)
    if one.outcome == Outcome.MISMATCH and one.comparison is not None and one.comparison.bad:
        beside = (*one.above, *one.apart, *one.unmet, *one.stopped)
        why = [*failure_in(one.comparison, one.operands), *map(line, beside)]
    yield from within(why, 2, MOST_LINES)
