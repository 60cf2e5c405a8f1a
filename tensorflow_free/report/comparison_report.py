"""A comparison as a page: a row for each value, where the first fault is, and why. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tensorflow_free.judging.wording import Beginning, Plain, index, number, pair_of, place_of, share_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.text.page import Column, Grid, Line, column, grid, line, parted
from tensorflow_free.text.phrases import counted, some

if TYPE_CHECKING:
    from tensorflow_free.judging.verdicts import Comparison

MOST_ROWS: Final = 200
"""Rows of the table; of more values, those that are well are only counted, and of the others the last are cut off."""

MOST_REASONS: Final = 12
"""Mismatches whose reasons are written out below the table: the rest mostly follows from them."""

MOST_OPERANDS: Final = 8

MORE_ALLOWED: Final = "more is allowed than the value itself"
"""Why a verdict could not have failed."""

FIRST: Final = "> "
"""What stands before the name of the value at which it starts."""


# the table


def _columns(verdicts: Sequence[Plain], first: str | None) -> list[Column]:
    measures = [_telling(verdict.get("measure")) for verdict in verdicts]

    def cells(key: str) -> list[str]:
        return [number(measure.get(key)) for measure in measures]

    def at(key: str) -> list[str]:
        return [index(measure.get(f"{key}_at", ()) if _is_some(measure, key) else ()) for measure in measures]

    known = any(verdict["name"] == first for verdict in verdicts)
    names = [_pointed(verdict["name"], first) if known else verdict["name"] for verdict in verdicts]
    outcomes = [mark_of(verdict["outcome"]) for verdict in verdicts]
    return [
        column("  name" if known else "name", names, "name", least=12),
        column("op", [verdict["op"] or "" for verdict in verdicts], least=8, goes=5),
        column("dtype", [verdict["dtype"] for verdict in verdicts], "aside", goes=4),
        column("outcome", outcomes),
        column("rule", [verdict["rule"] for verdict in verdicts], "aside", goes=6),
        column("used", [share_of(verdict) for verdict in verdicts], align="right"),
        column("max abs", cells("max_abs"), align="right"),
        column("at", at("max_abs")),
        column("max rel", cells("max_rel"), align="right", goes=7),
        column("at", at("max_rel"), goes=1),
        column("rmse", cells("rmse"), align="right", goes=3),
        column("ulp", cells("max_ulp"), align="right", goes=9),
        column("sqnr dB", cells("sqnr_db"), align="right", goes=2),
        column("nan", [pair_of(measure, "nan") for measure in measures], goes=11),
        column("inf", [pair_of(measure, "inf") for measure in measures], goes=10),
        column("-0", [str(measure.get("signed_zeros") or "") for measure in measures], align="right", goes=8),
    ]


def _telling(measure: Plain | None) -> Plain:
    """A measure, or what is left to tell of one that found no difference."""
    if not measure or measure["unequal"]:
        return measure or {}
    return {key: measure[key] for key in ("nan", "inf", "signed_zeros")}


def _is_some(measure: Plain, key: str) -> bool:
    return bool(measure) and float(measure.get(key) or 0) != 0


def _pointed(name: str, first: str | None) -> str:
    return (FIRST if name == first else " " * len(FIRST)) + name


def _rows(verdicts: Sequence[Plain]) -> tuple[Sequence[Plain], str]:
    """The verdicts that have a row, and what is left out, in words."""
    if len(verdicts) <= MOST_ROWS:
        return verdicts, ""
    told = [verdict for verdict in verdicts if verdict["outcome"] != Outcome.OK]
    well, cut = len(verdicts) - len(told), max(0, len(told) - MOST_ROWS)
    left_out = [f"{well:,} more that are ok"] * bool(well) + [f"{cut:,} more that are not"] * bool(cut)
    return told[:MOST_ROWS], f"and {', and '.join(left_out)}"


# the whole


def page_of(comparison: Comparison, title: str = "") -> Iterator[Line | Grid]:
    """The whole report; the title says what was compared with what."""
    verdicts: list[Plain] = [verdict.to_plain() for verdict in comparison.values]
    rows, left_out = _rows(verdicts)
    first = comparison.where.value if comparison.where else None
    return parted(
        [
            [
                *([line(title, "title")] if title else []),
                *([line(f"compared with {comparison.reference}", "aside")] if comparison.reference else []),
            ],
            [grid(_columns(rows, first)), *([line(left_out, "aside")] if left_out else [])],
            _reasons(verdicts),
            _in_all(comparison),
        ]
    )


def _reasons(verdicts: Sequence[Plain]) -> Iterator[Line]:
    """Why each value is not ok; values of one outcome and one reason together."""
    bad = [verdict for verdict in verdicts if verdict["outcome"] == Outcome.MISMATCH]
    for verdict in bad[:MOST_REASONS]:
        yield line(f"{verdict['name']}: {verdict['reason']}")
        if allowed := _allowed(verdict):
            yield line(allowed, "aside", indent=4)
    if len(bad) > MOST_REASONS:
        yield line(f"and {len(bad) - MOST_REASONS:,} more")
    alike: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict["outcome"] != Outcome.MISMATCH and verdict["reason"]:
            alike.setdefault((verdict["outcome"], verdict["reason"]), []).append(verdict["name"])
    for (outcome, reason), names in alike.items():
        yield line(f"{outcome}: {some(names)}: {reason}", "aside")


def _allowed(verdict: Plain) -> str:
    """What was allowed and used, in words; nothing where nothing is allowed."""
    return f"used {share_of(verdict)} of what is allowed: {verdict['allowed']}" if verdict["allowed"] else ""


def _in_all(comparison: Comparison) -> Iterator[Line]:
    bad = len(comparison.bad)
    if bad:
        yield line(f"{counted(bad, 'value')} out of bounds, of {comparison.compared:,} compared.", "bad")
    elif comparison.compared:
        yield line(f"{counted(comparison.compared, 'value')} compared, all within bounds.", "well")
    else:
        yield line("Nothing was compared, which is not agreement.", "bad")
    unjudged, vacuous = comparison.unjudged, comparison.vacuous
    if unjudged:
        of = f"{len(unjudged):,} of {comparison.compared + len(unjudged):,} values"
        yield line(f"{of} could not be judged: {some(one.name for one in unjudged)}.", "notice")
    if vacuous:
        told = "verdict" if len(vacuous) == 1 else "verdicts"
        names = some(one.name for one in vacuous)
        yield line(f"{len(vacuous):,} {told} could not have failed, as {MORE_ALLOWED}: {names}.", "notice")
    if k := _k(comparison):
        yield line(f"{k[0].upper()}{k[1:]}.", "notice")
    if comparison.where is not None:
        yield line(_start(comparison.where))


def _k(comparison: Comparison) -> str:
    """That another k was allowed than that of the dtype."""
    if comparison.k is None or comparison.usual_k is None or comparison.k == comparison.usual_k:
        return ""
    return f"judged with k={comparison.k:g} instead of {comparison.usual_k:g}"


def _start(where: Beginning) -> str:
    forward = ": forward, all is within bounds" if where.direction == "backward" else ""
    return f"It starts at {place_of(where)}{forward}."


# a failure on one screen


def failure_of(comparison: Comparison, operands: Sequence[str] = ()) -> Iterator[Line]:
    """What went wrong, for a person who has one screen: where first, how far it is off, and what follows from it.

    Args:
        comparison: what was found.
        operands: the operands of the step at which it starts, in a line each.

    Yields:
        At most some twenty lines; none where all is well.
    """
    if comparison.bad:
        yield from _failure(comparison, operands)
    elif not comparison.is_well:
        yield line("nothing was compared, which is not agreement")
        for reason in list(dict.fromkeys(one.reason for one in comparison.values if one.reason))[:MOST_REASONS]:
            names = [one.name for one in comparison.values if one.reason == reason]
            yield line(f"{some(names)}: {reason}", indent=4)


def _failure(comparison: Comparison, operands: Sequence[str]) -> Iterator[Line]:
    where = comparison.where
    first = next((one for one in comparison.bad if where and one.name == where.value), comparison.bad[0])
    verdict = first.to_plain()
    yield line(f"{place_of(where) if where else first.name} is the first value out of bounds: {first.reason}")
    if where is not None and where.direction == "backward":
        yield line("forward, all is within bounds", indent=4)
    facts = [words for words in (_allowed(verdict), _measured(verdict.get("measure"))) if words]
    yield from (line(words, indent=4) for words in (*facts, *operands[:MOST_OPERANDS]))
    if len(operands) > MOST_OPERANDS:
        yield line(f"and {len(operands) - MOST_OPERANDS} more operands", indent=4)
    others = [one.name for one in comparison.bad if one is not first]
    if others:
        yield line(f"also out of bounds: {some(others)}")
    if comparison.reference:
        told = [f"compared with {comparison.reference}", f"{counted(comparison.compared, 'value')} compared"]
        yield line("; ".join([*told, *filter(None, [_k(comparison)])]))


def _measured(measure: Plain | None) -> str:
    """The measure of a value in a line."""
    if not measure:
        return ""
    differ = "differs" if measure["unequal"] == 1 else "differ"
    words = [f"{measure['unequal']:,} of {counted(measure['elements'], 'element')} {differ}"]
    words += [
        f"{told} {number(measure[key])}{place and ' at ' + place}"
        for told, key, place in (
            ("max abs", "max_abs", index(measure["max_abs_at"])),
            ("max rel", "max_rel", index(measure["max_rel_at"])),
            ("rmse", "rmse", ""),
            ("ulp", "max_ulp", ""),
            ("sqnr dB", "sqnr_db", ""),
        )
        if measure[key] is not None and float(measure[key])
    ]
    words += [f"{key} {pair}" for key in ("nan", "inf") if (pair := pair_of(measure, key))]
    return ", ".join(words)
