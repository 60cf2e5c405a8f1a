"""A comparison in words: a row for each value, where what is wrong begins, and why. Measures nothing. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tensorflow_free.judging.wording import Beginning, Plain, counted, index, number, pair_of, place_of, share_of, some
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.text.page import Column, Line, draw_lines, ellipsis_of, grid, line, parted, text_of

if TYPE_CHECKING:
    from rich.console import Console

    from tensorflow_free.judging.verdicts import Comparison

MARKS: Final[dict[str, str]] = {Outcome.MISMATCH: "MISMATCH", Outcome.FIXED: "FIXED"}
"""How an outcome that fails is written; any other stands as it is."""

STYLES: Final = {Outcome.OK: "green", "MISMATCH": "bold red", "FIXED": "bold red"}
OTHER_STYLE: Final = "yellow"

LONGEST: Final = 200
"""Rows of the table; of more values, those that are well are only counted, and of the others the last are cut off."""

MOST_REASONS: Final = 12
"""Mismatches whose reasons are written out below the table: the rest mostly follows from them."""

MOST_OPERANDS: Final = 8

FIRST: Final = "> "
"""What stands before the name of the value at which it starts."""


# the table


def _columns(verdicts: Sequence[Plain], first: str | None) -> list[Column]:
    measures = [_telling(verdict.get("measure")) for verdict in verdicts]

    def cells(key: str) -> list[str]:
        return [number(measure.get(key)) for measure in measures]

    def at(key: str) -> list[str]:
        return [index(measure.get(f"{key}_at", ()) if _is_some(measure, key) else ()) for measure in measures]

    marked = any(verdict["name"] == first for verdict in verdicts)
    names = [_marked(verdict["name"], first) if marked else verdict["name"] for verdict in verdicts]
    outcomes = [_mark(verdict["outcome"]) for verdict in verdicts]
    return [
        Column("  name" if marked else "name", names, least=12, style=lambda _: "cyan"),
        Column("op", [verdict["op"] or "" for verdict in verdicts], least=8, goes=5),
        Column("dtype", [verdict["dtype"] for verdict in verdicts], goes=4, style=lambda _: "dim"),
        Column("outcome", outcomes, style=lambda cell: STYLES.get(cell, OTHER_STYLE)),
        Column("rule", [verdict["rule"] for verdict in verdicts], goes=6, style=lambda _: "dim"),
        Column("used", [share_of(verdict) for verdict in verdicts], is_number=True),
        Column("max abs", cells("max_abs"), is_number=True),
        Column("at", at("max_abs")),
        Column("max rel", cells("max_rel"), is_number=True, goes=7),
        Column("at", at("max_rel"), goes=1),
        Column("rmse", cells("rmse"), is_number=True, goes=3),
        Column("ulp", cells("max_ulp"), is_number=True, goes=9),
        Column("sqnr dB", cells("sqnr_db"), is_number=True, goes=2),
        Column("nan", [pair_of(measure, "nan") for measure in measures], goes=11),
        Column("inf", [pair_of(measure, "inf") for measure in measures], goes=10),
        Column("-0", [str(measure.get("signed_zeros") or "") for measure in measures], is_number=True, goes=8),
    ]


def _telling(measure: Plain | None) -> Plain:
    """A measure, or what is left to tell of one that found no difference."""
    if not measure or measure["unequal"]:
        return measure or {}
    return {key: measure[key] for key in ("nan", "inf", "signed_zeros")}


def _is_some(measure: Plain, key: str) -> bool:
    return bool(measure) and float(measure.get(key) or 0) != 0


def _mark(outcome: str) -> str:
    return MARKS.get(outcome, outcome)


def _marked(name: str, first: str | None) -> str:
    return (FIRST if name == first else " " * len(FIRST)) + name


def _rows(verdicts: Sequence[Plain]) -> tuple[Sequence[Plain], str]:
    """The verdicts that have a row, and what is left out, in words."""
    if len(verdicts) <= LONGEST:
        return verdicts, ""
    told = [verdict for verdict in verdicts if verdict["outcome"] != Outcome.OK]
    well, cut = len(verdicts) - len(told), max(0, len(told) - LONGEST)
    left_out = [f"{well:,} more that are ok"] * bool(well) + [f"{cut:,} more that are not"] * bool(cut)
    return told[:LONGEST], f"and {', and '.join(left_out)}"


# the whole


def lines_of(comparison: Comparison, title: str = "", width: int | None = None, dots: str = "...") -> Iterator[Line]:
    """The whole report, line by line.

    Args:
        comparison: what was found.
        title: what was compared with what.
        width: characters that a row may have; None for as many as it takes.
        dots: what ends a cell that is cut.
    """
    verdicts: list[Plain] = [verdict.to_plain() for verdict in comparison.values]
    rows, left_out = _rows(verdicts)
    first = comparison.where.value if comparison.where else None
    return parted(
        [
            [
                *([line(title, "bold")] if title else []),
                *([line(f"held against {comparison.reference}", "dim")] if comparison.reference else []),
            ],
            [
                *(grid(_columns(rows, first), width, dots) if rows else []),
                *([line(left_out, "dim")] if left_out else []),
            ],
            _reasons(verdicts),
            _in_all(comparison),
        ]
    )


def _reasons(verdicts: Sequence[Plain]) -> Iterator[Line]:
    """Why each value is not ok; values of one outcome and one reason together."""
    bad = [verdict for verdict in verdicts if verdict["outcome"] in MARKS]
    for verdict in bad[:MOST_REASONS]:
        yield line(f"{verdict['name']}: {verdict['reason']}")
        if allowed := _allowed(verdict):
            yield line(allowed, "dim", indent=4)
    if len(bad) > MOST_REASONS:
        yield line(f"and {len(bad) - MOST_REASONS:,} more")
    alike: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict["outcome"] not in MARKS and verdict["reason"]:
            alike.setdefault((verdict["outcome"], verdict["reason"]), []).append(verdict["name"])
    for (outcome, reason), names in alike.items():
        yield line(f"{outcome}: {some(names)}: {reason}", "dim")


def _allowed(verdict: Plain) -> str:
    """What was allowed and used, in words; nothing where nothing is allowed."""
    return f"used {share_of(verdict)} of what is allowed: {verdict['allowed']}" if verdict["allowed"] else ""


def _in_all(comparison: Comparison) -> Iterator[Line]:
    bad = len(comparison.bad)
    if bad:
        yield line(f"{counted(bad, 'value')} out of bounds, of {comparison.compared:,} compared.", "bold red")
    elif comparison.compared:
        yield line(f"{counted(comparison.compared, 'value')} compared, all within bounds.", "bold green")
    else:
        yield line("Nothing was compared: that is no agreement.", "bold red")
    if comparison.where is not None:
        yield line(_start(comparison.where))


def _start(where: Beginning) -> str:
    forward = ": forward, all is within bounds" if where.direction == "backward" else ""
    return f"It starts at {place_of(where)}{forward}."


def plain_text(comparison: Comparison, title: str = "") -> str:
    """The whole report without colour, as wide as it takes: for files, pipes and logs."""
    return text_of(lines_of(comparison, title))


def draw(comparison: Comparison, console: Console, title: str = "") -> None:
    """The whole report with colour, for a terminal, made to fit its width."""
    draw_lines(lines_of(comparison, title, console.width, ellipsis_of(console)), console)


# a failure on one screen


def failure_lines(comparison: Comparison, operands: Sequence[str] = ()) -> list[str]:
    """What went wrong, for a person who has one screen: where first, how far it is off, and what follows from it.

    Args:
        comparison: what was found.
        operands: the operands of the step at which it starts, in a line each.

    Returns:
        At most some twenty lines; none where all is well.
    """
    if comparison.is_well:
        return []
    if not comparison.bad:
        return ["nothing was compared: that is no agreement", *_why_nothing(comparison)]
    where = comparison.where
    first = next((one for one in comparison.bad if where and one.name == where.value), comparison.bad[0])
    verdict = first.to_plain()
    lines = [f"{place_of(where) if where else first.name} is the first value out of bounds: {first.reason}"]
    if where is not None and where.direction == "backward":
        lines.append("    forward, all is within bounds")
    lines += [f"    {words}" for words in (_allowed(verdict), _measured(verdict.get("measure"))) if words]
    lines += [f"    {operand}" for operand in operands[:MOST_OPERANDS]]
    if len(operands) > MOST_OPERANDS:
        lines.append(f"    and {len(operands) - MOST_OPERANDS} more operands")
    others = [one.name for one in comparison.bad if one is not first]
    if others:
        lines.append(f"also out of bounds: {some(others)}")
    if comparison.reference:
        lines.append(f"held against {comparison.reference}; {counted(comparison.compared, 'value')} compared")
    return [str(line(one)) for one in lines]


def _why_nothing(comparison: Comparison) -> Iterator[str]:
    for reason in list(dict.fromkeys(one.reason for one in comparison.values if one.reason))[:MOST_REASONS]:
        names = [one.name for one in comparison.values if one.reason == reason]
        yield f"    {some(names)}: {reason}"


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
