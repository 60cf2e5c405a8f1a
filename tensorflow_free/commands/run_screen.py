"""What a run shows: how far it is, on a terminal, and then its result. Imports late, to stay light."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import complain, put, put_json, while_read
from tensorflow_free.text.page import hanging, told

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
        complain(told("\n".join(failure(result))))
    recipe = result.recipe
    case = f"{recipe.case} " if recipe.case else ""
    cell = f"{result.name} ({case}{recipe.device} {recipe.dtype} {recipe.backend.name})"
    for verdict in result.expectations:
        if not verdict.is_well:
            complain(hanging(f"{cell}: {verdict.path}: {verdict.outcome}: {verdict.asks}: ", verdict.message))


class ProgressBar:
    """A bar on a terminal for runs that take more than a moment; nothing elsewhere."""

    MOMENT_S: Final = 0.5

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._begun = 0.0

    def __enter__(self) -> Callable[[int, int], None] | None:
        from time import monotonic

        self._begun = monotonic()
        return self._tick if self._enabled else None

    def _tick(self, done: int, total: int) -> None:
        from time import monotonic

        if self._bar is None:
            if monotonic() - self._begun < self.MOMENT_S:
                return
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("running", total=total)
        self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
