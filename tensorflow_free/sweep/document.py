"""`sweep.json`: what a sweep is, so that it can be resumed, or read on another machine. Does not import torch.

Example:
    >>> from pathlib import Path
    >>> from tensorflow_free import sweep_recipe
    >>> from tensorflow_free.sweep.document import SweepDocument
    >>> sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32,float64"], folder="multirun/read").create()
    >>> text = Path("multirun/read/sweep.json").read_text(encoding="utf-8")
    >>> document = SweepDocument.model_validate_json(text)
    >>> document.cells, document.axes[0].key, document.finished
    (2, 'dtype', False)
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from tensorflow_free.composition.compose import merged_files, real_path
from tensorflow_free.composition.override_texts import override_of_file
from tensorflow_free.composition.overrides import Axis, Override
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import Place, Problem, RecipeError, refuse_any
from tensorflow_free.files.opening import read_file
from tensorflow_free.outcome.outcomes import CellOutcome
from tensorflow_free.sweep.cells import Cells, refuse_outside
from tensorflow_free.sweep.matrix import Matrix, SweptRecipe
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.phrases import seen_from_here
from tensorflow_free.version import VERSION

SWEEP_VERSION: Final = 2
"""The version of the schema of `sweep.json`."""

MOST_NAMED: Final = 12
"""Keys that are named of those that differ."""


OverrideText = Annotated[
    Override,
    PlainValidator(override_of_file),
    PlainSerializer(lambda override: override.text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""An override, which is its text in a file."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore")


class RecipeOfSweep(_Model):
    """A recipe of a sweep.

    Attributes:
        path: its file, as it was typed.
        cases: the overrides that choose its cases.
        capabilities: `settings.cpu_capability` of each case, which a worker needs from its start; None where not set.
        digest: the SHA-256 of `text`.
        text: all that it said when the sweep began, its defaults merged.
    """

    path: str
    cases: list[OverrideText] = Field(default_factory=list)
    capabilities: list[str | None] = [None]
    digest: str
    text: str

    @model_validator(mode="after")
    def _whole(self) -> RecipeOfSweep:
        if len(self.capabilities) != max(1, len(self.cases)):
            message = f"{len(self.capabilities)} capabilities do not fit {len(self.cases)} cases"
            raise ValueError(message)
        return self


class AxisOfSweep(_Model):
    """An override with its values.

    Attributes:
        key: the key that varies; None of an override that does not.
        texts: an override for each value.
        is_range: whether the values are numbers in order.
    """

    key: str | None
    texts: list[OverrideText] = Field(min_length=1)
    is_range: bool = False

    @property
    def typed(self) -> str:
        """The override with all of its values, as a person types it."""
        first, *others = self.texts
        return ",".join([first.text, *(one.value_text for one in others)])


def gives_options(override: Override) -> bool:
    """Whether an override gives options of a compiler, which a person is trusted with as a file is not."""
    value = override.value if isinstance(override.value, Mapping) else {}
    return override.parts[:2] == ("backend", "options") or (override.parts == ("backend",) and "options" in value)


class FileOfSweep(_Model):
    """A file that a sweep depends on.

    Attributes:
        path: its path.
        digest: the SHA-256 of what it held when the sweep began.
    """

    path: str
    digest: str


class LauncherOfSweep(_Model):
    """How the cells are run.

    Attributes:
        name: what runs them: `workers`, or a launcher of Hydra's.
        n_jobs: worker processes in all; None for one a core, and one for each device that cells ask for.
        cell_timeout_s: seconds that a cell may take.
        fail_fast: whether the first bad cell ends the sweep.
        max_memory_gib: GiB that a cell may take; None for no limit.
    """

    name: str = "workers"
    n_jobs: int | None = None
    cell_timeout_s: float
    fail_fast: bool = False
    max_memory_gib: float | None = None


class SweepDocument(_Model):
    """The content of `sweep.json`.

    Attributes:
        schema_version: the version of this schema.
        tensorflow_free: the version of this package that began it.
        arguments: what was typed, or what stands for it.
        cwd: the folder from which recipes and ops are named.
        recipes: its recipes.
        axes: what varies.
        by_case: whether cases vary.
        cells: how many cells it has.
        folders: the name of each cell's folder, where it is not its number.
        keeps: whether cells keep their results in folders of their own.
        chosen: whether another sweeper chose the cells as it went; such a sweep cannot be resumed.
        strict: whether a cell fails it of which not everything could be judged.
        must_run: sweeps, or files, with cells that must run since they ran there.
        against: an earlier sweep that it is held against; empty for none.
        pack: the pack whose cells it has, as it was typed; such a sweep cannot be resumed.
        launcher: how the cells are run.
        ops: the Python files with the user's own ops.
        devices: the devices that cells ask for, as far as they are known beforehand.
        reference: what cells are compared with, in words.
        environment: that of the first worker.
        outcomes: how many cells came out how; filled when the sweep ends.
        values: how many values its cells have, judged or not; filled when the sweep ends, and so are the next two.
        unjudged: how many of them could not be judged.
        vacuous: how many could not have failed, as more was allowed than the value itself.
        finished: whether every cell has a row.
        well: whether all is well; None until the sweep ends.
        exit_code: what `run-recipe -m` ended with; None until the sweep ends.
    """

    schema_version: int = SWEEP_VERSION
    tensorflow_free: str = VERSION
    arguments: list[str] = Field(default_factory=list)
    cwd: str
    recipes: list[RecipeOfSweep]
    axes: list[AxisOfSweep] = Field(default_factory=list)
    by_case: bool = False
    cells: int
    folders: list[Annotated[str, AfterValidator(refuse_outside)]] = Field(default_factory=list)
    keeps: bool = True
    chosen: bool = False
    strict: bool = False
    must_run: list[str] = Field(default_factory=list)
    against: str = ""
    pack: str = ""
    launcher: LauncherOfSweep
    ops: list[FileOfSweep] = Field(default_factory=list)
    devices: list[str] = Field(default_factory=list)
    reference: str = ""
    environment: dict[str, Any] | None = None
    outcomes: dict[CellOutcome, int] = Field(default_factory=dict)
    values: int = 0
    unjudged: int = 0
    vacuous: int = 0
    finished: bool = False
    well: bool | None = None
    exit_code: int | None = None

    @model_validator(mode="after")
    def _whole(self) -> SweepDocument:
        if self.folders and len(self.folders) != len(self.all_cells()):
            message = f"{len(self.folders)} folders do not fit {len(self.all_cells())} cells"
            raise ValueError(message)
        return self

    @property
    def torch(self) -> str:
        """The version of torch with which it began; empty where no worker has been ready yet."""
        return str((self.environment or {}).get("torch", ""))

    @property
    def earlier(self) -> list[str]:
        """What names cells that must run, since they ran there."""
        return [*self.must_run, *([self.against] if self.against else [])]

    def matrix(self) -> Matrix:
        """What the sweep varies."""
        return Matrix(
            tuple(SweptRecipe(one.path, tuple(one.cases), tuple(one.capabilities)) for one in self.recipes),
            tuple(Axis(one.key, tuple(one.texts), one.is_range) for one in self.axes),
            by_case=self.by_case,
        )

    def all_cells(self) -> Cells:
        """Its cells, each made when it is asked for."""
        return Cells(self.matrix(), self.folders)

    @property
    def options(self) -> list[Override]:
        """The overrides that give options of compilers."""
        return [one for axis in self.axes for one in axis.texts if gives_options(one)]

    def trust(self, texts: Collection[str]) -> None:
        """Trust the overrides with these texts, which a person has typed again: what a folder holds is data."""
        for axis in self.axes:
            axis.texts = [replace(one, trusted=True) if one.text in texts else one for one in axis.texts]

    def resume_command(self, folder: str | Path) -> str:
        """The command that resumes the sweep in `folder`; files of ops and options of compilers are typed again."""
        files = [str(seen_from_here(Path(self.cwd) / file.path)) for file in self.ops]
        ops = [word for file in files for word in ("--ops", file)]
        options = [axis.typed for axis in self.axes if gives_options(axis.texts[0])]
        return command_of(["run-recipe", "--resume", str(folder), *options, *ops])

    def left_words(self, ran: int, folder: str | Path) -> str:
        """How many of its cells have not run, and how they can; empty where all have.

        Args:
            ran: how many have.
            folder: that of the sweep.
        """
        if ran >= self.cells:
            return ""
        again = "check the pack in again" if self.pack else f"resume with {self.resume_command(folder)}"
        return f"{self.cells - ran:,} of {self.cells:,} cells have not run{'' if self.chosen else f'; {again}'}"

    def refuse_changes(self) -> None:
        """See that nothing that the sweep depends on has changed since it began.

        Raises:
            RecipeError: a recipe says something else now, with the keys that differ; or a file of ops does.
        """
        problems = [problem for recipe in self.recipes for problem in _changes(recipe, Path(self.cwd))]
        for file in self.ops:
            if digest_of_file(Path(self.cwd) / file.path) != file.digest:
                message = "this file of ops has changed since the sweep began; put it back, or begin a new sweep"
                problems.append(Problem(Place(file=file.path), message))
        refuse_any(problems)


def recipe_of_sweep(recipe: SweptRecipe, cwd: Path) -> RecipeOfSweep:
    """A recipe with all that it says now."""
    text = _text(recipe.path, cwd)
    return RecipeOfSweep(
        path=recipe.path,
        cases=list(recipe.cases),
        capabilities=list(recipe.capabilities),
        digest=_digest(text.encode()),
        text=text,
    )


def axis_of_sweep(axis: Axis) -> AxisOfSweep:
    """An axis as `sweep.json` holds it."""
    return AxisOfSweep(key=axis.key, texts=list(axis.overrides), is_range=axis.is_range)


def _text(path: str, cwd: Path) -> str:
    mapping, _ = merged_files(real_path(cwd / path), path)
    return dump_yaml(mapping)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file; of nothing where it cannot be read, which whoever reads it will tell."""
    try:
        return _digest(read_file(path))
    except OSError:
        return _digest(b"")


def _changes(recipe: RecipeOfSweep, cwd: Path) -> Iterator[Problem]:
    """What a recipe's file says otherwise now."""
    try:
        now = _text(recipe.path, cwd)
    except RecipeError as error:
        yield from error.problems
        return
    if _digest(now.encode()) == recipe.digest:
        return
    before, after = read_yaml(recipe.text, recipe.path), read_yaml(now, recipe.path)
    keys = list(_differing(before, after))
    named = ", ".join(keys[:MOST_NAMED]) + (f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else "")
    what = f"'{named}' differs" if len(keys) == 1 else f"these differ: {named}"
    message = f"the recipe has changed since the sweep began; {what}; put it back, or begin a new sweep"
    yield Problem(Place(file=recipe.path), message)


def _differing(before: Any, after: Any, above: str = "") -> Iterator[str]:
    """The dotted keys at which two mappings differ; where the order of keys does, the key above them."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if dump_yaml(before) != dump_yaml(after):
            yield above
        return
    found = False
    for key in dict.fromkeys([*before, *after]):
        dotted = f"{above}.{key}" if above else str(key)
        if key not in before or key not in after:
            found = True
            yield dotted
            continue
        for one in _differing(before[key], after[key], dotted):
            found = True
            yield one
    if not found and list(before) != list(after):
        yield f"{above or 'the file'} (the order of its keys)"
