"""What is to blame as a page: the verdict, each culprit with what it read, each step alone and in the whole chain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from tensorflow_free.judging.culprit_words import blame_lines, place_of, round_words
from tensorflow_free.judging.culprits import ALONE, Blame, Culprit, StepVerdict
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.judging.wording import share_of, share_words, times_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.outcome.sentences import words
from tensorflow_free.report.run_page import failure, heading
from tensorflow_free.result.result import Result
from tensorflow_free.text.page import Grid, Line, Words, column, grid, line, parted, text_lines
from tensorflow_free.text.phrases import counted, some

MOST_ROWS: Final = 200
"""Rows of the table; of more, those that are well alone and in the chain are only counted, and the last are cut off."""

MOST_CULPRITS: Final = 12
"""Culprits, or candidates, that are told in full."""


def page_of(result: Result, comparison: Comparison | None, places: Mapping[str, str]) -> Iterator[Line | Grid]:
    """The whole report.

    Args:
        result: the run.
        comparison: its values against the reference, with `blame`; None where there is nothing to compare.
        places: where each step stands: `recipe.yaml:10:3`.
    """
    blame = None if comparison is None else comparison.blame
    return parted(
        [
            [line(heading(result), "title"), *_reference(comparison, blame)],
            text_lines("\n".join(failure(result)), "bad" if result.has_failed else "notice"),
            [] if comparison is None else verdict_lines(comparison, has_stopped=result.has_failed),
            [] if blame is None else _told(blame, places),
            [] if comparison is None or blame is None else _table(comparison, blame),
            [] if blame is None else _not_judged(blame),
        ]
    )


def _reference(comparison: Comparison | None, blame: Blame | None) -> Iterator[Line]:
    if comparison is not None and comparison.reference:
        yield line(f"compared with {comparison.reference}", "aside")
    for note in () if blame is None else blame.notes:
        yield from text_lines(words(note), "notice")


# the verdict


def verdict_lines(comparison: Comparison, *, has_stopped: bool = False) -> Iterator[Line]:
    """What is wrong, in a line or two; of a run that stopped, before it did."""
    blame, bad = comparison.blame, len(comparison.bad)
    out = f"{counted(bad, 'value')} out of bounds, of {comparison.compared:,} compared"
    if bad:
        yield line(f"{out}.", "bad")
    if blame is None:
        yield line("No step of it was judged alone.", "notice")
    elif blame.culprits or blame.candidates or blame.drift or (bad and blame.overflows):
        # each step that could not be judged is told below, with the reason
        first, *rest = blame_lines(blame if blame.drift else replace(blame, unjudged=()))
        yield line(f"{first[0].upper()}{first[1:]}.", "bad")
        yield from (line(f"{told[0].upper()}{told[1:]}.") for told in rest)
    elif not bad and not blame.judged:
        yield line("All values are within bounds; no step could be judged alone.", "notice")
    elif not bad:
        compared = f"{counted(comparison.compared, 'value')} compared"
        well = f"{compared}, all within bounds" if comparison.compared else "nothing compared"
        alone = f"{counted(blame.judged, 'call')} judged alone, none wrong for what it read"
        nothing = "Nothing before it is wrong" if has_stopped else "Nothing is wrong"
        yield line(f"{nothing}: {well}; {alone}.", "" if has_stopped else "well")


# each culprit


def _told(blame: Blame, places: Mapping[str, str]) -> Iterator[Line]:
    """Each culprit, or candidate: where it stands, what is wrong with what it made, and what it read."""
    told = blame.culprits or blame.candidates
    for one in told[:MOST_CULPRITS]:
        at = places.get(one.step, "")
        yield Line((Words(place_of(one), "name"), *([Words(f"  {at}", "aside")] if at else [])), is_whole=True)
        facts = [_why(one, blame), _noise(one), round_words(one)]
        yield line("; ".join(filter(None, facts)), indent=4)
        if one.operands:
            yield line(f"it read {'; '.join(one.operands)}", "aside", indent=4)
    if len(told) > MOST_CULPRITS:
        yield line(f"and {len(told) - MOST_CULPRITS:,} more")


def _why(one: Culprit, blame: Blame) -> str:
    """What is wrong with the value; with that of a whole prefix, against the reference's."""
    is_prefix = len(blame.candidates) == 1 and not blame.culprits
    return words(one.cause) if is_prefix and one.cause is not None else one.why


def _noise(one: Culprit) -> str:
    """How much that is of its noise; nothing where NaN or the structure decide."""
    return f"{times_words(one.noise)} times its noise" if one.noise < math.inf else ""


# the table


def _table(comparison: Comparison, blame: Blame) -> Iterator[Line | Grid]:
    """What each step used of what is allowed, alone and in the whole chain."""
    chain = {one.name: one for one in comparison.values}
    judged = [one for one in blame.steps if one.outcome != Outcome.NOT_COMPARABLE]
    told = judged
    if len(judged) > MOST_ROWS:
        told = [one for one in judged if one.outcome != Outcome.OK or _is_out(in_chain(chain, one))]
    rows = told[:MOST_ROWS]
    yield grid(
        [
            column("step", [one.step for one in rows], "name", least=12),
            column("op", [one.op or "" for one in rows], least=8, goes=1),
            column("direction", [one.direction for one in rows], "aside"),
            column("value", [one.value for one in rows], least=12),
            column("alone", [_alone(one) for one in rows], align="right"),
            column("in the chain", [_chain_words(in_chain(chain, one)) for one in rows], align="right"),
            column("rule", [one.rule for one in rows], "aside", goes=2),
            column("calls", [str(one.calls) if one.calls > 1 else "" for one in rows], "aside", align="right", goes=3),
        ],
        "step",
    )
    if len(judged) > len(rows):
        yield line(f"and {len(judged) - len(rows):,} more", "aside")


def in_chain(chain: Mapping[str, ValueVerdict], one: StepVerdict) -> ValueVerdict | None:
    """The same value in the chain; None of an operand that the step changed, which the chain has as it was made."""
    is_made = one.direction == "backward" or one.value.partition(".")[0] == one.step.partition(".")[0]
    return chain.get(one.value) if is_made else None


def _chain_words(found: ValueVerdict | None) -> Words:
    return Words("") if found is None else _marked(share_of(found.to_plain()), found.outcome)


def _is_out(found: ValueVerdict | None) -> bool:
    return found is not None and found.outcome == Outcome.MISMATCH


def _alone(one: StepVerdict) -> Words:
    return _marked(share_words(one.used), one.outcome)


def _marked(share: str, outcome: str) -> Words:
    """The share of what is allowed, in the style of what was found."""
    return Words(share, mark_of(outcome).style if share and outcome == Outcome.MISMATCH else "")


def _not_judged(blame: Blame) -> Iterator[Line]:
    """The steps that could not be judged alone, and why; those of one reason together."""
    why: dict[str, list[str]] = {}
    for one in blame.steps:
        if one.outcome == Outcome.NOT_COMPARABLE:
            told = "" if one.cause is None else words(one.cause, ALONE)
            why.setdefault(told, []).append(one.step)
    known = {name for names in why.values() for name in names}
    if others := [name for name in blame.unjudged if name not in known]:
        why.setdefault("its value, or what it read, is not recorded", []).extend(others)
    for told, names in why.items():
        yield line(f"not judged alone: {some(dict.fromkeys(names))}{told and f': {told}'}", "notice")
