"""The rows of a comparison, for a page that shows values side by side; and how the steps of its chain are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.judging.wording import error_of, share_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.pages.side_by_side import NO_NUMBERS, SideRow
from tensorflow_free.report.comparison_report import value_lines
from tensorflow_free.report.value_summary import summary
from tensorflow_free.result.result import Result

COLUMNS: Final = ("name", "op", "outcome", "used", "largest error")
"""The headings before those of the two sides."""

ValuesByName = Mapping[str, Any]


def values_in(result: Result | None) -> dict[str, Any]:
    """The values of a run whose numbers are there, by name."""
    if result is None:
        return {}
    return {name: one.value for name, one in result.records.items() if one.unstored is None}


def columns_of(sides: Sequence[str]) -> tuple[str, ...]:
    """The headings of all columns of rows that are compared."""
    return (*COLUMNS, *sides)


def compared_rows(comparison: Comparison, actual: ValuesByName, expected: ValuesByName) -> list[SideRow]:
    """A row for each value that was compared, or could not be, in the order of the chain."""
    return [_row(one, actual, expected) for one in comparison.values]


def _row(one: ValueVerdict, actual: ValuesByName, expected: ValuesByName) -> SideRow:
    verdict = one.to_plain()
    mine, its = (values.get(one.name, NO_NUMBERS) for values in (actual, expected))
    cells = (one.name, one.op or "", mark_of(one.outcome), share_of(verdict), error_of(verdict))
    is_judged = one.outcome in (Outcome.OK, Outcome.MISMATCH)
    return SideRow(
        one.name,
        (*cells, words_in(mine), words_in(its)),
        mine,
        its,
        tone_of(one),
        one.used if is_judged else None,
        list(value_lines(verdict)),
    )


def words_in(value: Any) -> str:
    """A value in a few words; nothing where it, or its numbers, are not there."""
    return "" if value is NO_NUMBERS else summary(value)


def node_words(*sides: ValuesByName) -> dict[str, list[str]]:
    """What the nodes of a chain say of each value on each side."""
    names = dict.fromkeys(name for values in sides for name in values)
    return {name: [words_in(values.get(name, NO_NUMBERS)) for values in sides] for name in names}


def tone_of(one: ValueVerdict) -> str:
    """How the row of a value is marked."""
    return {Outcome.MISMATCH: "bad", Outcome.OK: ""}.get(one.outcome, "notice")


def chain_marks(rows: Sequence[SideRow]) -> dict[str, tuple[str, str]]:
    """How the steps of a chain are drawn: by the worst of a step's rows, the value or the gradient that is."""
    return dict(_marks(rows))


def _marks(rows: Sequence[SideRow]) -> Iterator[tuple[str, tuple[str, str]]]:
    # what is bad is yielded last, and so stays
    for tone in ("notice", "bad"):
        for row in reversed(rows):
            if row.tone == tone:
                outcome, used = row.cells[2], row.cells[3]
                told = " ".join(filter(None, [str(getattr(outcome, "text", outcome)), str(used)]))
                yield row.step, (tone, f"{row.name}: {told}")
