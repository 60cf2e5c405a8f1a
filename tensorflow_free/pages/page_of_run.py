"""The page of a run, as data: its graph, and each value with its gradient."""

from __future__ import annotations

from pathlib import Path

from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.plain_lines import plain_lines
from tensorflow_free.pages.run_parts import run_parts
from tensorflow_free.report.run_page import opening
from tensorflow_free.result.result import Result


def page_of_run(result: Result, folder: Path | None = None, *, teaching: bool = False, command: str = "") -> HtmlPage:
    """The page of a run.

    Args:
        result: the run.
        folder: where it is saved; None where it is not.
        teaching: whether it begins with the teaching view.
        command: what a person types to see the run in a terminal.
    """
    head = {"lines": plain_lines(opening(result)), "teaching": teaching}
    return HtmlPage("run", result.name, head, run_parts(result, folder=folder), command)
