"""What a run shows on the screen: its result, or its problems. Imports late, so that a refusal is fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import complain, put, put_json, while_read
from tensorflow_free.text.page import Page, hanging, line, text_lines

if TYPE_CHECKING:
    from tensorflow_free.report.told_run import ToldRun
    from tensorflow_free.result.result import Result


def show(result: Result, file: str | None, flags: Flags) -> None:
    """Show a result as the flags ask for it, and the file that holds it."""
    from tensorflow_free.report.result_report import page_of

    if flags.json:
        with while_read():
            put_json(result.on_disk().document.model_dump(mode="json"))
    else:
        show_page(result, page_of(result, file), flags)


def tell_run(result: Result, file: str | None, report: CiReport) -> None:
    """Tell a result in `report`, where that is asked for."""
    if not report.wants_markdown:
        return
    from tensorflow_free.report.result_report import page_of
    from tensorflow_free.report.run_page import verdict_of

    is_bad = result.has_failed or bool(result.unmet)
    again = [line(), line(report.again, "name", is_whole=True)] if is_bad and report.again else []
    report.tell_page([*page_of(result, file), *again], verdict_of(result), is_bad=is_bad)


def show_page(run: ToldRun, page: Page, flags: Flags) -> None:
    """Show the page of a run, or with `--quiet` what is wrong with it alone."""
    with while_read():
        if flags.quiet:
            _show_what_is_wrong(run)
        else:
            put(page)


def _show_what_is_wrong(result: ToldRun) -> None:
    from tensorflow_free.report.run_page import failure

    if result.has_failed:
        complain(text_lines("\n".join(failure(result))))
    recipe = result.recipe
    case = f"{recipe.case} " if recipe.case else ""
    cell = f"{result.name} ({case}{recipe.device} {recipe.dtype} {recipe.backend.name})"
    for verdict in result.expectations:
        if not verdict.is_well:
            complain(hanging(f"{cell}: {verdict.path}: {verdict.outcome}: {verdict.asks}: ", verdict.message))
