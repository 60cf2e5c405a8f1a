"""`recipe review`: failures walked through value by value, and goldens updated with what was accepted."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.keyboard import END, Keyboard, is_there
from tensorflow_free.commands.page_file import put_page
from tensorflow_free.commands.printing import put
from tensorflow_free.commands.recipe_words import paths_and_overrides
from tensorflow_free.commands.verify import checked_in, code_of, files_of, orphans
from tensorflow_free.errors import StorageError, UnwritableError
from tensorflow_free.golden.case_reviews import TERMS, CaseReview, reviews_of, write_accepted
from tensorflow_free.golden.review_words import change_of, context_of, heading_of, terms_of, whole_of, within_of
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.writing import finish_golden
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.pages.case_list import CaseList
from tensorflow_free.pages.golden_sections import REVIEWED, reviewed_row, reviewed_section
from tensorflow_free.sweep.axes import axes_of
from tensorflow_free.sweep.matrix import Combinations
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, line
from tensorflow_free.text.phrases import counted, some

Answer = Literal["accept", "reject", "skip"]

Mode = Literal["ask", "list", "noise", "all"]
"""Whether a person decides; or nothing is, or what moved within the noise is accepted, or all that can be."""

MODES: Final[dict[str, Mode]] = {"--list": "list", "--accept-noise": "noise", "--accept-all": "all"}

ANSWERS: Final[dict[str, Answer]] = {"a": "accept", "r": "reject", "s": "skip"}

REVIEW_KEYS: Final = {
    "a": "accept",
    "r": "reject: the old number is right, and the code must be fixed",
    "s": "skip: decide later",
    "A": "accept all the rest of this recipe",
    "n": "accept all changes within the noise, here and in all that follows",
    "q": "quit: what was accepted is kept, the rest stays as it is",
}

PROMPT: Final = "  accept [a], reject [r], skip [s], all of this recipe [A], all within the noise [n], quit [q]: "

DONE: Final[dict[Answer, str]] = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}

Press = Callable[[], str]
"""Gives the next key that is pressed."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide: a value, all that moved within the noise, or a case as a whole."""

    names: tuple[str, ...]
    lines: tuple[Line, ...]
    is_within: bool = False

    @property
    def count(self) -> int:
        """How many values it is about; a whole case counts as one."""
        return max(1, len(self.names))


def items_of(review: CaseReview) -> Iterator[Item]:
    """What there is to decide about a case, what matters most first."""
    if review.whole is not None:
        yield Item((), tuple(whole_of(review)))
        return
    for change in review.real:
        yield Item((change.name,), tuple(change_of(change)))
    if review.terms:
        yield Item((TERMS,), tuple(terms_of(review)))
    if review.within:
        # where the recipe changed, a number that moved little moved with it
        names = tuple(one.name for one in review.within)
        yield Item(names, tuple(within_of(review)), is_within=not review.is_stale)


def review_command(options: Namespace, flags: Flags) -> int:
    """Walk through what failed: the exit code."""
    report = CiReport("recipe review", options.markdown)
    return report.around(lambda: _walked(options, flags, report))


def _walked(options: Namespace, flags: Flags, report: CiReport) -> int:
    mode = _mode(options)
    paths, overrides = paths_and_overrides(options.words)
    cells, files = Combinations(axes_of(overrides)), files_of(paths)
    flags.load_ops()
    with ExitStack() as stack:
        press = stack.enter_context(Keyboard()).key if mode == "ask" else None
        walk = Walk(mode, press, report, is_quiet=flags.quiet)
        listed = CaseList(REVIEWED)
        for path in files:
            checked = list(checked_in(path, cells))
            if mode != "list":
                _finish(path, checked)
            for review in reviews_of(checked):
                _list(listed, review, options)
                walk.take(review)
            if walk.is_over:
                break
        if not walk.is_over:
            for review in reviews_of(list(orphans(paths))):
                _list(listed, review, options)
                walk.take(review)
        code = walk.end()
    if options.page is not None:
        told = [line(f"{counted(listed.bad, 'case')} with something to decide")]
        command = command_of(["recipe", "review", *options.words, *ops_words()])
        put_page(listed.page(f"reviewed: {some(paths)}", told, command), options.page, flags)
    return code


def _list(listed: CaseList, review: CaseReview, options: Namespace) -> None:
    """Take what is to be decided about a case into the page that is asked for."""
    if options.page is None:
        return
    row = reviewed_row(review)
    listed.add(row, reviewed_section(review) if listed.wants(is_bad=row.is_bad) else None)


def _finish(path: Path, checked: Sequence[Verification]) -> None:
    """Finish what a killed command has left of a recipe's goldens, as far as that is possible."""
    for golden in {one.golden for one in checked if one.golden is not None}:
        with suppress(StorageError):
            finish_golden(golden, path)


def _mode(options: Namespace) -> Mode:
    """How it is decided.

    Raises:
        RecipeError: several ways are asked for, or a person where there is none.
    """
    asked = [flag for flag in MODES if getattr(options, flag[2:].replace("-", "_"))]
    if len(asked) > 1:
        raise wrong(f"flag '{asked[1]}'", f"it cannot be given with {asked[0]}; give one of {', '.join(MODES)}")
    if not asked and not is_there():
        raise wrong("recipe review", f"it asks on a terminal, and this is not one; give one of {', '.join(MODES)}")
    return MODES[asked[0]] if asked else "ask"


class Walk:
    """A walk through reviews, one after another."""

    def __init__(self, mode: Mode, press: Press | None, report: CiReport, *, is_quiet: bool = False) -> None:
        self._mode = mode
        self._report = report
        self._told: list[Line] = []
        self._press = press
        self._quiet = is_quiet
        self._noise = mode == "noise"
        self._rest_of: str | None = None
        self._refreshes: list[CaseReview] = []
        self._counts: Counter[Answer] = Counter()
        self._codes: set[int] = set()
        self._written: set[str] = set()
        self._removed = self._untouched = 0
        self.is_over = False
        """Whether the person has had enough."""

    def take(self, review: CaseReview) -> None:
        """Decide about a case, and write what was accepted; nothing is written before all of it is decided."""
        items = list(items_of(review))
        if review.is_refresh:
            # what passes as it is waits for the end
            self._refreshes.append(review)
            return
        told = {Outcome.OUT_OF_MEMORY, Outcome.FAILED, Outcome.FIXED, Outcome.NOTHING_COMPARED}
        told |= {Outcome.MISMATCH} if review.is_of_the_cell else set()
        # a broken golden is what there is to decide about
        told |= set() if review.whole == "broken" else {Outcome.REFUSED}
        codes = {code_of(one) for one in review.failures if one.outcome in told or not items}
        if review.reason and review.whole is None and not codes:
            codes = {ExitCode.UNMET}
        self._codes |= codes
        self._untouched += bool(codes)
        self._put([line(), heading_of(review), *context_of(review)])
        answers = {item: self._decided(item, review, f"{at} of {len(items)}") for at, item in enumerate(items, 1)}
        self._write(review, answers)

    def _decided(self, item: Item, review: CaseReview, place: str) -> Answer:
        answer = self._known(item, review)
        if self.is_over:
            self._counts["skip"] += item.count
            return "skip"
        if answer != "accept" or not self._quiet:
            self._put(item.lines)
        if answer is None:
            answer = self._asked(item, review, place)
        elif self._mode != "list":
            self._put([line(DONE[answer] if answer == "accept" else "left as it is", "aside", indent=4)])
        self._counts[answer] += item.count
        return answer

    def _known(self, item: Item, review: CaseReview) -> Answer | None:
        """What is decided about it already; None for what a person is asked."""
        if self._mode == "all" or review.recipe == self._rest_of or (self._noise and item.is_within):
            return "accept"
        return None if self._mode == "ask" else "skip"

    def _asked(self, item: Item, review: CaseReview, place: str) -> Answer:
        """What a person answers."""
        while True:
            key = self._pressed(place)
            if key in ("q", END):
                self.is_over = True
                return "skip"
            if key == "A":
                self._rest_of = review.recipe
            elif key == "n":
                self._noise = True
            if (answer := ANSWERS.get(key) or self._known(item, review)) is not None:
                return answer
            if key != "n":
                put([line(f"{one}  {words}", "aside", indent=4) for one, words in REVIEW_KEYS.items()])

    def _pressed(self, place: str) -> str:
        sys.stdout.write(f"  ({place}){PROMPT}")
        sys.stdout.flush()
        key = "" if self._press is None else self._press()
        word = {**ANSWERS, "A": "all", "n": "noise", "q": "quit", END: "quit"}
        sys.stdout.write(f"{word.get(key, '?')}\n")
        return key

    def _write(self, review: CaseReview, answers: dict[Item, Answer]) -> None:
        accepted = {name for item, answer in answers.items() if answer == "accept" for name in item.names}
        if "accept" not in answers.values():
            return
        try:
            path = write_accepted(review, accepted, all_decided="skip" not in answers.values())
        except StorageError as error:
            self._codes.add(ExitCode.INTERNAL if isinstance(error, UnwritableError) else ExitCode.WRONG)
            self._put([line(str(error), "bad", indent=2)])
            return
        if path is not None and review.whole == "unused":
            self._removed += 1
        elif path is not None:
            self._written.add(str(path))

    # the end

    def end(self) -> int:
        """Decide about what only moved within the noise, and sum up: the exit code."""
        if self._refreshes and not self.is_over:
            self._refresh()
        self._codes |= {ExitCode.UNMET} if self._counts["reject"] or self._counts["skip"] else set()
        code = worst_of(self._codes)
        self._report.tell("recipe review", self._told, self._sum(), is_bad=code != ExitCode.OK)
        if self._mode != "list" or not self._quiet:
            put([line(), line(self._sum(), "title")])
        return code

    def _put(self, lines: Sequence[Line]) -> None:
        """Print lines, and keep them for those who read them in CI."""
        self._told += lines
        put(lines)

    def _refresh(self) -> None:
        """One question for all cases that pass, and moved a little."""
        count = sum(len(review.within) for review in self._refreshes)
        cases = counted(len(self._refreshes), "case")
        lines = [line(f"refresh: {counted(count, 'value')} of {cases} moved within the noise, and pass", "title")]
        names = [" ".join(part for part in (one.recipe, one.case) if part) for one in self._refreshes]
        lines += [line(some(names), "aside", indent=2), *within_of(self._refreshes[0])]
        before = self._counts.copy()
        self._put([line()])
        answer = self._decided(Item((), tuple(lines), is_within=True), self._refreshes[0], "1 of 1")
        # what passes as it is is not left undone
        self._counts = before
        if answer != "accept":
            return
        self._counts["accept"] += count
        for review in self._refreshes:
            self._write(review, {Item(tuple(one.name for one in review.within), ()): "accept"})

    def _sum(self) -> str:
        counts = self._counts
        if self._mode == "list":
            parts = [f"{counted(counts['skip'], 'change')} to decide about"] if counts["skip"] else []
        else:
            parts = [f"{counts[answer]:,} {DONE[answer]}" for answer in DONE if counts[answer]]
        decided = ", ".join(parts) or "nothing to decide"
        written = f"; {counted(len(self._written), 'golden')} written" if self._written else ""
        removed = f"; {self._removed:,} unused removed" if self._removed else ""
        other = f"; {counted(self._untouched, 'case')} with what cannot be accepted" if self._untouched else ""
        return f"{decided}{written}{removed}{other}."
