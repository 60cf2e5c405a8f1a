"""`matrix.json`: a support matrix as strict JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tensorflow_free.codec.documents import read_document
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import Outcome, code_of_all
from tensorflow_free.support.kinds_of_row import KINDS_OF_VALUES, OpSide
from tensorflow_free.sweep.csv_file import safe_cell

MATRIX_VERSION: Final = 1
"""The version of the schema of `matrix.json`."""

MATRIX: Final = "matrix.json"

SKIPPED: Final = "skipped"
"""Instead of an outcome: nothing was run, and the reason says why."""


class _MatrixModel(BaseModel):
    model_config = ConfigDict(extra="ignore")


class SupportCell(_MatrixModel):
    """What became of an op's value, or of its gradient, in one dtype.

    Attributes:
        outcome: the worst of all samples: an outcome of a sweep's cell, or `skipped`.
        reason: why, in words; empty where it is ok.
        samples: how many samples were run.
        bad: how many of them came to this outcome; 0 where it is ok.
        elements: how many elements the tensors of the smallest of these hold.
        recipe: the file of that sample, seen from the folder of `matrix.json`, or of the user's recipe as typed; empty
            where it is ok.
        command: what shows the verdict again, typed where the matrix was made.
        on_cpu: of a mismatch on another device or under a compiler, whether eager PyTorch on the CPU is out of
            bounds on the same samples, too; None where it was not asked.
    """

    outcome: Outcome | Literal["skipped"]
    reason: str = ""
    samples: int = 0
    bad: int = 0
    elements: int = 0
    recipe: str = ""
    command: str = ""
    on_cpu: bool | None = None


class SupportRow(_MatrixModel):
    """An op, or a user's recipe.

    Attributes:
        name: the entry's full name in the operator database; or the recipe's path, and its case.
        source: where it is from.
        dtypes: by dtype, `value` and `gradient`; a dtype in which PyTorch itself has it not on such a device is left
            out, and so is the gradient where there is none.
    """

    name: str
    source: Literal["database", "recipes"] = "database"
    dtypes: dict[str, dict[OpSide, SupportCell]] = Field(default_factory=dict)


class MatrixFile(_MatrixModel):
    """A support matrix.

    Attributes:
        schema_version: the version of this schema.
        device: the device.
        dtypes: the dtypes that were asked for.
        overrides: what each cell was given besides.
        samples: how many samples of each entry; None for all.
        forward: whether only values were asked for.
        entries: how many entries the operator database has; 0 where it was not asked.
        rows: the ops and recipes.
        finished: whether all that was asked for has run.
        environment: of a worker: versions, the device.
    """

    schema_version: int = MATRIX_VERSION
    device: str
    dtypes: list[str]
    overrides: list[str] = Field(default_factory=list)
    samples: int | None = 1
    forward: bool = False
    entries: int = 0
    rows: list[SupportRow] = Field(default_factory=list)
    finished: bool = False
    environment: dict[str, Any] = Field(default_factory=dict)

    def cells(self) -> Iterator[tuple[SupportRow, str, OpSide, SupportCell]]:
        """Each cell with its row, its dtype, and which of both it is."""
        for row in self.rows:
            for dtype, kinds in row.dtypes.items():
                for kind in KINDS_OF_VALUES:
                    if kind in kinds:
                        yield row, dtype, kind, kinds[kind]

    def counts(self, dtype: str, kind: OpSide) -> Counter[str]:
        """How many cells of a dtype came to which outcome."""
        return Counter(str(cell.outcome) for _, of, which, cell in self.cells() if (of, which) == (dtype, kind))

    def exit_code(self) -> ExitCode:
        """As that of a sweep: what is bad decides; where all of it cannot be had, that does."""
        found = [cell.outcome for *_, cell in self.cells() if isinstance(cell.outcome, Outcome)]
        return code_of_all((one.exit_code for one in found if one.is_bad), found)


def read_matrix(path: Path) -> MatrixFile:
    """A `matrix.json`.

    Raises:
        StorageError: there is none, it is broken, or newer than this version reads.
    """
    return read_document(path, MatrixFile, MATRIX_VERSION, "support matrix")


COLUMNS_OF_CSV: Final = (
    "op",
    "source",
    "dtype",
    "kind",
    "outcome",
    "samples",
    "bad",
    "elements",
    "recipe",
    "reason",
    "on_cpu",
)


def csv_of(matrix: MatrixFile) -> str:
    """The matrix as CSV, a row a cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS_OF_CSV)
    for row, dtype, kind, cell in matrix.cells():
        counts = (cell.samples, cell.bad, cell.elements)
        writer.writerow(
            (
                *(safe_cell(row.name), row.source, dtype, kind, cell.outcome, *counts, cell.recipe),
                *(safe_cell(cell.reason), "" if cell.on_cpu is None else str(cell.on_cpu).lower()),
            )
        )
    return text.getvalue()
