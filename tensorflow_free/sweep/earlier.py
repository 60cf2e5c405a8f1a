"""What ran before, by cells: read from an earlier sweep, or from what `--json` printed; what must run now hangs on it.

Does not import torch.

Example:
    >>> from tensorflow_free import sweep_recipe
    >>> from tensorflow_free.sweep.earlier import earlier_at
    >>> sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32"], folder="multirun/old", n_jobs=1).run().is_well
    True
    >>> earlier_at("multirun/old").of("recipes/linear_autograd.yaml", ["dtype=float32"]).outcome
    'ok'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Final

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import read_file
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import ABSENT, BAD, Outcome
from tensorflow_free.outcome.reasons import OfNames
from tensorflow_free.outcome.sentences import words
from tensorflow_free.sweep.folder import CELLS, SweepFolder
from tensorflow_free.sweep.rows import Row, row_of

UNNAMED: Final = ("repeats", "judge", "must_run")
"""Keys of a recipe that say how a cell is judged: it is the same cell with another value of them."""

STOPPED: Final = frozenset({
    Outcome.MISSING, Outcome.STALE, Outcome.UNUSED, Outcome.NOTHING_COMPARED,
})  # fmt: skip
"""Outcomes of goldens that say nothing of whether a cell ran."""

WORDS: Final = {outcome.value: outcome for outcome in Outcome}
"""Outcomes by their words."""

CellKey = tuple[str, ...]


@dataclass(frozen=True)
class EarlierCell:
    """A cell that ran before, or could not.

    Attributes:
        recipe: its recipe file, as it was typed.
        overrides: its overrides.
        outcome: what became of it.
        exit_code: of a failed one, what its failure asks for.
    """

    recipe: str
    overrides: tuple[str, ...]
    outcome: Outcome
    exit_code: int | None = None

    @property
    def ran(self) -> bool:
        """Whether it ran to where there was something to judge."""
        code = self.exit_code or self.outcome.exit_code
        return self.outcome not in ABSENT | STOPPED and code in (ExitCode.OK, ExitCode.UNMET)


@dataclass(frozen=True)
class Earlier:
    """The cells of an earlier sweep.

    Attributes:
        path: where they were read, as it was typed.
        cells: each of them, by its recipe and its overrides.
    """

    path: str
    cells: dict[CellKey, EarlierCell]
    _names: dict[CellKey, EarlierCell] = field(init=False)
    _recipes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = {_key(PurePath(one.recipe).stem, one.overrides): one for one in self.cells.values()}
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_recipes", frozenset(one.recipe for one in self.cells.values()))

    def of(self, recipe: str, overrides: Iterable[str]) -> EarlierCell | None:
        """The cell of a recipe with these overrides, or None.

        A recipe that it does not have by its path, as on another machine, is looked for by the name of its file.
        """
        if recipe in self._recipes:
            return self.cells.get(_key(recipe, overrides))
        return self._names.get(_key(PurePath(recipe).stem, overrides))


def _key(recipe: str, overrides: Iterable[str]) -> CellKey:
    return (recipe, *sorted(one for one in overrides if one.lstrip("+~").split("=")[0].split(".")[0] not in UNNAMED))


def earlier_at(path: str | Path, cwd: str | Path = "") -> Earlier:
    """What ran before, as a sweep's folder, its `cells.jsonl`, or a file that `--json` printed has it.

    Args:
        path: the folder, or the file: of rows, or of what `recipe table --json`, `run-recipe -m --json` or
            `recipe verify --json` printed.
        cwd: the folder from which it is named.

    Raises:
        StorageError: it cannot be read, or holds no cells.
    """
    place = Path(cwd) / path
    try:
        found = list(_folder_cells(place) if place.is_dir() else _file_cells(place, read_file(place)))
    except OSError as error:
        raise StorageError(f"{path}: it cannot be read: {error.strerror or error}") from error
    if not found:
        raise StorageError(f"{path}: it has no cells; give the folder of a sweep, its {CELLS}, or what --json printed")
    return Earlier(str(path), {_key(one.recipe, one.overrides): one for one in found})


def _folder_cells(place: Path) -> Iterator[EarlierCell]:
    folder = SweepFolder(place)
    folder.document()
    return map(_of_row, folder.rows())


def _file_cells(place: Path, content: bytes) -> Iterator[EarlierCell]:
    if place.suffix == ".jsonl":
        for number, line in enumerate(content.splitlines(), 1):
            try:
                yield _of_row(row_of(line))
            except ValueError as error:
                raise StorageError(f"{place}:{number}: it is no row of a sweep") from error
        return
    try:
        document = json.loads(content)
        for one in document.get("rows") or document.get("verifications") or ():
            yield _of_json(one)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"{place}: it is not what --json prints of a sweep or of recipe verify") from error


def _of_row(row: Row) -> EarlierCell:
    return EarlierCell(row.recipe, tuple(row.overrides), row.outcome, row.exit_code)


def _of_json(one: dict[str, Any]) -> EarlierCell:
    return EarlierCell(str(one["recipe"]), tuple(one["overrides"]), WORDS[one["outcome"]], one.get("exit_code"))


def ran_before(recipe: str, overrides: Iterable[str], outcome: Outcome, earlier: Sequence[Earlier]) -> OfNames | None:
    """Why a cell that cannot run here must: it ran before. None where that is not so.

    Args:
        recipe: its recipe file.
        overrides: its overrides.
        outcome: what became of it now.
        earlier: what ran before.
    """
    if outcome not in ABSENT:
        return None
    texts = tuple(overrides)
    for one in earlier:
        before = one.of(recipe, texts)
        if before is not None and before.ran:
            return OfNames(code="ran before in", name=one.path, other=outcome)
    return None


def held_to(row: Row, earlier: Sequence[Earlier]) -> Row:
    """A row whose cell failed where it cannot run here, and ran before."""
    why = ran_before(row.recipe, row.overrides, row.outcome, earlier)
    if why is None:
        return row
    causes = [*row.causes, why]
    told = {"reason": "\n".join(map(words, causes)), "causes": causes}
    return row.model_copy(update={"outcome": Outcome.FAILED, "exit_code": ExitCode.STEP_FAILED, **told})


def is_bad(cell: EarlierCell) -> bool:
    """Whether it failed its sweep."""
    return cell.outcome in BAD
