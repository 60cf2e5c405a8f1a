"""`--markdown`, `--junit` and GitHub's job summary: what a command came to, for those who read it elsewhere.

Both files are written when the command is done, whole or not at all, whatever became of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tensorflow_free.commands.flags import wrong
from tensorflow_free.commands.printing import complain
from tensorflow_free.errors import RecipeError, StorageError, TensorflowFreeError
from tensorflow_free.files.whole_files import write_whole
from tensorflow_free.outcome.exit_codes import ExitCode, after_signal
from tensorflow_free.process.endings import code_of, words_of
from tensorflow_free.text.junit import JunitCase, junit_of
from tensorflow_free.text.markdown import MOST_BYTES, NOTE_BYTES, Section, markdown_of
from tensorflow_free.text.page import Line, Page, line, text_lines

STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
"""The variable with the file to which GitHub's jobs append what their pages are to show."""

LEAST_ROOM: Final = 4 * NOTE_BYTES
"""Bytes below which nothing is appended to the summary of a step."""


class CiReport:
    """What a command tells, and where it is to be written.

    Args:
        command: what is run, in words.
        markdown: the file for Markdown; None where none is asked for.
        junit: the file for JUnit's XML; likewise.

    Raises:
        RecipeError: one of them is a folder.
    """

    def __init__(self, command: str, markdown: str | None, junit: str | None = None) -> None:
        self._command = command
        # where the command is typed, wherever it goes while it runs
        self._markdown, self._junit = (None if one is None else Path(one).absolute() for one in (markdown, junit))
        for flag, path in (("--markdown", self._markdown), ("--junit", self._junit)):
            if path is not None and path.is_dir():
                raise wrong(f"flag '{flag}'", f"'{path}' is a folder; name a file")
        self._summary = os.environ.get(STEP_SUMMARY) or None
        self._sections: list[Section | str] = []
        self._cases: list[JunitCase] = []
        self.properties: dict[str, str] = {}
        """What there is to know of all cases, by name."""
        self.again = ""
        """The command that shows the same again."""

    @property
    def wants_markdown(self) -> bool:
        """Whether what is told is written as Markdown."""
        return self._markdown is not None or self._summary is not None

    @property
    def wants_cases(self) -> bool:
        """Whether what is judged is written as JUnit's XML."""
        return self._junit is not None

    def tell(self, title: str, page: Page, verdict: str = "", *, is_bad: bool = False) -> None:
        """Tell of one thing: what it is, all that there is to say, and what came of it in a sentence."""
        told = line(verdict, "bad" if is_bad else "title") if verdict else None
        self._sections.append(Section(title, list(page), told))

    def tell_page(self, page: Page, verdict: str = "", *, is_bad: bool = False) -> None:
        """Tell of one thing by a page, whose first line says what it is."""
        first, *rest = page
        self.tell(str(first) if isinstance(first, Line) else self._command, rest, verdict, is_bad=is_bad)

    @contextmanager
    def drawn_elsewhere(self) -> Iterator[tuple[list[str], dict[str, str]]]:
        """Take over what another process tells: the flags that it needs, and its variables, without a summary to write.

        What it has written is told here when this ends.
        """
        environment = {name: value for name, value in os.environ.items() if name != STEP_SUMMARY}
        if not self.wants_markdown:
            yield [], environment
            return
        with TemporaryDirectory() as folder:
            part = Path(folder, "part.md")
            yield ["--markdown", str(part)], environment
            if part.is_file() and part.stat().st_size:
                self._sections.append(part.read_text(encoding="utf-8"))

    def judge(self, case: JunitCase) -> None:
        """Tell of one thing that was judged."""
        self._cases.append(case)

    def around(self, run: Callable[[], int]) -> int:
        """Run the command, and write what it told: its exit code, or that of a file that could not be written.

        Raises:
            TensorflowFreeError: whatever it raises, which is written, too.
            KeyboardInterrupt: a signal ends it; what was told before is written.
        """
        try:
            code = run()
        except TensorflowFreeError as error:
            self._end_early(code_of_error(error), str(error))
            raise
        except KeyboardInterrupt as ended:
            self._end_early(code_of(ended), words_of(ended))
            raise
        is_written = self._write(code)
        return code if is_written or code > ExitCode.INTERNAL else ExitCode.INTERNAL

    def _end_early(self, code: int, why: str) -> None:
        self.tell(self._command, text_lines(why), "It ended early.", is_bad=True)
        self._write(code, why)

    def _write(self, code: int, why: str = "") -> bool:
        """Write all that is asked for; whether the files that the command line names could be."""
        written = True
        if self._markdown is not None:
            written = _wrote("--markdown", self._markdown, markdown_of(self._sections).encode())
        if self._summary is not None and self._sections:
            self._append(Path(self._summary))
        if self._junit is not None:
            content = junit_of(self._command, [*self._cases, *self._of_all(code, why)], self.properties)
            written &= _wrote("--junit", self._junit, content)
        return written

    def _of_all(self, code: int, why: str) -> list[JunitCase]:
        """A case for what fails the command and is none of the cases: where nothing is red, all is well."""
        if code == ExitCode.OK or any(one.end in ("failure", "error") for one in self._cases):
            return []
        message = next((one.meaning for one in ExitCode if one == code), f"signal {code - after_signal(0)}")
        first = why.partition("\n")[0] or message
        return [JunitCase(self._command, "exit code", "error", f"exit code {code}", first, why or message)]

    def _append(self, path: Path) -> None:
        """Append to the summary of a step, as far as there is room; what goes wrong is told, and changes nothing."""
        try:
            room = MOST_BYTES - (path.stat().st_size if path.exists() else 0) - 1
            if room < LEAST_ROOM:
                complain(f"{STEP_SUMMARY}: '{path}' is full: a step's summary may have {MOST_BYTES:,} bytes")
                return
            with path.open("ab") as file:
                file.write(f"\n{markdown_of(self._sections, room)}".encode())
        except OSError as error:
            complain(f"{STEP_SUMMARY}: '{path}' cannot be written: {error.strerror or error}")


def code_of_error(error: TensorflowFreeError) -> ExitCode:
    """The exit code of a command that raises this."""
    if isinstance(error, RecipeError):
        return ExitCode.WRONG
    return ExitCode.INTERNAL if isinstance(error, StorageError) else ExitCode.STEP_FAILED


def _wrote(flag: str, path: Path, content: bytes) -> bool:
    """Write a file, and its folder where there is none; where that cannot be, say so."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        complain(f"flag '{flag}': '{path}' cannot be written: {error.strerror or error}")
        return False
    return True
