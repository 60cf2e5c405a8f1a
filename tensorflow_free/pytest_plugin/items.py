"""The tests that recipes are: one case in one cell each. Torch is imported when the first one runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tensorflow_free.outcome.outcomes import ABSENT, Outcome
from tensorflow_free.text.characters import in_a_line, is_printable, printable
from tensorflow_free.text.phrases import seen_from_here

if TYPE_CHECKING:
    from tensorflow_free.composition.overrides import Override
    from tensorflow_free.golden.verification import Verification
    from tensorflow_free.pytest_plugin.configuration import RecipeOptions
    from tensorflow_free.pytest_plugin.session import Gathering

RECORDED: Final[dict[str, set[Outcome]]] = {
    "missing": {Outcome.MISSING},
    "failing": {Outcome.MISSING, Outcome.STALE, Outcome.MISMATCH, Outcome.NOTHING_COMPARED, Outcome.REFUSED},
}
"""Verdicts on which each way of recording records; `all` records on any."""

_WORD: Final = re.compile(r"[^\W_][\w.+/-]*")
"""A tag that can be a mark: pytest's -m reads it as one word."""


class RecipeItem(pytest.Item):
    """One case of a recipe in one cell."""

    case: str = ""
    overrides: tuple[Override, ...] = ()
    asked: RecipeOptions
    gathering: Gathering

    def tag(self, words: Sequence[str]) -> None:
        """Take the recipe's tags as marks; those that cannot be marks can still be chosen by -k."""
        for word in words:
            self.extra_keyword_matches.add(word)
            if _WORD.fullmatch(word) and is_printable(word) and word not in self.asked.valued_marks:
                self.gathering.register_mark(word)
                self.add_marker(word)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands, and its name in the heading of a failure."""
        return self.path, 0, printable(f"{self.path.name}: {self.name}")

    def runtest(self) -> None:
        """Run the case, and hold it against its golden, or else against what it expects."""
        from tensorflow_free import asserting  # noqa: PLC0415 - only running needs torch

        found = self._verification()
        found = self._held(found.strictly() if self.asked.strict else found)
        if found.by_noise:
            self.gathering.by_noise.add(str(found.golden))
        no_marks = self.config.getoption("runxfail")
        if found.outcome in ABSENT:
            pytest.skip(in_a_line(found.reason))
        if found.outcome == Outcome.KNOWN_FAULT:
            pytest.xfail(in_a_line(found.reason))
        elif found.is_well or (found.outcome == Outcome.FIXED and no_marks):
            if told := self._unsaid(found):
                self.gathering.partly_judged[self.nodeid] = told
            return
        text = asserting.failure_text(found)
        pytest.fail(f"[XPASS(strict)] {text}" if found.outcome == Outcome.FIXED else text, pytrace=False)

    def _unsaid(self, found: Verification) -> str:
        """Why a test that passes does not say all; empty where it does."""
        from tensorflow_free.outcome.reasons import OF_COMPILER  # noqa: PLC0415 - only running needs pydantic
        from tensorflow_free.outcome.sentences import words  # noqa: PLC0415 - as above

        reason = [found.reason] if found.outcome == Outcome.PARTLY_JUDGED else []
        notes = (words(note) for note in found.fate.notes if note.code in OF_COMPILER)
        return in_a_line("\n".join((*reason, *notes)))

    def _held(self, found: Verification) -> Verification:
        """A verdict that is a failure where the recipe cannot run here, and ran before."""
        if not self.asked.earlier:
            return found
        from tensorflow_free.composition.overrides import texts_of  # noqa: PLC0415 - hardly ever
        from tensorflow_free.sweep.earlier import ran_before  # noqa: PLC0415 - as above

        why = ran_before(found.recipe, texts_of(found.overrides), found.outcome, self.asked.earlier)
        return found if why is None else found.failing(why)

    def _verification(self) -> Verification:
        from tensorflow_free.outcome.reasons import OfGolden  # noqa: PLC0415 - only running needs pydantic

        path, asked = seen_from_here(self.path), self.asked
        if asked.recording is None or self.gathering.is_closed:
            found = self._judged(path, needs_golden=asked.needs_golden)
            closed = asked.recording is not None and found.outcome in RECORDED["failing"]
            return found.also(OfGolden(code="closed")) if closed else found
        found = self._judged(path, needs_golden=True)
        if asked.recording in RECORDED and found.outcome not in RECORDED[asked.recording]:
            return found
        refusal = self.gathering.record(path, self.case, found)
        found = self._judged(path, needs_golden=asked.needs_golden)
        return found if refusal is None or found.is_well else found.also(refusal)

    def _judged(self, path: Path, *, needs_golden: bool) -> Verification:
        from tensorflow_free.golden.apart import Running  # noqa: PLC0415 - only running needs torch
        from tensorflow_free.golden.expecting import judge_case  # noqa: PLC0415 - as above

        running = Running(self.gathering.apart)
        return judge_case(path, self.case, self.overrides, needs_golden=needs_golden, running=running)
