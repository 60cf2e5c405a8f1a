"""Folders that are looked through once, however many of their files are named one by one.

For each file that is named, pytest looks through its folder anew, and asks all plugins of each file in it: a thousand
files take a thousand times as long as their folder. What it found the first time is what it finds again.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

FOLDERS: Final = (pytest.Dir, pytest.Package)
"""Collectors of folders that are known to find the same again; those of other plugins may not."""

Reports = dict[pytest.Collector, pytest.CollectReport]


def look_through_once(config: pytest.Config) -> None:
    """Keep what each folder has, from the next that is looked through, until all is collected."""
    if config.getoption("keepduplicates"):
        # a file that is named twice is to be two collectors then
        return
    reports: Reports = {}
    config.pluginmanager.register(_Keeping(reports), "tensorflow_free_kept_scans")
    config.pluginmanager.register(_Known(reports), "tensorflow_free_known_scans")


class _Keeping:
    """Keeps what was found in a folder."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Keep a folder's files; a folder that cannot be looked through is tried again."""
        report = yield
        if type(collector) in FOLDERS and report.passed:
            self._reports[collector] = report
        return report

    def pytest_collection_finish(self) -> None:
        """Let go of what nothing asks for any more."""
        self._reports.clear()


class _Known:
    """Answers with what was found already."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """What a folder had when it was looked through; None for others, which pytest collects."""
        return self._reports.get(collector)
