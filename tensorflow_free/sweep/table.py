"""The table of a sweep: the bad cells, what they have in common, and each different failure once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.judging.wording import error_of, share_of, share_words
from tensorflow_free.outcome.outcomes import ABSENT, CELL_OUTCOMES, RANKS, Outcome, well_first
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.outcome.reasons import CellMismatch, Hidden, Marked
from tensorflow_free.outcome.sentences import mark_words
from tensorflow_free.sweep.groups import MOST_NUMBERS, Group, key_of, spent
from tensorflow_free.sweep.patterns import sentences
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.shares import Share
from tensorflow_free.sweep.summary import MOST_RECIPES, Summary
from tensorflow_free.text.characters import in_a_line, is_printable
from tensorflow_free.text.page import Column, Grid, Line, Page, column, grid, line, parted, text_lines, within
from tensorflow_free.text.phrases import counted

MOST_ROWS: Final = 40
"""Bad cells that have a row where not all cells have."""

MOST_FAILURES: Final = 20
"""Different failures that are shown in full."""

MOST_QUIET: Final = 20
"""Different reasons of cells that did not fail, and of further notes."""

MOST_LINES: Final = 30
"""Lines of a reason; the cell's own run shows the rest."""

MOST_VALUES: Final = 20
"""Values of an axis that have a line where cells are counted by axis."""

LONGEST_ASIDE: Final = 60
"""Characters of a reason that still stands in the last line."""

LEAST: Final = 10
"""Characters of a column of words that are left before others go."""


def page_of(summary: Summary) -> Page:
    """The whole table: the cells, the pattern, the failures, the rest, and how many of each there are."""
    count = line(outcome_words(summary), "bad" if summary.bad else "title")
    return parted([[line(heading(summary), "title")], told_of(summary), [count]])


def told_of(summary: Summary) -> Page:
    """What stands between the heading and how many of each there are."""
    return parted(
        [
            _cells(summary),
            [line(words) for words in sentences(summary.shares)],
            *_failures(summary),
            quiet_lines(summary),
            [line(words, "notice") for words in summary.shortfalls.sentences()],
        ]
    )


def heading(summary: Summary) -> str:
    """What was swept: `recipes/attention.yaml, 24 cells, compared with cpu eager float64, torch 2.13.0`."""
    known = summary.heading
    recipes = summary.recipes
    more = ["and more"] if len(recipes) > MOST_RECIPES else []
    planned = summary.cells if known.cells is None else known.cells
    done = "" if planned == summary.cells else f"{summary.cells:,} of "
    return ", ".join(
        [
            *(recipes[:MOST_RECIPES] + more),
            done + counted(planned, "cell"),
            *([f"compared with {known.reference}"] if known.reference else []),
            *([f"torch {known.torch}"] if known.torch else []),
        ]
    )


def outcome_words(summary: Summary) -> str:
    """How many cells came out how, in a sentence: `24 cells: 20 ok, 2 mismatch, 1 unavailable (no CUDA).`."""
    planned = summary.heading.cells
    cells = counted(summary.cells, "cell")
    if planned is not None and planned != summary.cells:
        cells = f"{summary.cells:,} of {counted(planned, 'cell')}"
    order = well_first(CELL_OUTCOMES)
    parts = [f"{count:,} {outcome}{_aside(summary, outcome)}" for outcome in order if (count := summary.count(outcome))]
    return f"{cells}: {', '.join(parts) or 'none was run'}."


def _aside(summary: Summary, outcome: Outcome) -> str:
    """Why cells could not be had, where it is one short reason; else what they have in common."""
    groups = [group for group in summary.groups if group.outcome == outcome]
    if outcome not in ABSENT or len(groups) != 1:
        return ""
    reason = groups[0].text
    words = reason if len(reason) <= LONGEST_ASIDE and is_printable(reason) else shared_words(groups[0])
    return f" ({words})" if words else ""


# the cells


def _cells(summary: Summary) -> Iterator[Line | Grid]:
    """A row for each cell while they are few; else one for the worst, and counts by the values of the axes."""
    if summary.few is not None:
        yield grid(_columns(summary, _ordered(summary, summary.few)), "cell")
        return
    worst = _worst(summary)
    if worst:
        yield grid(_columns(summary, worst), "cell")
        if summary.bad > len(worst):
            yield line(f"and {summary.bad - len(worst):,} more bad cells; sweep.csv has all", "aside")
        yield line()
    yield grid(_counts(summary), "value")
    for key, axis in summary.shares:
        if axis.shares is None:
            yield line(f"{key}: too many values to count the cells of each", "aside")
        elif axis.is_even:
            yield line(f"{key}: its {len(axis.shares)} values have the same outcomes", "aside")
        elif len(axis.shares) > MOST_VALUES:
            yield line(f"{key}: of its {len(axis.shares)} values, the {MOST_VALUES} with most bad cells", "aside")


def _ordered(summary: Summary, rows: Sequence[Row]) -> list[Row]:
    """The rows, worst outcome first; of the bad ones those that are alike together, the worst of them first."""
    ranks = {key: rank for rank, group in enumerate(summary.groups) for key in group.keys}

    def rank(row: Row) -> tuple[int, int, float, int]:
        outcome = RANKS[row.outcome]
        return (outcome, ranks[key_of(row)], -spent(row), row.number) if row.is_bad else (outcome, 0, 0.0, row.number)

    return sorted(rows, key=rank)


def _worst(summary: Summary) -> list[Row]:
    """The worst cells of each kind that is bad."""
    bad = [group for group in summary.groups if group.is_bad][:MOST_ROWS]
    each = max(1, MOST_ROWS // max(1, len(bad)))
    return [row for group in bad for row in group.worst[:each]]


def _columns(summary: Summary, rows: Sequence[Row]) -> list[Column]:
    judged = [{"outcome": row.outcome, "used": row.used, **(row.worst or {})} for row in rows]
    used = ["" if row.used is None else share_of(one) for row, one in zip(rows, judged, strict=True)]
    compiled = ["" if row.compiled is None else row.compiled.word for row in rows]
    return [
        column("cell", [str(row.number) for row in rows], align="right"),
        *(column(key, [row.axes.get(key, "") for row in rows], "name", least=LEAST) for key in summary.shares.keys),
        column("outcome", [mark_of(row.outcome, is_bad=row.is_bad) for row in rows]),
        *([column("compiled", compiled, "notice")] if any(compiled) else []),
        column("starts at", [row.place for row in rows], least=LEAST),
        column("used", used, align="right"),
        column(
            "largest error", ["" if row.worst is None else error_of(row.worst) for row in rows], least=LEAST, goes=2
        ),
        column("rule", [row.rule for row in rows], "aside", goes=1),
    ]


def _counts(summary: Summary) -> list[Column]:
    """How the cells of each value of each axis came out."""
    shares: list[tuple[str, str, Share]] = [
        (key if position == 0 else "", value, share)
        for key, axis in summary.shares
        for position, (value, share) in enumerate(_most_bad({} if axis.is_even else axis.shares or {}))
    ]
    columns = [
        column("axis", [key for key, _, _ in shares], "name", least=LEAST),
        column("value", [value for _, value, _ in shares], least=LEAST),
        column("cells", [f"{share.cells:,}" for _, _, share in shares], align="right"),
    ]
    for outcome in reversed(CELL_OUTCOMES):
        if summary.count(outcome):
            counts = [f"{share.outcomes[outcome]:,}" if share.outcomes[outcome] else "" for *_, share in shares]
            columns.append(column(outcome, counts, align="right"))
    used = ["" if share.used is None else share_words(share.used) for *_, share in shares]
    return [*columns, column("most used", used, align="right")]


def _most_bad(shares: dict[str, Share]) -> list[tuple[str, Share]]:
    """The values in the order in which they were given; of many, those with most bad cells."""
    most = sorted(shares.items(), key=lambda item: (-item[1].bad, item[1].first))[:MOST_VALUES]
    return sorted(most, key=lambda item: item[1].first)


# why


def _failures(summary: Summary) -> Iterator[list[Line]]:
    """Each different failure in full, once."""
    bad = [group for group in summary.groups if group.is_bad]
    for group in bad[:MOST_FAILURES]:
        yield list(failure_lines(group))
    told = sum(group.count for group in bad[:MOST_FAILURES])
    if summary.bad > told:
        yield [line(f"and other failures, of {counted(summary.bad - told, 'cell')}; sweep.csv has all", "bad")]


def failure_lines(group: Group) -> Iterator[Line]:
    """A failure in full, with the command that runs one of its cells alone."""
    row = group.row
    yield from why_failed(group)
    yield line(f"cell {row.number} alone:", "aside", indent=2)
    yield line(row.command, "name", indent=4, is_whole=True)
    if group.count > 1:
        yield line(
            f"and {group.count - 1:,} like it: {cells_words(group.numbers[1:], group.count - 1)}", "aside", indent=2
        )


def why_failed(group: Group) -> Iterator[Line]:
    """A failure: where it is, of which cells, what is to blame, and why."""
    row = group.row
    place = f" at {row.place}" if row.place else ""
    yield line(f"{group.outcome.upper()}{place}: {counted(group.count, 'cell')}{_common(group)}", "bad")
    backward = row.where is not None and row.where.direction == "backward"
    if backward and row.outcome != Outcome.NONDETERMINISTIC:
        yield line("forward, all is within bounds", indent=2)
    if not any(isinstance(one, Hidden) for one in row.causes):
        yield from (line(told, indent=2) for told in blame_lines(row.blame))
    yield from _reason(row)
    if row.outcome == Outcome.FIXED:
        yield line(f"remove the mark from 'xfail' in {row.recipe}", indent=2)


def _common(group: Group) -> str:
    """What a group's cells have in common."""
    common = shared_words(group)
    if not common:
        return ""
    return f", all with {common}" if group.count > 1 else f" ({common})"


def shared_words(group: Group) -> str:
    """The values of axes that a group's cells have in common."""
    return ", ".join(f"{key}={value}" for key, value in group.common.items())


def _reason(row: Row) -> Iterator[Line]:
    yield from within(text_lines(row.reason or "no reason is given"), 2, MOST_LINES)
    worst = row.worst
    if row.outcome == Outcome.MISMATCH and worst and worst.get("allowed") and not _is_told(row, worst):
        yield line(f"{worst['name']} used {share_of(worst)} of what is allowed: {worst['allowed']}", "aside", indent=2)


def _is_told(row: Row, worst: Mapping[str, Any]) -> bool:
    """Whether what is allowed stands in the reason already, which is about the first value and not the worst."""
    first = next((one for one in row.causes if isinstance(one, CellMismatch)), None)
    if first is None:
        return row.where is not None and row.where.value == worst["name"]
    return bool(first.allowed == worst["allowed"])


def cells_words(numbers: Sequence[int], count: int) -> str:
    """The first of `count` numbers of cells: `cells 3, 4, 7, ...`."""
    listed = ", ".join(map(str, numbers[: MOST_NUMBERS - 1]))
    return f"cell{'' if count == 1 else 's'} {listed}{', ...' if count > len(numbers) else ''}"


# what is no failure


def quiet_lines(summary: Summary) -> Iterator[Line]:
    """Known faults, cells that could not be had or not be compared, and what else is worth saying: a line each."""
    groups = [group for group in summary.groups if not group.is_bad]
    told = [(str(group.outcome), why_of(group), group) for group in groups]
    told += [("note", group.text, group) for group in summary.told]
    for words, reason, group in told[:MOST_QUIET]:
        cells = cells_words(group.numbers, group.count)
        in_one = in_a_line(_ENDS_BELOW.sub(";", reason))
        yield line(f"{words}: {in_one or 'no reason is given'} ({cells})", "aside")
    if len(told) > MOST_QUIET:
        yield line(f"and {len(told) - MOST_QUIET} more such reasons; sweep.csv has all", "aside")


_ENDS_BELOW: Final = re.compile(r"(?<![.;:,\s])(?=\n )")
"""Where a line ends without a mark, and what stands below it is of it: operands, whose words they are."""


def why_of(group: Group) -> str:
    """Why its cells are what they are; of known faults, what their marks say."""
    marks = [one for one in group.row.causes if isinstance(one, Marked)]
    return "; ".join(map(mark_words, marks)) or group.text
