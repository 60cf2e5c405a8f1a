"""A review of a golden as lines: old and new numbers, the share of the allowed error, what changed in the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch

from tensorflow_free.golden.case_reviews import CaseReview
from tensorflow_free.golden.cases import StoredValue
from tensorflow_free.golden.changes import Budget, Change
from tensorflow_free.golden.model import RecordedNoise
from tensorflow_free.golden.verification import Verification
from tensorflow_free.judging.as_tensors import readable
from tensorflow_free.judging.closeness import texts_of
from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.judging.wording import place_of, share_of, share_words
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.sentences import words as words_of
from tensorflow_free.report.value_summary import summary
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, line, text_lines
from tensorflow_free.text.phrases import counted, some

MOST_MOVED: Final = 3
"""Numbers that are shown of those that moved."""


def heading_of(review: CaseReview) -> Line:
    """Which case of which golden it is."""
    case = f"  {review.case}" if review.case else ""
    return line(f"{review.recipe}{case}  ({review.golden.name})", "title")


def context_of(review: CaseReview) -> Iterator[Line]:
    """What is to be known before its values are looked at."""
    for one in review.failures:
        if one.outcome in (Outcome.MISMATCH, Outcome.FAILED, Outcome.FIXED, Outcome.NOTHING_COMPARED):
            yield line(f"{one.outcome} in {one.cell}: {_first(one)}", indent=2)
        elif one.outcome == Outcome.REFUSED and one.reason not in review.reason:
            yield from text_lines(f"refused: {one.reason}", indent=2)
    if review.is_stale:
        moved = f"; its starting tensors {some(review.starts)} changed, too" if review.starts else ""
        yield line(f"stale: the recipe changed since this was recorded{moved}", indent=2)
    if review.is_of_the_cell:
        yield line("a new recording agrees with the golden: the fault is in this cell", indent=2)
        yield line(f"fix it, mark it under 'xfail'{_device_command(review)}", indent=2)
    if review.whole is None:
        yield from text_lines(review.reason, "aside", indent=2)


def _first(one: Verification) -> str:
    """Where a failure starts, and by how much; what is not about a value, in its own words."""
    comparison = one.comparison
    if one.outcome == Outcome.MISMATCH and comparison is not None and comparison.where is not None:
        used = share_of(comparison[comparison.where.value].to_plain())
        first = f"{place_of(comparison.where)} is the first value out of bounds, {used} of what is allowed"
        return "; ".join([*blame_lines(comparison.blame), first])
    return one.reason.partition("\n")[0] or "no reason is given"


def _device_command(review: CaseReview) -> str:
    """How a device gets a golden of its own, where a cell on one is off."""
    devices = [one.device.partition(":")[0] for one in review.failures if one.result is not None]
    device = next((one for one in devices if one not in ("cpu", review.device)), None)
    if device is None:
        return ""
    command = command_of(["recipe", "record", review.recipe, f"device={device}", *ops_words()])
    return f", or record a golden for the device: {command}"


def whole_of(review: CaseReview) -> Iterator[Line]:
    """What is asked of a case as a whole."""
    count = counted(0 if review.new is None else len(review.new.values), "value")
    words = {
        "missing": f"there is no golden; accepting records one of {count}",
        "unused": f"{review.reason}; accepting deletes it",
        "broken": f"{review.reason}; accepting records it anew, {count}",
        "stale": f"the recipe changed, and none of its {count} did; accepting takes the golden for the changed recipe",
    }
    yield line(words[review.whole or Outcome.MISSING], indent=2)


def terms_of(review: CaseReview) -> Iterator[Line]:
    """In which dtypes something runs or holds otherwise."""
    yield from (line(words, indent=2) for words in review.terms)


def change_of(change: Change) -> Iterator[Line]:
    """A value, old and new, with its error budgets."""
    one = change.new or change.old
    op = f" ({one.op})" if one is not None and one.op and one.op != change.name else ""
    yield line(f"{change.name}{op}: {what_of(change)}", "good" if change.is_within else "bad", indent=2)
    for word, value in (("old", change.old), ("new", change.new)):
        yield line(f"{word}  {_shown(value)}", indent=4)
    verdict = None if change.verdict is None else change.verdict.to_plain()
    if verdict is not None and verdict["allowed"]:
        yield line(f"used {share_of(verdict)} of what is allowed in float64: {verdict['allowed']}", "aside", indent=4)
    yield from (line(words, indent=4) for words in moved_of(change.old, change.new))
    budgets = change.budgets if change.kind != "within the noise" else ()
    for budget in sorted(budgets, key=lambda one: -one.used):
        yield line(_budget(budget), "aside" if budget.is_within else "", indent=4)


def what_of(change: Change) -> str:
    """What became of it, in words."""
    old, new, verdict = change.old, change.new, change.verdict
    if change.kind == "changed" and old is not None and new is not None:
        if old.mark != new.mark:
            return (
                f"changed: it was {old.mark or 'judged by its numbers'}, and is {new.mark or 'judged by its numbers'}"
            )
        if old.kind != new.kind:
            return f"changed: it was a {old.kind}, and is a {new.kind}"
        reason = "" if verdict is None or verdict.cause is None else words_of(verdict.cause, "the golden")
        return f"changed: {reason}" if reason else "changed"
    return {
        "less exact": "less exact: float64 is as it was, within the noise; another dtype is further from it",
        "new": "new: the golden does not have it",
        "gone": "gone: the golden has it, and the run does not",
    }.get(change.kind, change.kind)


def _shown(value: StoredValue | None) -> str:
    if value is None:
        return "none"
    noise = f"  noise {', '.join(noises_of(value))}" if value.noise else ""
    return f"{kind_words(value.value)}  {summary(value.value)}{noise}"


def kind_words(value: Any) -> str:
    """What a value is: its dtype and shape, or its type."""
    if not isinstance(value, torch.Tensor):
        return "no value" if value is None else type(value).__name__
    return f"{word_of(value.dtype)} {'nested' if value.is_nested else list(value.shape)}"


def noises_of(value: StoredValue) -> Iterator[str]:
    """The noise of a value in each dtype: `bfloat16 0.0023`."""
    yield from (f"{dtype} {_noise(noise)}" for dtype, noise in value.noise.items())


def _noise(noise: RecordedNoise | None) -> str:
    if noise is None:
        return "no run"
    lost = f", {noise.nonfinite} NaN or infinite" if noise.nonfinite else ""
    return f"{noise.rmse:.2g}{lost}"


def _budget(budget: Budget) -> str:
    used = share_words(budget.used)
    noise = f"rmse {_noise(budget.old)} -> {_noise(budget.new)}"
    if budget.old is not None and budget.new is not None and budget.old.dtype != budget.new.dtype:
        noise += f", dtype {budget.old.dtype or budget.dtype} -> {budget.new.dtype or budget.dtype}"
    return f"{budget.dtype}: {noise}: {used} of what is allowed"


def moved_of(old: StoredValue | None, new: StoredValue | None) -> Iterator[str]:
    """The first numbers that moved, old and new, and how many did."""
    values = [one.value for one in (old, new) if one is not None and isinstance(one.value, torch.Tensor)]
    if len(values) < 2 or any(one.is_meta for one in values):  # noqa: PLR2004 - old and new
        return
    was, is_ = map(readable, values)
    if was.shape != is_.shape:
        return
    same = (was == is_) | ((was != was) & (is_ != is_))  # noqa: PLR0124 - NaN alone is not itself
    places = (~same).nonzero().tolist()
    if not places:
        return
    numbers = "; ".join(_moved(was, is_, place) for place in places[:MOST_MOVED])
    more = "; ..." if places[MOST_MOVED:] else ""
    yield f"{len(places):,} of {counted(was.numel(), 'number')} moved: {numbers}{more}"


def _moved(was: torch.Tensor, is_: torch.Tensor, place: Sequence[int]) -> str:
    before, after = texts_of(was[tuple(place)], is_[tuple(place)])
    return f"{f'{list(place)} ' if place else ''}{before} -> {after}"


def within_of(review: CaseReview) -> Iterator[Line]:
    """The values that moved within the noise, together."""
    changes = review.within
    used = max((one.verdict.used for one in changes if one.verdict is not None), default=0.0)
    budget = max((one.used for change in changes for one in change.budgets), default=0.0)
    worst = share_words(max(used, budget))
    names = some([one.name for one in changes])
    yield line(f"{counted(len(changes), 'value')} moved within the noise: {names}", "good", indent=2)
    yield line(f"the most that one used of what is allowed: {worst}", "aside", indent=4)
    shown = next(iter(change for change in changes if list(moved_of(change.old, change.new))), None)
    if shown is not None:
        yield from (line(f"{shown.name}: {words}", "aside", indent=4) for words in moved_of(shown.old, shown.new))
