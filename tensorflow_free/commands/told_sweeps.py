"""A sweep told to those who read it in CI: in Markdown, and its cells as JUnit's cases. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.sweep.junit_cells import case_of, cases_since
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.since_then import SinceThen
from tensorflow_free.sweep.since_then import page_of as page_of_changes
from tensorflow_free.sweep.summary import Summary
from tensorflow_free.sweep.table import heading, outcome_words, told_of
from tensorflow_free.text.page import Page, line, parted


def tell_sweep(
    summary: Summary, since: SinceThen | None, report: CiReport, notes: Iterable[str], *, is_bad: bool
) -> None:
    """Tell what a sweep came to, what changed since an earlier one, and what is worth saying besides."""
    changes: Page = () if since is None else page_of_changes(since)
    page = parted([told_of(summary), changes, [line(note, "notice") for note in notes]])
    report.tell(heading(summary), page, outcome_words(summary), is_bad=is_bad)


def judge_rows(rows: Iterable[Row], since: SinceThen | None, report: CiReport) -> None:
    """Tell of each cell as a case, and of what got worse since an earlier sweep."""
    for case in chain(map(case_of, rows), () if since is None else cases_since(since)):
        report.judge(case)
