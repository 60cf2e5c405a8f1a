"""The page of a run, as data: its graph, and each value with its gradient."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.lessons import NoLessonError, is_quick, lesson_of_run
from tensorflow_free.pages.plain_lines import plain_lines
from tensorflow_free.pages.run_parts import run_parts
from tensorflow_free.report.run_page import opening
from tensorflow_free.result.result import Result
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import Line, line


def page_of_run(result: Result, folder: Path | None = None, *, teaching: bool = False, command: str = "") -> HtmlPage:
    """The page of a run.

    Args:
        result: the run.
        folder: where it is saved; None where it is not.
        teaching: whether it begins with the teaching view.
        command: what a person types to see the run in a terminal.
    """
    lesson, note = _lesson(result, folder, asked=teaching)
    head = {"lines": plain_lines([*opening(result), *note]), "teaching": teaching and lesson is not None}
    parts = [] if lesson is None else [("lesson", lesson)]
    return HtmlPage("run", result.name, head, chain(run_parts(result, folder=folder), parts), command)


def _lesson(result: Result, folder: Path | None, *, asked: bool) -> tuple[dict[str, Any] | None, list[Line]]:
    """The run as a lesson, and why it is none where it was asked for."""
    if not (asked or is_quick(result)):
        return None, []
    try:
        return lesson_of_run(result, folder), []
    except NoLessonError as error:
        return None, [line(f"no teaching view: {in_a_line(str(error))}", "notice")] if asked else []
