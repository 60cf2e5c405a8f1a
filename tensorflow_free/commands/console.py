"""What the commands print: results, complaints, progress; on whatever the streams are. Imports late, to stay light."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.commands.flags import Flags
from tensorflow_free.text.characters import is_printable, printable, printable_lines

if TYPE_CHECKING:
    from tensorflow_free.result.result import Result


def open_streams() -> None:
    """Streams that take what we print: in any encoding, and also where there are none."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def flushed(code: int) -> int:
    """The exit code, when all that was printed is out."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    return code


def _silence() -> None:
    """Print no more: whoever read our output has enough of it."""
    # Python would write the rest again on its way out, and complain
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Say what is wrong, where it is in nobody's way."""
    print(printable_lines(text), file=sys.stderr)


def say(text: str) -> None:
    """Say what was asked for."""
    print(printable_lines(text))


def show(result: Result, file: str | None, flags: Flags) -> None:
    """Show a result as the flags ask for it, and the file that holds it."""
    try:
        _show(result, file, flags)
    except BrokenPipeError:
        _silence()


def _show(result: Result, file: str | None, flags: Flags) -> None:
    if flags.json:
        print_json(result.on_disk().document.model_dump(mode="json"))
    elif flags.quiet:
        _show_what_is_wrong(result)
    elif sys.stdout.isatty():
        from rich.console import Console

        from tensorflow_free.report.result_report import draw

        draw(result, Console(), file)
    else:
        from tensorflow_free.report.result_report import plain_text

        say(plain_text(result, file))


def print_json(content: Any) -> None:
    """JSON that reads back right in any encoding of the output."""
    import json

    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(content, indent=1, ensure_ascii=not unicode, allow_nan=False)
    # what cannot be seen stands only inside of JSON's strings, which have escapes for it
    print("\n".join(line if is_printable(line) else _escaped(line) for line in text.split("\n")))


def _escaped(line: str) -> str:
    import json

    return "".join(one if is_printable(one) else json.dumps(one)[1:-1] for one in line)


def _show_what_is_wrong(result: Result) -> None:
    from tensorflow_free.report.result_report import failure

    if result.error is not None and not result.error.expected:
        complain("\n".join(failure(result)))
    recipe = result.recipe
    case = f"{recipe.case} " if recipe.case else ""
    cell = f"{result.name} ({case}{recipe.device} {recipe.dtype} {recipe.backend.name})"
    for verdict in result.expectations:
        if not verdict.is_well:
            complain(printable(f"{cell}: {verdict.path}: {verdict.outcome}: {verdict.asks}: {verdict.message}"))


class Progress:
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
