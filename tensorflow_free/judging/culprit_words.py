"""Which step is to blame, in words: the only place that has sentences for it. Imports neither torch nor pydantic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tensorflow_free.judging.wording import times_words
from tensorflow_free.text.phrases import counted, some

if TYPE_CHECKING:
    from tensorflow_free.judging.culprits import Blame, Culprit, StepVerdict

MOST_NAMED: Final = 8
"""Culprits that are named, and steps of each other kind; of more, how many there are."""


BEYOND_DRIFT: Final = (
    "not found: each step is right for its inputs, and this is more than small errors that add up; look for what steps "
    "share and do not tell: memory that is written twice, state that an op keeps"
)


def blame_lines(blame: Blame | None) -> Iterator[str]:
    """Which steps are wrong for their own inputs, where that shows, which are right; nothing where nothing is known.

    Yields:
        a line or two; of several culprits, one for each.
    """
    if blame is None:
        return
    if blame.culprits:
        yield from _culprits(blame)
    elif blame.candidates:
        yield _candidates(blame.candidates)
    elif blame.overflows:
        named = some(map(place_of, blame.overflows), MOST_NAMED)
        yield f"overflow at {named}, as the dtype does not hold the exact numbers: no step is wrong for its inputs"
    elif blame.drift:
        yield _drift(blame)
    if blame.unjudged and not blame.drift:
        yield f"not judged alone: {some(blame.unjudged, MOST_NAMED)}"


def _culprits(blame: Blame) -> Iterator[str]:
    """The first, with what becomes of it; or each in a line, and then what becomes of them."""
    first, *more = blame.culprits
    found = [f"culprit {sentence_of(first)}", *(f"culprit, too: {sentence_of(one)}" for one in more[: MOST_NAMED - 1])]
    tail = _tail(blame, first)
    if not more:
        yield f"{found[0]}{tail and '; '}{tail}"
        return
    yield from found
    if left := len(blame.culprits) - len(found):
        yield f"and {left:,} more culprits"
    if tail:
        yield tail


def _candidates(candidates: Sequence[Culprit]) -> str:
    """The steps one of which is wrong; of a compiled cell, the last of the shortest prefix that is."""
    named = some(map(place_of, candidates), MOST_NAMED)
    return f"one of these is wrong: {named}" if len(candidates) > 1 else f"wrong at or before {named}"


def place_of(culprit: Culprit | StepVerdict) -> str:
    """A culprit in short, as `judging.wording` has a first value: `y (mul, forward)`, `x.grad (backward of s)`."""
    if culprit.direction == "backward":
        return f"{culprit.value} (backward of {culprit.step})"
    if culprit.direction == "operand":
        return f"{culprit.value} (changed by {culprit.step})"
    op = "" if culprit.op in (None, culprit.value) else f"{culprit.op}, "
    return f"{culprit.value} ({op}forward)"


def sentence_of(culprit: Culprit) -> str:
    """A culprit in full: what it is, in which round, and how far it is off: `y (mul, forward), 84 times its noise`."""
    known = culprit.op is None or culprit.op == culprit.step
    step = culprit.step if known else f"{culprit.step} ({culprit.op})"
    what = place_of(culprit)
    if culprit.direction == "backward":
        what = f"the gradient of {step} to its operand {culprit.value.removesuffix('.grad')}"
    elif culprit.direction == "operand":
        what = (
            f"{culprit.value}, which {step} {'does not change' if culprit.unchanged else 'changes without saying so'}"
        )
    rounds = round_words(culprit)
    return f"{what}{rounds and ', '}{rounds}{_noise(culprit)}"


def round_words(culprit: Culprit) -> str:
    """In which rounds of a `repeat` a culprit is wrong: `in round 2 of 3`; nothing outside of one."""
    if not culprit.rounds:
        return ""
    lengths = culprit.lengths or (0,) * len(culprit.rounds)
    named = [f"{at}{f' of {all_of}' if all_of else ''}" for at, all_of in zip(culprit.rounds, lengths, strict=True)]
    first = f"round {' of round '.join(reversed(named))}"
    if culprit.calls == 1:
        return f"in {first}"
    if culprit.calls == math.prod(lengths):
        return f"in each of {culprit.calls:,} rounds"
    return f"first in {first}, and in {culprit.calls - 1:,} more"


def _noise(culprit: Culprit) -> str:
    """How far it is off; where NaN, an infinity or the structure decide, what is wrong."""
    if culprit.noise < math.inf:
        return f", {times_words(culprit.noise)} times its noise"
    return f": {culprit.why}" if culprit.why else ""


def _tail(blame: Blame, first: Culprit) -> str:
    """Where it shows, how much more, and what only hands it on."""
    parts: list[str] = []
    if blame.shows_at is None:
        parts.append("it does not show, as all values are within bounds")
    most = "" if blame.amplified is None else f"amplified {times_words(blame.amplified)} times at {blame.amplified_at}"
    shows = f"shows at {blame.shows_at}" if blame.shows_at not in (None, first.value) else ""
    parts += [", ".join(filter(None, (shows, most)))]
    if blame.right:
        own = "its inputs" if len(blame.right) == 1 else "their inputs"
        parts.append(f"right for {own}: {some(blame.right, MOST_NAMED)}")
    return "; ".join(filter(None, parts))


def _drift(blame: Blame) -> str:
    """That no step explains it, as far as steps could be judged; or what a compiled cell must not keep to be wrong."""
    for one in blame.notes:
        if one.code == "needs not kept":
            return f"no step alone is wrong: it needs {one.name} not to be kept"
    if not blame.judged:
        return "no step could be judged alone"
    if not blame.unjudged:
        return BEYOND_DRIFT if blame.is_beyond_drift else "drift: each step is right for its inputs"
    kept = f"{counted(len(blame.unjudged), 'step')} could not be judged alone: {some(blame.unjudged, MOST_NAMED)}"
    if blame.is_beyond_drift:
        return f"not found: each step that could be judged alone is right for its inputs; {kept}"
    return f"drift, or one of these: each other step is right for its inputs; {kept}"
