"""Cases held against their goldens, told to those who read it in CI: in Markdown, and as JUnit's cases."""

from __future__ import annotations

from time import monotonic

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.golden.junit_cases import junit_case
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verification_words import HEADINGS, cells_of
from tensorflow_free.text.page import Page, Words, column, grid


class ToldCases:
    """The verdicts on cases, told as they come."""

    def __init__(self, report: CiReport) -> None:
        self._report = report
        self._rows: list[tuple[int, list[Words]]] = []
        self._clock = monotonic()

    def add(self, one: Verification, code: int) -> None:
        """Take a verdict in when it is there, with the exit code that it asks for."""
        began, self._clock = self._clock, monotonic()
        if self._report.wants_markdown:
            self._rows.append((-1 if code else one.outcome.rank, cells_of(one)))
        if self._report.wants_cases:
            self._report.judge(junit_case(one, code, self._clock - began))

    def tell(self, page: Page, *, is_bad: bool) -> None:
        """Tell all of them, what fails first, and what came of them: a page whose last line has it in a sentence."""
        if not self._report.wants_markdown:
            return
        rows = [cells for _, cells in sorted(self._rows, key=lambda row: row[0])]
        table = [grid(map(column, HEADINGS, zip(*rows, strict=True)), "cell")] if rows else []
        *why, last = page
        self._report.tell("recipe verify", [*table, *why], str(last), is_bad=is_bad)
