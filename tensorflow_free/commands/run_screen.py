"""What a run shows on the screen: its result, or its problems. Imports late, so that a refusal is fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import complain, put, put_json, while_read
from tensorflow_free.text.page import hanging, text_lines

if TYPE_CHECKING:
    from tensorflow_free.result.result import Result


def show(result: Result, file: str | None, flags: Flags) -> None:
    """Show a result as the flags ask for it, and the file that holds it."""
    from tensorflow_free.report.result_report import page_of

    with while_read():
        if flags.json:
            put_json(result.on_disk().document.model_dump(mode="json"))
        elif flags.quiet:
            _show_what_is_wrong(result)
        else:
            put(page_of(result, file))


def _show_what_is_wrong(result: Result) -> None:
    from tensorflow_free.report.result_report import failure

    if result.has_failed:
        complain(text_lines("\n".join(failure(result))))
    recipe = result.recipe
    case = f"{recipe.case} " if recipe.case else ""
    cell = f"{result.name} ({case}{recipe.device} {recipe.dtype} {recipe.backend.name})"
    for verdict in result.expectations:
        if not verdict.is_well:
            complain(hanging(f"{cell}: {verdict.path}: {verdict.outcome}: {verdict.asks}: ", verdict.message))
