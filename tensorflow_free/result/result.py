"""What a run gives: values, gradients, verdicts and what they depended on."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tensorflow_free.files.opening import FileRead
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.plan.left_out import LeftOut
from tensorflow_free.process.garbage import uncollected
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.result.entries import entries_of
from tensorflow_free.result.environment import environment_of
from tensorflow_free.result.model import CompilerRun, Entry, Environment, RunFile, StartsFrom, Timings, Verdict, Warned
from tensorflow_free.result.run_value import Record
from tensorflow_free.result.writing import RunFolder
from tensorflow_free.tensors.saved_starts import SavedStarts
from tensorflow_free.text.faces import Shown, maker
from tensorflow_free.text.phrases import counted


@dataclass(repr=False)
class Result(Shown):
    """What a run gave.

    Index it by name: `result["y"]`, `result["w.grad"]`, `result["qr.Q"]`.

    Attributes:
        recipe: the recipe that ran.
        records: every recorded value by its name, as it stood, with what detaching it loses.
        expectations: a verdict on each thing that the recipe expects.
        error: the step that failed; None where none did.
        environment: what the numbers depended on besides the recipe; None of a result that was made by hand.
        timings: wall-clock seconds of the parts of the run.
        warnings: torch's warnings, each with the step that raised it.
        name: the recipe's name: the stem of its file.
        files: the files that the recipe read, of which `save` writes copies.
        ops: the files of the user's own ops that it needs.
        rounds: how many rounds were done of each `repeat` around the step that failed, from the outermost in; not kept
            on disk.
        starts: the starting tensors of the saved run that it began from; of a result that is read, whose they were.
        left_out: of a run that is forward only, what needs gradients; None of any other.
        compiled: what the compiler really ran; None of an eager run.

    Shape:
        A tensor has the shape and dtype that PyTorch gave it; it is detached, and on the CPU. A gradient has the shape
        and dtype of its value, and is None where autograd gave none.

    Example:
        >>> from tensorflow_free import load_recipe, run_recipe
        >>> result = run_recipe(load_recipe("recipes/linear_autograd.yaml"))
        >>> list(result)
        ['x', 'w', 'b', 'wx', 'y', 'w.grad', 'wx.grad', 'y.grad']
        >>> result["w.grad"], result.is_well
        (tensor(1.), True)
    """

    recipe: Recipe
    records: MutableMapping[str, Record]
    expectations: list[Verdict] = field(default_factory=list)
    error: StepFailed | None = None
    environment: Environment | None = None
    timings: Timings = field(default_factory=Timings)
    warnings: list[Warned] = field(default_factory=list)
    name: str = "recipe"
    files: tuple[FileRead, ...] = ()
    ops: tuple[str, ...] = ()
    rounds: tuple[int, ...] = ()
    starts: SavedStarts | None = None
    left_out: LeftOut | None = None
    compiled: CompilerRun | None = None

    @property
    def is_well(self) -> bool:
        """Whether everything ran, and everything expected holds."""
        ran = self.error is None or self.error.expected
        return ran and all(verdict.is_well for verdict in self.expectations)

    @property
    def unmet(self) -> list[Verdict]:
        """The expectations that do not hold, and are not known to."""
        return [one for one in self.expectations if one.outcome == Outcome.FAILS]

    @property
    def has_failed(self) -> bool:
        """Whether a step failed that was not expected to."""
        return self.error is not None and not self.error.expected

    def __getitem__(self, name: str) -> Any:
        """The value of this name.

        Raises:
            KeyError: the run has no value of this name.
        """
        record = self.records.get(name)
        if record is None:
            if name.endswith(".grad") and name.removesuffix(".grad") in self.records:
                return None
            if self.left_out is not None and self.left_out.has(name):
                raise KeyError(f"'{name}' needs gradients, and this run is forward only")
            raise KeyError(f"'{name}' is not a value of this run{did_you_mean(name, self.records)}")
        value = record.value
        return value.cpu() if isinstance(value, torch.Tensor) and not value.is_meta else value

    def __contains__(self, name: object) -> bool:
        return name in self.records

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def keys(self) -> Iterator[str]:
        """The names of all values."""
        return iter(self.records)

    def items(self) -> Iterator[tuple[str, Any]]:
        """The names of all values, each with its value, as indexing gives it."""
        return ((name, self[name]) for name in self.records)

    def __repr__(self) -> str:
        state = "well" if self.is_well else "not well" if self.error is None else f"stopped at '{self.error.step}'"
        return f"<Result {self.recipe.cell_of(self.name)}: {counted(len(self), 'value')}, {state}>"

    def to_dataframe(self) -> Any:
        """The values as a data frame of pandas: a row for each, gradients among them, in the order of the steps.

        Its columns are `name`, `kind` (`tensor`, `step`, `gradient`, `check`), `op`, `dtype`, `shape` (a tuple; missing
        where it is no tensor), `elements`, `value` (of what is one real number), `min`, `max` and `mean` of the finite
        numbers (of complex ones, of their distances from zero), `nan` and `inf` (how many there are), `requires_grad`,
        `grad_fn`, and `words`, the value in a few words.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> from tensorflow_free import load_recipe, run_recipe
            >>> frame = run_recipe(load_recipe("recipes/linear_autograd.yaml")).to_dataframe()
            >>> frame[frame.kind == "gradient"][["name", "value"]].values.tolist()
            [['w.grad', 1.0], ['wx.grad', 1.0], ['y.grad', 1.0]]
        """
        return maker("frames").frame_of_result(self)

    def plot(self, name: str, *, ax: Any = None) -> Any:
        """Draw a value: two dimensions as a heat map, one as a line, what is larger or has more as a histogram.

        Dimensions of length 1 do not count. Of complex numbers the distances from zero are drawn. What is NaN or
        infinite is marked, and counted in the legend.

        Args:
            name: the name of the value: `y`, `w.grad`.
            ax: the axes of matplotlib to draw in; by default new ones.

        Returns:
            The axes.

        Raises:
            ImportError: matplotlib is not installed.
            KeyError: the run has no value of this name.
            ValueError: the value has no numbers.

        Example:
            >>> from tensorflow_free import load_recipe, run_recipe
            >>> recipe = {"tensors": {"x": [[1.0, 2.0]]}, "steps": {"y": "x.mT @ x"}}
            >>> run_recipe(load_recipe(recipe)).plot("y").get_title()
            'y [2, 2]'
        """
        return maker("plots").plot_of_value(self, name, ax)

    def save(self, folder: str | Path) -> Path:
        """Write `result.json`, `tensors.safetensors` and `recipe.yaml` to a folder; files appear whole or not at all.

        Files of an earlier result in this folder are replaced; `run-recipe` refuses a folder that holds something.

        Args:
            folder: the folder, which is made where it is not there.

        Returns:
            The folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        return self.on_disk().write(Path(folder))

    def on_disk(self) -> RunFolder:
        """What a folder holds of it."""
        with uncollected():
            entries, arrays = entries_of(self.records.values())
        return RunFolder(self._document(entries), arrays, self.recipe, self.files, self.ops, self.starts)

    def _document(self, entries: list[Entry]) -> RunFile:
        recipe = self.recipe
        return RunFile(
            recipe=self.name,
            description=recipe.description,
            device=recipe.device,
            dtype=recipe.dtype,
            backend=recipe.backend.name,
            case=recipe.case,
            seed=recipe.seed,
            well=self.is_well,
            values=entries,
            expectations=self.expectations,
            error=self.error,
            environment=self.environment or environment_of(torch.get_num_threads()),
            timings=self.timings,
            warnings=self.warnings,
            starts=None if self.starts is None else StartsFrom(recipe=self.starts.name, digest=self.starts.digest),
            left_out=self.left_out,
            compiled=self.compiled,
            parts=recipe.parts,
        )
