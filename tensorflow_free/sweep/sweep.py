"""A sweep: its cells run in workers, its rows kept and given as they come, its outcome. Does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tensorflow_free.errors import RecipeError, TensorflowFreeError
from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.process.progress import ProgressBar, in_notebook
from tensorflow_free.sweep.cells import Cell, Cells
from tensorflow_free.sweep.csv_file import CsvTable
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.earlier import earlier_at
from tensorflow_free.sweep.folder import TABLE, SweepFolder
from tensorflow_free.sweep.launch import Settings
from tensorflow_free.sweep.pool import Crew
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.since_then import SinceThen, since_then
from tensorflow_free.sweep.since_then import page_of as page_of_changes
from tensorflow_free.sweep.summary import Heading, Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.text.drawing import text_of
from tensorflow_free.text.faces import Shown, maker
from tensorflow_free.text.page import Page, line
from tensorflow_free.text.phrases import counted

WATCHED_ENVIRONMENT: Final = ("tensorflow_free", "torch", "torch_git", "cpu", "cpu_capability", "cuda")
"""What numbers depend on most; where it changes on the way, it is reported."""


class Sweep(Shown):
    """The cells of some recipes under some overrides, run in workers and judged; each row is kept as it comes.

    Nothing runs before it is iterated over, `run` is called, or what it came to is asked for: `is_well`, `table()` and
    `to_dataframe()` run it first. Iterating gives a row for each cell: first those that
    are kept already, then the others as they come. Leaving the loop early ends the workers; a second loop goes on.

    Example:
        >>> from tensorflow_free import sweep_recipe
        >>> sweep = sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32,float64"], n_jobs=1)
        >>> [row.outcome for row in sweep]
        ['ok', 'ok']
        >>> sweep.is_well
        True
    """

    def __init__(self, folder: SweepFolder, document: SweepDocument, settings: Settings, *, created: bool) -> None:
        self._folder = folder
        self._document = document
        self._settings = settings
        self._created = created
        self._is_resumed = created
        self._cells: Cells | list[Cell] = document.all_cells()
        self._summary: Summary | None = None
        self._has_run = False
        """Whether it was iterated over, if only for a while."""
        self._began_on: set[tuple[str, str | None]] = set()
        """The devices of the rows that were kept when the sweep was resumed."""
        self.notes: list[str] = []
        """What is worth saying of the sweep, and is no failure."""

    @property
    def folder(self) -> Path:
        """The folder that holds all of it."""
        return self._folder.path

    @property
    def document(self) -> SweepDocument:
        """What `sweep.json` says."""
        return self._document

    @property
    def cells(self) -> Iterator[Cell]:
        """Its cells, in their order."""
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    # running

    def __iter__(self) -> Iterator[Row]:
        self.create()
        # rows are read when no other process can add to them any more: a cell that has one must not run again
        self._folder.open()
        try:
            yield from self._all_rows()
        finally:
            self._folder.close()

    def _all_rows(self) -> Generator[Row]:
        """The rows that are kept, and then those of the cells that have none."""
        self._has_run = True
        summary = self._summary = Summary(self._heading())
        done = bytearray(len(self))
        table = CsvTable()
        for row in self._kept(table.add):
            done[row.number] = 1
            summary.add(row)
            self._began_on.update((one.kind, one.name) for one in row.devices)
            yield row
        if not summary.finished and not (self._settings.fail_fast and summary.bad):
            # the table is made of all rows once they have come
            del table
            yield from self._running(bytes(done), summary)
        else:
            self._finish(summary, table)

    def run(self, *, progress: bool | None = None) -> Sweep:
        """Run every cell that has no row, and give the sweep itself.

        Args:
            progress: whether a bar tells how many cells have run, where it can be seen: on a terminal, in a notebook;
                by default in a notebook alone.

        Example:
            >>> from tensorflow_free import sweep_recipe
            >>> sweep_recipe("recipes/linear_autograd.yaml", n_jobs=1).run(progress=False).is_well
            True
        """
        with ProgressBar("cells", enabled=in_notebook() if progress is None else progress, after_s=0.0) as tick:
            bad = 0
            if tick is not None:
                tick(0, len(self))
            for done, row in enumerate(self, 1):
                bad += row.is_bad
                if tick is not None:
                    tick(done, len(self), f"{bad} bad" if bad else "")
        return self

    def create(self) -> None:
        """Make the sweep's folder, where that is not done.

        Raises:
            RecipeError: it holds something already.
            StorageError: it cannot be written.
        """
        if not self._created:
            self._folder.create(self._document)
            self._created = True

    def choose(self, cells: list[Cell]) -> None:
        """Set the cells, of a sweep whose cells another sweeper chooses: those that have run, and some more."""
        self._cells = cells
        self._document.cells = len(cells)

    def gather(self) -> None:
        """Take in the rows of jobs that ran elsewhere.

        Raises:
            StorageError: the sweep's folder cannot be written.
        """
        self._folder.open()
        try:
            self._folder.merge()
        finally:
            self._folder.close()
        self._summary = None
        self._has_run = True
        for row in self._kept():
            self._note_devices(row)
        self._finish(self._stand())

    def _running(self, done: bytes, summary: Summary) -> Generator[Row]:
        """Run the cells that have no row."""
        launch = self._settings.launch(self._document, self.folder)
        crew = Crew(launch, self._folder.append, self._greet)
        rows = crew.rows(self._waiting(done), done.count(0))
        try:
            for row in rows:
                summary.add(row)
                self._note_devices(row)
                yield row
        except BaseException:
            rows.close()
            # what is there is summed up, the rows too that nobody has taken yet; what went wrong is worth more than
            # that it cannot be
            with suppress(TensorflowFreeError):
                self._summary = None
                self._finish(self._stand())
            raise
        if crew.fewer is not None:
            self._note(crew.fewer)
        self._note_changes()
        self._finish(summary)

    def _note_changes(self) -> None:
        """Say where a recipe was changed while its cells ran."""
        try:
            self._document.refuse_changes()
        except RecipeError as error:
            for problem in error.problems:
                self._note(f"{problem}, as its cells may not be alike")

    def _note_devices(self, row: Row) -> None:
        """Keep the names of the devices that a cell used; where a sweep is resumed on others, say so."""
        for one in row.devices:
            environment = self._document.environment or {}
            environment["devices"] = sorted({*environment.get("devices", ()), one.name or f"{one.kind}:{one.index}"})
            used = environment.setdefault("used", [])
            if not any((two["kind"], two["index"], two["name"]) == (one.kind, one.index, one.name) for two in used):
                used.append(one.model_dump())
            before = sorted({str(name) for kind, name in self._began_on if kind == one.kind})
            if before and str(one.name) not in before:
                self._note(
                    f"{self.folder}: the sweep began on another device, and its cells may not be comparable: "
                    f"{one.kind} was '{', '.join(before)}' and is '{one.name}'"
                )

    def _waiting(self, done: bytes) -> Iterator[Cell]:
        """The cells that have no row, what an earlier try left of them taken away."""
        fresh = not self._is_resumed and not any(done)
        if not fresh and self._document.keeps:
            # before any worker begins an archive, which is to count more
            self._folder.forget([self._cells[number].folder for number in range(len(self)) if not done[number]])
        for number in range(len(self)):
            if done[number]:
                continue
            cell = self._cells[number]
            if not fresh and self._document.keeps:
                self._folder.clear(cell.folder)
            yield cell

    def _greet(self, environment: dict[str, Any]) -> None:
        """Keep what the numbers depend on; where a sweep is resumed elsewhere, say so."""
        began = self._document.environment
        if began is None:
            self._document.environment = environment
            self._folder.write(self._document)
            return
        differing = [key for key in WATCHED_ENVIRONMENT if began.get(key) != environment.get(key)]
        if differing:
            words = "; ".join(f"{key} was '{began.get(key)}' and is '{environment.get(key)}'" for key in differing)
            self._note(
                f"{self.folder}: the sweep began in another environment, and its cells may not be comparable: {words}"
            )

    def _finish(self, summary: Summary, table: CsvTable | None = None) -> None:
        """Put what the sweep came to beside its rows; they are read once more where the table is not at hand."""
        document = self._document
        document.outcomes = summary.outcomes()
        told = summary.shortfalls
        document.values, document.unjudged = told.values, told.counts["partly judged"]
        document.vacuous = told.counts["vacuous"]
        document.finished = summary.finished
        document.exit_code = self.exit_code
        document.well = document.exit_code == ExitCode.OK
        self._folder.write(document)
        (CsvTable(self._folder.rows()) if table is None else table).write(self.folder / TABLE)

    def __repr__(self) -> str:
        rows = sum(1 for _ in self._kept()) if self._created else 0
        state = "" if rows < len(self) else "well, " if self.exit_code == ExitCode.OK else "not well, "
        return f"<Sweep {self.folder}: {state}{rows:,} of {len(self):,} cells have run>"

    # what it came to

    def _run_first(self) -> None:
        """Run a sweep that has not been iterated over."""
        if not self._has_run:
            self.run()

    def _kept(self, see: Callable[[Row], object] | None = None) -> Iterator[Row]:
        """The rows that are kept, of cells that the sweep has; `see` is called with every good one, as it is kept."""
        strangers = 0
        for row in self._folder.rows():
            if see is not None:
                see(row)
            if 0 <= row.number < len(self):
                yield row.strictly() if self._document.strict else row
            else:
                strangers += 1
        bad = self._folder.bad_lines + strangers
        if bad:
            lines = counted(bad, "line")
            self._note(f"{self.folder}: {lines} of its rows could not be read; the good ones are kept")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _heading(self) -> Heading:
        return Heading(len(self), self._document.reference, self._document.torch)

    def _stand(self) -> Summary:
        """The summary so far, counted again where the sweep has not been iterated over."""
        if self._summary is None:
            self._summary = Summary(self._heading(), self._kept() if self._created else ())
        return self._summary

    @property
    def rows(self) -> list[Row]:
        """The rows that are kept, in the order of their cells."""
        return sorted(self._kept(), key=lambda row: row.number)

    @property
    def summary(self) -> Summary:
        """What the sweep has come to so far."""
        found = self._stand()
        found.heading = self._heading()
        return found

    @property
    def exit_code(self) -> int:
        """What `run-recipe -m` ends with; `Summary.exit_code` says what it means."""
        since = self.since_then() if self._stand().finished else None
        return worst_of([self._stand().exit_code(), ExitCode.OK if since is None else since.code])

    def since_then(self) -> SinceThen | None:
        """What changed since the earlier sweep that it is held against; None where it is held against none."""
        against = self._document.against
        return since_then(self._kept(), earlier_at(against, self._document.cwd)) if against and self._created else None

    @property
    def is_well(self) -> bool:
        """Whether every cell has a row, and none is bad. A sweep that has not run is run first."""
        self._run_first()
        return self.exit_code == ExitCode.OK

    def table(self) -> str:
        """The table, as text. A sweep that has not run is run first."""
        self._run_first()
        return text_of(self.page())

    def page(self) -> Page:
        """The table as a page, and what changed since the sweep that it is held against."""
        since = self.since_then()
        return [*page_of(self.summary), *([] if since is None else [line(), *page_of_changes(since)])]

    def to_dataframe(self) -> Any:
        """The rows as a data frame of pandas: a row for each cell; a sweep that has not run is run first.

        Its columns are those of `sweep.csv`, in its order, and `case`, `device`, `dtype`, `backend`, `compared`,
        `not_comparable`, `unjudged`, `vacuous` and `seconds`. An axis whose values are all numbers is a column of
        numbers.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> from tensorflow_free import sweep_recipe
            >>> sweep = sweep_recipe("recipes/linear_autograd.yaml", ["seed=1,2"], n_jobs=1)
            >>> sweep.to_dataframe()[["cell", "seed", "outcome"]].values.tolist()
            [[0, 1, 'ok'], [1, 2, 'ok']]
        """
        self._run_first()
        return maker("frames").frame_of_sweep(self.rows)

    def plot(self, over: str = "cell", *, by: str | None = None, ax: Any = None) -> Any:
        """Draw the share of the allowed error that each cell used, with the limit at 1; a logarithmic scale.

        A sweep that has not run is run first. Cells without an error, those with NaN or an infinity and those that were
        not compared are marked on the edge, and counted in the legend.

        Args:
            over: what the cells stand over: `cell`, their numbers, or an axis; over an axis a line joins the worst.
            by: the axis whose values are told apart by colour and marker; by default `dtype`, where that varies.
            ax: the axes of matplotlib to draw in; by default new ones.

        Returns:
            The axes.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: the sweep has no such axis.

        Example:
            >>> from tensorflow_free import sweep_recipe
            >>> sweep = sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32,float64", "seed=1,2"], n_jobs=1)
            >>> sweep.plot(over="seed").get_ylabel()
            'used share of the allowed error'
        """
        self._run_first()
        return maker("plots").plot_of_sweep(self.rows, over, by, ax)
