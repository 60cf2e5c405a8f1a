"""Cases of goldens as sections of a page: what was recorded, what a check found, what a review would change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tensorflow_free.composition.override_texts import of_case
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.golden.case_reviews import CaseReview
from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.changes import Change
from tensorflow_free.golden.places import read_golden_file, review_command
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.review_words import (
    change_of,
    context_of,
    heading_of,
    kind_words,
    noises_of,
    terms_of,
    what_of,
    whole_of,
)
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verification_words import fault_of, used_of
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.judging.wording import share_of
from tensorflow_free.loading import load_recipe
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.pages.case_list import CaseRow
from tensorflow_free.pages.compared_rows import chain_marks, columns_of, compared_rows, node_words, values_in, words_in
from tensorflow_free.pages.side_by_side import NO_NUMBERS, SideBySide, SideRow
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.comparison_report import summary_of
from tensorflow_free.report.run_page import failure, heading
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, Words, line, text_lines
from tensorflow_free.text.phrases import counted, some

# what was recorded

RECORDED: Final = ("name", "op", "kind", "value", "noise", "mark")
"""The headings of what is told of a recorded value."""


def golden_section(recipe: Path, case: str, stored: StoredCase) -> SideBySide:
    """A case of a golden: its starting tensors and its values, with their noise in each dtype."""
    starts = (StoredValue(name, "tensor", value) for name, value in stored.starts.items())
    rows = [_recorded(one) for one in (*starts, *stored.values)]
    of = f"case={case}" if case else ""
    words = [str(recipe), *([of] if of else [])]
    return SideBySide(
        case or recipe.stem,
        list(_made(stored)),
        RECORDED,
        ("recorded",),
        rows,
        commands=[
            ("compare a run with it", command_of(["recipe", "verify", *words])),
            ("walk through what changed", review_command(recipe)),
        ],
        graphs=_chain(recipe, case),
        node_words=node_words(_stored_values(stored)),
    )


def _recorded(one: StoredValue) -> SideRow:
    noise = ", ".join(noises_of(one))
    cells = (one.name, one.op or "", kind_words(one.value), words_in(one.value), noise, one.mark or "")
    return SideRow(one.name, cells, one.value)


def _made(stored: StoredCase) -> Iterator[Line]:
    """On what the numbers were made, and what is known of them."""
    made = stored.made
    told = f"torch {made.torch}, {made.cpu}, {made.capability}, {counted(made.num_threads, 'thread')}"
    yield line(f"recorded in float64 with tensorflow_free {made.tensorflow_free}, {told}", "aside")
    if stored.starts_from is not None:
        yield line(f"from the tensors of a saved run of {stored.starts_from.recipe}", "notice")
    for dtype, why in stored.unsupported.items():
        yield from text_lines(f"{dtype}: {why}", "notice")
    for dtype, paths in stored.unmet.items():
        yield line(f"{dtype}: what was expected and did not hold when it was recorded: {some(paths)}", "notice")


def _chain(path: Path, case: str) -> list[tuple[str, Recipe]]:
    """The chain of a case; none where its recipe is gone, or wrong."""
    try:
        return [("the chain", load_recipe(path, of_case(case)))]
    except RecipeError:
        return []


# what a check found

VERIFIED: Final = ("outcome", "recipe", "case", "cell", "used", "golden")
"""The headings of what is told of a case that was checked."""


def verified_row(one: Verification) -> CaseRow:
    """A case that was checked, in a row."""
    worst = None if one.comparison is None else one.comparison.worst
    golden = "" if one.golden is None else one.golden.name
    cells = (mark_of(one.outcome, is_bad=not one.is_well), one.recipe, one.case, one.cell, used_of(one), golden)
    return CaseRow(cells, not one.is_well, None if worst is None else worst.used, one.command)


def verified_section(one: Verification) -> SideBySide:
    """A case that was checked: its values beside those of its golden, and why it fails."""
    comparison = one.comparison or Comparison(())
    rows = compared_rows(comparison, values_in(one.result), _golden_values(one))
    # a mismatch is told in full
    told = [] if one.comparison is None or comparison.bad else list(summary_of(comparison))
    if one.comparison is not None and one.result is None:
        told.append(line("its numbers stayed in the worker process in which it ran; --in-process shows them", "notice"))
    sides = ("actual", "golden")
    return SideBySide(
        " · ".join(part for part in (one.recipe, one.case, one.cell) if part),
        told if one.is_well else [*fault_of(one), *told],
        columns_of(sides),
        sides,
        rows,
        None if comparison.where is None else comparison.where.value,
        commands=[("it alone again", one.command), ("walk through what changed", review_command(one.recipe))],
        graphs=[] if one.result is None else [(heading(one.result), one.result.recipe)],
        marks=chain_marks(rows),
        node_words=node_words(values_in(one.result)),
        notes=[] if one.result is None or one.result.error is None else [("where it stopped", _stopped(one))],
    )


def _stopped(one: Verification) -> list[Line]:
    return [] if one.result is None else text_lines("\n".join(failure(one.result)), "bad")


def _golden_values(one: Verification) -> dict[str, Any]:
    """The values of a golden's case, by name; none where it cannot be read."""
    if one.golden is None:
        return {}
    try:
        stored = read_case(read_golden_file(one.golden, one.recipe), one.case)
    except (StorageError, KeyError):
        return {}
    return _stored_values(stored)


def _stored_values(stored: StoredCase | None) -> dict[str, Any]:
    """What is held of a case, by name, its starting tensors among them; nothing of none."""
    return {} if stored is None else {**stored.starts, **{value.name: value.value for value in stored.values}}


# what a review would change

REVIEWED: Final = ("recipe", "case", "golden", "to decide", "moved within the noise")
"""The headings of what is told of a case that is reviewed."""

CHANGED: Final = ("name", "op", "what became of it", "used", "new", "old")
"""The headings of what is told of a value that changed."""


def reviewed_row(review: CaseReview) -> CaseRow:
    """A case that is reviewed, in a row: how much there is to decide."""
    undecided: str = review.whole or ("dtypes" if review.terms else "")
    undecided = counted(len(review.real), "value") if review.real else undecided
    style = "bad" if undecided or review.failures else ""
    within = counted(len(review.within), "value") if review.within else ""
    case = (review.recipe, review.case, review.golden.name)
    used = max((one.verdict.used for one in review.changes if one.verdict is not None), default=None)
    return CaseRow((*case, Words(undecided, "bad") if style else undecided, within), bool(style), used)


def reviewed_section(review: CaseReview) -> SideBySide:
    """A case that is reviewed: each number as a new recording gives it, beside the golden's."""
    whole = list(whole_of(review)) if review.whole is not None else []
    rows = [_changed(one) for one in review.changes] or [_new(one) for one in _whole_values(review)]
    return SideBySide(
        str(heading_of(review)),
        [*context_of(review), *whole, *terms_of(review)],
        CHANGED,
        ("new", "old"),
        rows,
        next((one.name for one in review.real), None),
        commands=[("decide about it", review_command(review.recipe))],
        graphs=_chain(Path(review.recipe), review.case),
        marks={row.step: (row.tone, f"{row.name}: changed") for row in reversed(rows) if row.tone},
        node_words=node_words(_stored_values(review.new), _stored_values(review.old)),
    )


def _changed(change: Change) -> SideRow:
    one = change.new or change.old
    new, old = (NO_NUMBERS if value is None else value.value for value in (change.new, change.old))
    verdict = change.verdict
    used = "" if verdict is None else share_of(verdict.to_plain())
    what = Words(what_of(change), "" if change.is_within else "bad")
    cells = (change.name, "" if one is None else one.op or "", what, used, words_in(new), words_in(old))
    tone = "" if change.is_within else "bad"
    return SideRow(
        change.name, cells, new, old, tone, None if verdict is None else verdict.used, list(change_of(change))
    )


def _whole_values(review: CaseReview) -> Iterator[StoredValue]:
    """The values of a case that is asked for as a whole, of which there is nothing to be read."""
    if review.new is not None and review.old is None:
        yield from review.new.values


def _new(value: StoredValue) -> SideRow:
    return SideRow(value.name, (value.name, value.op or "", "new", "", words_in(value.value), ""), value.value)
