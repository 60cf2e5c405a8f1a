"""A comparison as a page: a row for each value, where the first fault is, and why. Does not import torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.judging.wording import Beginning, Plain, index, number, pair_of, place_of, share_of, worst_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.text.page import Column, Grid, Line, Style, column, grid, line, parted
from tensorflow_free.text.phrases import counted, some

if TYPE_CHECKING:
    from tensorflow_free.judging.verdicts import Comparison, ValueVerdict

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
        return [index(measure.get(f"{key}_at") or () if _is_some(measure, key) else ()) for measure in measures]

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
    if not measure or measure["unequal"] != 0:
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
            _inputs(comparison),
            [grid(_columns(rows, first), "value"), *([line(left_out, "aside")] if left_out else [])],
            _reasons(verdicts, comparison.told),
            _in_all(comparison),
        ]
    )


def summary_of(comparison: Comparison) -> Iterator[Line]:
    """What was found in all, without the values."""
    if comparison.reference:
        yield line(f"compared with {comparison.reference}", "aside")
    yield from (line(note, "notice") for note in comparison.told)
    yield from _in_all(comparison)


def verdict_of(comparison: Comparison) -> str:
    """What was found in all, in a sentence."""
    return str(next(_in_all(comparison)))


def _reasons(verdicts: Sequence[Plain], notes: Sequence[str]) -> Iterator[Line]:
    """Why each value is not ok, values of one outcome and one reason together; and what else is to be told."""
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
    for note in notes:
        yield line(note, "notice")


def _allowed(verdict: Plain) -> str:
    """What was allowed and used, in words; nothing where nothing is allowed."""
    return f"used {share_of(verdict)} of what is allowed: {verdict['allowed']}" if verdict["allowed"] else ""


def _in_all(comparison: Comparison) -> Iterator[Line]:
    bad, skipped = len(comparison.bad) - len(comparison.inputs), _skipped(comparison.skipped)
    if bad:
        yield line(f"{counted(bad, 'value')} out of bounds, of {comparison.compared:,} compared{skipped}.", "bad")
    elif comparison.compared:
        of = f"{comparison.compared:,} of " if skipped else ""
        values = counted(comparison.compared + len(comparison.skipped), "value")
        but = ", but the inputs differ" if comparison.inputs else ""
        style: Style = "bad" if but else "notice" if skipped else "well"
        yield line(f"{of}{values} compared, all within bounds{but}{skipped}.", style)
    else:
        yield line("Nothing was compared, which is not agreement.", "bad")
    vacuous = comparison.vacuous
    if vacuous:
        told = "verdict" if len(vacuous) == 1 else "verdicts"
        names = some(one.name for one in vacuous)
        yield line(f"{len(vacuous):,} {told} could not have failed, as {MORE_ALLOWED}: {names}.", "notice")
    if k := _k(comparison):
        yield line(_sentence(k), "notice")
    blame = [_sentence(told) for told in blame_lines(comparison.blame)]
    if comparison.where is not None and not (comparison.blame and comparison.blame.culprits):
        yield line(_start(comparison.where))
    yield from map(line, blame)


def _sentence(told: str) -> str:
    return f"{told[0].upper()}{told[1:]}."


def _k(comparison: Comparison) -> str:
    """That another k was allowed than that of the dtype."""
    if comparison.k is None or comparison.usual_k is None or comparison.k == comparison.usual_k:
        return ""
    return f"judged with k={comparison.k:g} instead of {comparison.usual_k:g}"


def _skipped(skipped: Sequence[ValueVerdict]) -> str:
    """How many values were not judged, and why; nothing where all were."""
    counts = Counter("" if one.cause is None else str(one.cause.code) for one in skipped)
    if len(counts) == 1:
        return f"; {len(skipped):,} not: {_why_skipped(next(iter(counts)))}"
    told = ", ".join(f"{_why_skipped(code)} ({count:,})" for code, count in counts.items())
    return f"; {len(skipped):,} not: {told}" if told else ""


def _why_skipped(code: str) -> str:
    return SKIPPED.get(code, code)


SKIPPED: Final = {
    "random": "downstream of a random step",
    "not recorded": "not recorded in the reference",
    "reference stopped": "the reference stopped before them",
    "only in the reference": "in the reference alone, as this run stopped or records less",
    "no nudged runs": "too few nudged runs have them",
    "not stored": "their numbers are not stored",
    "not comparable": "of a kind that cannot be compared",
}
"""Why values were not judged, by the codes of their reasons."""


def _inputs(comparison: Comparison) -> Iterator[Line]:
    """That the two did not start from the same numbers, which comes before all else."""
    if not comparison.inputs:
        return
    told = [f"{one.name} ({_how_many(one)})" for one in comparison.inputs]
    follows = "; what follows is downstream of that" if len(comparison.bad) > len(told) else ""
    yield line(f"The inputs differ: {some(told)}{follows}.", "bad")


def _how_many(one: ValueVerdict) -> str:
    """How many of its numbers are other ones; else why it is another tensor."""
    cause = one.to_plain()["cause"]
    return f"{cause['count']:,} of {counted(cause['elements'], 'element')}" if "count" in cause else one.reason


def _start(where: Beginning) -> str:
    forward = ": forward, all is within bounds" if where.direction == "backward" else ""
    return f"It starts at {place_of(where)}{forward}."


# a value alone


def value_lines(verdict: Plain) -> Iterator[Line]:
    """What was found of one value: why it is not ok, what it used of what is allowed, its measure and worst element."""
    if verdict["reason"]:
        yield line(verdict["reason"], "bad" if verdict["outcome"] == Outcome.MISMATCH else "")
    facts = [_allowed(verdict), _measured(_telling(verdict.get("measure"))), worst_of(verdict)]
    yield from (line(fact, "aside") for fact in facts if fact)
    if verdict["vacuous"]:
        yield line(f"this verdict could not have failed, as {MORE_ALLOWED}", "notice")


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
    blame = comparison.blame
    yield from map(line, blame_lines(blame))
    yield line(f"{place_of(where) if where else first.name} is the first value out of bounds: {first.reason}")
    if where is not None and where.direction == "backward":
        yield line("forward, all is within bounds", indent=4)
    facts = [fact for fact in (_allowed(verdict), _measured(verdict.get("measure"))) if fact]
    yield from (line(fact, indent=4) for fact in (*facts, *operands[:MOST_OPERANDS]))
    if len(operands) > MOST_OPERANDS:
        yield line(f"and {len(operands) - MOST_OPERANDS} more operands", indent=4)
    yield from (line(note, indent=4) for note in ([] if blame is None else blame.told))
    others = [one.name for one in comparison.bad if one is not first]
    if others:
        yield line(f"also out of bounds: {some(others)}")
    if comparison.reference:
        told = [f"compared with {comparison.reference}", f"{counted(comparison.compared, 'value')} compared"]
        yield line("; ".join([*told, *filter(None, [_k(comparison)])]))


def _measured(measure: Plain | None) -> str:
    """The measure of a value in a line."""
    if not measure or "unequal" not in measure:
        return ""
    unequal = measure["unequal"]
    of = counted(measure["elements"], "element")
    # of most values that pass nobody counted
    words = [] if unequal is None else [f"{unequal:,} of {of} {'differs' if unequal == 1 else 'differ'}"]
    words += [
        f"{told} {number(measure[key])}{place and ' at ' + place}"
        for told, key, place in (
            ("max abs", "max_abs", index(measure["max_abs_at"] or ())),
            ("max rel", "max_rel", index(measure["max_rel_at"] or ())),
            ("rmse", "rmse", ""),
            ("ulp", "max_ulp", ""),
            ("sqnr dB", "sqnr_db", ""),
        )
        if measure[key] is not None and float(measure[key])
    ]
    words += [f"{key} {pair}" for key in ("nan", "inf") if (pair := pair_of(measure, key))]
    return ", ".join(words)
