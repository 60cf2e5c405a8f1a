"""The page of a run, as data: its graph, and each value with its gradient."""

from __future__ import annotations

from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.report.run_page import heading
from tensorflow_free.result.result import Result


def page_of_run(result: Result, *, teaching: bool = False, command: str = "") -> HtmlPage:
    """The page of a run.

    Args:
        result: the run.
        teaching: whether it begins with the teaching view.
        command: what a person types to see the run in a terminal.
    """
    lines = [{"text": heading(result), "style": "title"}]
    head = {"lines": lines, "teaching": teaching, "values": [[name] for name in result]}
    return HtmlPage("run", result.name, head, command=command)
