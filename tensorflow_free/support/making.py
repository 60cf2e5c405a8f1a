"""A support matrix being made: ops and recipes run in the workers of a sweep, and what fails written to disk."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from tensorflow_free.files.whole_files import write_whole
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.support.database import OpInfo, database
from tensorflow_free.support.feeding import Feed
from tensorflow_free.support.kinds_of_row import KINDS_OF_VALUES
from tensorflow_free.support.matrix_file import MATRIX, MatrixFile, SupportRow, csv_of
from tensorflow_free.support.probes_of_op import OpProbes, OpSettings, RecipeProbes
from tensorflow_free.support.sample_files import write_recipe
from tensorflow_free.support.sample_recipes import is_in_pytorch
from tensorflow_free.sweep.launch import CELL_TIMEOUT_S, Launch
from tensorflow_free.sweep.pool import Crew
from tensorflow_free.text.characters import command_of, printable_json

_UNSAFE: Final = re.compile(r"[^\w.,=+-]", re.ASCII)
"""Characters that no file's name gets."""

FUNCTIONAL: Final = "nn.functional."
"""How the database's names of functions of neural networks begin."""

OUT_OF_BOUNDS: Final = frozenset({Outcome.MISMATCH})
"""Outcomes of which eager PyTorch on the CPU is asked, too."""

MatrixTick = Callable[[int, int, str], None]
"""MatrixTick how many are done, of how many, and a note."""


@dataclass
class MatrixPlan:
    """What a matrix is to hold, and how it is run.

    Attributes:
        device: the device.
        dtypes: the dtypes.
        folder: where recipes that fail are written.
        overrides: what each cell is given besides.
        names: the entries of the database.
        recipes: the user's recipes, each in each dtype.
        samples: how many samples of each entry; None for all.
        forward: whether gradients are left out.
        n_jobs: workers; None for as many as a sweep would have.
        timeout_s: seconds that a run may take.
        ops: files of the user's own ops.
    """

    device: str
    dtypes: Sequence[str]
    folder: Path
    overrides: Sequence[str] = ()
    names: Sequence[str] = ()
    recipes: Sequence[RecipeProbes] = ()
    samples: int | None = 1
    forward: bool = False
    n_jobs: int | None = None
    timeout_s: float = CELL_TIMEOUT_S
    ops: Sequence[str] = ()
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def cell_overrides(self) -> tuple[str, ...]:
        """What each run is given."""
        return (f"device={self.device}", *self.overrides)

    def launch(self, n_jobs: int | None) -> Launch:
        """How so many workers run."""
        return Launch(
            cwd=str(Path.cwd()),
            n_jobs=n_jobs,
            cell_timeout_s=self.timeout_s,
            ops=[str(Path(file).absolute()) for file in self.ops],
            devices=frozenset({self.device}),
        )


def entries_that_match(patterns: Sequence[str]) -> list[str]:
    """The entries of the database that patterns match: `softmax`, `linalg.*`, `F.gelu`; all where there is none."""
    wanted = {*patterns, *(_PREFIX.sub(lambda found: PREFIXES[found[0]], one) for one in patterns)}
    return [
        name
        for name, entry in database().items()
        if not wanted or any(fnmatchcase(one, pattern) for pattern in wanted for one in _names_of(name, entry))
    ]


PREFIXES: Final = {"torch.nn.functional.": FUNCTIONAL, "F.": FUNCTIONAL, "torch.": ""}
"""What a pattern may begin with, and what the database has there."""

_PREFIX: Final = re.compile("^(?:" + "|".join(map(re.escape, PREFIXES)) + ")")


def _names_of(name: str, entry: OpInfo) -> set[str]:
    """What an entry is known by: with its variant and without, with its module and without."""
    return {name, entry.name, name.removeprefix(FUNCTIONAL), entry.name.removeprefix(FUNCTIONAL)}


class Making:
    """A matrix being made; `matrix` is what is there of it at any time."""

    def __init__(self, plan: MatrixPlan) -> None:
        self.plan = plan
        kind = plan.device.partition(":")[0]
        settings = OpSettings(kind, plan.samples, plan.forward)
        entries = database() if plan.names else {}
        self._ops = [
            OpProbes(name, dtype, settings)
            for name in plan.names
            for dtype in plan.dtypes
            if is_in_pytorch(entries[name], dtype, kind)
        ]
        self._finished = False
        self._entries = len(entries)

    @property
    def names(self) -> list[str]:
        """What the rows are called that are to be there."""
        return [*self.plan.names, *dict.fromkeys(one.name for one in self.plan.recipes)]

    def run(self, told: MatrixTick | None = None) -> None:
        """Run all of it.

        Raises:
            RecipeError: the user's ops cannot be loaded.
            TensorflowFreeError: workers cannot be started.
        """
        jobs: list[OpProbes | RecipeProbes] = [*self._ops, *self.plan.recipes]
        with tempfile.TemporaryDirectory(prefix="tensorflow_free-") as folder:
            feed = Feed((job.script() for job in jobs), Path(folder), self.plan.cell_overrides)
            # of several workers those end that find nothing asked for; what then asks again is left to one alone
            for n_jobs in (self.plan.n_jobs, 1):
                if feed.has_more():
                    crew = Crew(self.plan.launch(n_jobs), feed.told, self.plan.environment.update)
                    for _ in crew.rows(feed, len(jobs)):
                        if told is not None:
                            told(feed.done, len(jobs), "")
        self._finished = feed.done == len(jobs)
        self._ask_the_cpu()

    def _ask_the_cpu(self) -> None:
        """Note of each mismatch whether eager PyTorch on the CPU is out of bounds on the same samples, too."""
        plan = self.plan
        if plan.device.partition(":")[0] == "cpu" and not plan.overrides:
            return
        wrong = [(job, kind) for job in self._ops for kind, cell in job.cells.items() if cell.outcome in OUT_OF_BOUNDS]
        names, dtypes = ({get(job): None for job, _ in wrong} for get in (attrgetter("entry"), attrgetter("dtype")))
        if not wrong:
            return
        there = Making(replace(plan, device="cpu", overrides=(), names=list(names), dtypes=list(dtypes), recipes=()))
        there.run()
        found = {(one.entry, one.dtype): one.cells for one in there._ops}
        for job, kind in wrong:
            here = found.get((job.entry, job.dtype), {}).get(kind)
            job.cells[kind].on_cpu = here is not None and here.outcome in OUT_OF_BOUNDS

    def matrix(self) -> MatrixFile:
        """What has become of each op and recipe so far; recipes that fail are written.

        Raises:
            OSError: they cannot be.
        """
        plan = self.plan
        for job in self._ops:
            self._write(job)
        rows = {name: SupportRow(name=name) for name in plan.names}
        for job in self._ops:
            if job.cells:
                rows[job.entry].dtypes[job.dtype] = job.cells
        for one in plan.recipes:
            if one.cells:
                rows.setdefault(one.name, SupportRow(name=one.name, source="recipes")).dtypes[one.dtype] = one.cells
        return MatrixFile(
            device=plan.device,
            dtypes=list(plan.dtypes),
            overrides=list(plan.overrides),
            samples=plan.samples,
            forward=plan.forward,
            entries=self._entries,
            rows=list(rows.values()),
            finished=self._finished,
            environment=plan.environment,
        )

    def _write(self, job: OpProbes) -> None:
        """Write the smallest samples that fail: one file where those of the value and of the gradient are one."""
        written: dict[int, Path] = {}
        for kind in KINDS_OF_VALUES:
            sample = job.failing.get(kind)
            if sample is None:
                continue
            stem = _UNSAFE.sub("_", f"{job.entry}.{job.dtype}{f'.{kind}' if written else ''}")
            path = written.setdefault(id(sample), self.plan.folder / f"{stem}.yaml")
            cell = job.cells[kind]
            cell.recipe = path.name
            cell.command = command_of(["run-recipe", "-m", str(path), *self.plan.cell_overrides])
            path.parent.mkdir(parents=True, exist_ok=True)
            about = f"{job.entry} in {job.dtype} on {self.plan.device}, {kind}: {cell.outcome}."
            write_recipe(sample.mapping, path, about)


def write_matrix(matrix: MatrixFile, folder: Path, markdown: str) -> Path:
    """Write `matrix.json`, `matrix.csv` and `matrix.md`: the first of them.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MATRIX
    write_whole(path, (printable_json(matrix.model_dump_json(indent=1)) + "\n").encode())
    write_whole(path.with_suffix(".csv"), csv_of(matrix).encode("utf-8", "backslashreplace"))
    write_whole(path.with_suffix(".md"), markdown.encode("utf-8", "backslashreplace"))
    return path
