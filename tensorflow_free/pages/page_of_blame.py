"""The page of what is to blame, as data: the culprits, what each step used alone and in the whole chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tensorflow_free.cell.blamed_runs import BlamedRun
from tensorflow_free.judging.culprit_words import place_of
from tensorflow_free.judging.culprits import ALONE, Blame, StepVerdict
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.judging.wording import share_of, share_words
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.outcome.sentences import words
from tensorflow_free.pages.compared_rows import (
    ValuesByName,
    chain_marks,
    columns_of,
    compared_rows,
    node_words,
    values_in,
    words_in,
)
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.page_of_pair import SIDES
from tensorflow_free.pages.side_by_side import NO_NUMBERS, SideBySide, SideRow
from tensorflow_free.report.comparison_report import value_lines
from tensorflow_free.report.culprit_report import in_chain, page_of
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, Page, Words, line

COLUMNS: Final = ("value", "step", "op", "alone", "in the chain", *SIDES)
"""The headings of what is told of a step."""


def blame_page(found: BlamedRun, beside: Page = (), command: str = "") -> HtmlPage:
    """The page of what is to blame in a run.

    Args:
        found: the run, with what is to blame in it.
        beside: lines on what else is wrong with it.
        command: what a person types for it.
    """
    section = blame_section(found, beside)
    return HtmlPage("pair", section.title, section.head(), section.parts(), command)


def blame_section(found: BlamedRun, beside: Page = ()) -> SideBySide:
    """What each step made of what it read, beside what the reference has; the culprits first."""
    comparison = found.comparison or Comparison(())
    actual, expected = values_in(found.result), values_in(found.reference)
    blame = comparison.blame
    is_alone = blame is not None and any(one.outcome != Outcome.NOT_COMPARABLE for one in blame.steps)
    if blame is not None and is_alone:
        rows = list(_rows(comparison, blame, actual, expected))
    else:
        rows = compared_rows(comparison, actual, expected)
    places = {name: str(place) for name, place in found.places().items()}
    return SideBySide(
        f"{found.result.name}: what is to blame",
        [*page_of(found.result, found.comparison, places), *beside],
        COLUMNS if is_alone else columns_of(SIDES),
        SIDES,
        rows,
        _first(rows, comparison),
        commands=list(_commands(found)),
        graphs=[("the chain: culprits, and what is out of bounds", found.result.recipe)],
        marks=chain_marks(rows) if blame is None or not is_alone else dict(_marks(comparison, blame)),
        has_numbers=True,
        starts="The culprit is" if comparison.blame and comparison.blame.culprits else "It starts at",
        node_words=node_words(actual),
    )


def _commands(found: BlamedRun) -> Iterator[tuple[str, str]]:
    """What shows the same in plain PyTorch, where the recipe is a file."""
    if not isinstance(found.source, Mapping):
        words_ = [str(found.source), *(one.text for one in found.overrides)]
        yield "a script that shows it", command_of(["recipe", "script", *words_, *ops_words(), "-o", "repro.py"])


def _rows(comparison: Comparison, blame: Blame, actual: ValuesByName, expected: ValuesByName) -> Iterator[SideRow]:
    chain = {one.name: one for one in comparison.values}
    culprits = {place_of(one) for one in (*blame.culprits, *blame.candidates)}
    for one in blame.steps:
        made = in_chain(chain, one)
        names = None if made is None else made.name
        mine, its = (NO_NUMBERS if names is None else values.get(names, NO_NUMBERS) for values in (actual, expected))
        name = place_of(one)
        yield SideRow(
            name,
            (name, one.step, one.op or "", _alone(one), _chain_words(made), words_in(mine), words_in(its)),
            mine,
            its,
            "bad" if name in culprits or one.outcome == Outcome.MISMATCH else _tone(made),
            None if one.outcome == Outcome.NOT_COMPARABLE else one.used,
            list(_about(one, made)),
            one.step,
        )


def _tone(made: ValueVerdict | None) -> str:
    return "notice" if made is not None and made.outcome == Outcome.MISMATCH else ""


def _alone(one: StepVerdict) -> Words:
    """What a step used of what is allowed, by what it read."""
    if one.outcome == Outcome.NOT_COMPARABLE:
        return Words("not judged", "notice")
    return Words(share_words(one.used), mark_of(one.outcome).style if one.outcome == Outcome.MISMATCH else "")


def _chain_words(made: ValueVerdict | None) -> Words:
    if made is None:
        return Words("")
    return Words(share_of(made.to_plain()), "bad" if made.outcome == Outcome.MISMATCH else "")


def _about(one: StepVerdict, made: ValueVerdict | None) -> Iterator[Line]:
    """What is wrong with it alone, and with the value in the whole chain."""
    if one.cause is not None:
        yield line(f"alone: {words(one.cause, ALONE)}", "bad" if one.outcome == Outcome.MISMATCH else "notice")
    yield from () if made is None else value_lines(made.to_plain())


def _first(rows: Sequence[SideRow], comparison: Comparison) -> str | None:
    """The row of the first culprit; where there is none, that of the first value out of bounds."""
    blame, where = comparison.blame, comparison.where
    wanted = {place_of(one) for one in (() if blame is None else (*blame.culprits, *blame.candidates)[:1])}
    named = next((row.name for row in rows if row.name in wanted), None)
    return named or next((row.name for row in rows if where is not None and where.step == row.step), None)


def _marks(comparison: Comparison, blame: Blame) -> Iterator[tuple[str, tuple[str, str]]]:
    """How each step of the chain is drawn: as a culprit, or as right for what it read although it is out of bounds."""
    for name in blame.unjudged:
        yield name, ("", "not judged alone")
    for out in comparison.bad:
        yield out.name.removesuffix(".grad").partition(".")[0], ("notice", f"{out.name} is out of bounds")
    for name in blame.right:
        yield name, ("notice", "out of bounds, right for its inputs")
    for one in (*reversed(blame.candidates), *reversed(blame.culprits)):
        told = "culprit" if one in blame.culprits else "one of these"
        yield one.step, ("bad", f"{told}: {place_of(one)}")
