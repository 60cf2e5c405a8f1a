"""The models of `STEM.golden.json`. Does not import torch or touch files.

GoldenFile
└── cases: GoldenCase            by the case's name; '' is the bare file
    ├── made: Made
    ├── starts: Numbers          a starting tensor each
    └── values: GoldenValue      a value or a gradient each
        ├── noise: RecordedNoise by recipe dtype
        └── leeway: RecordedLeeway by recipe dtype

Example:
    >>> from pathlib import Path
    >>> from tensorflow_free.golden.model import GoldenFile
    >>> text = Path("recipes/linear_autograd.golden.json").read_text(encoding="utf-8")
    >>> case = GoldenFile.model_validate_json(text).cases[""]
    >>> [(one.name, one.value) for one in case.values if one.kind == "step"]
    [('wx', 2.0), ('y', 5.0)]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic.dataclasses import dataclass

from tensorflow_free.judging.noise import Noise
from tensorflow_free.result.model import StartsFrom

FORMAT_VERSION: Final = 2
"""The version of a golden; it grows when a reader of the older one would misread the newer. 1 has no leeway, and is
written where no case has any."""

EXACT_DTYPE: Final = "float64"
"""The dtype of a golden."""

BARE: Final = ""
"""The name under which the recipe stands as its file says it, without a case."""

ValueMark = Literal["dtype-dependent", "random"]
"""Why only a value's shape and dtype are judged: it differs between dtypes, or comes after a random step."""


class GoldenModel(BaseModel):
    """What all models of a golden share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Made(GoldenModel):
    """What the numbers depended on besides the recipe; nothing that another recording on the machine would change.

    Attributes:
        tensorflow_free: the version of this package.
        torch: the version of torch.
        cpu: the processor's name.
        capability: the instructions that torch's kernels used.
        num_threads: threads that one op might use.
        settings: the recipe's settings.
    """

    tensorflow_free: str
    torch: str
    cpu: str
    capability: str
    num_threads: int
    settings: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RecordedNoise(Noise):
    """The noise of a value in one recipe dtype: of an eager run from the golden's starting tensors, rounded to it.

    Attributes:
        dtype: the value's own dtype, where it is not the recipe's.
        shape: the value's shape, where it is not the golden's.
    """

    dtype: str | None = None
    shape: list[int] | None = None


_Size = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RecordedLeeway(GoldenModel):
    """How far rounding to a recipe dtype may take the numbers of a value, before they are rounded themselves.

    With r a number of the golden and K that of the dtype, a run may be K * (eps * |r| + leeway) away. It is what nudged
    runs moved it by, and what rounding the starting tensors does.

    Attributes:
        moved: the root mean square of how far the nudged runs took the numbers; not of float64, which has no baseline.
        most: the largest leeway of a number, in the value's unit; that of all, where there are no levels.
        least: the smallest that is not 0, where the numbers differ in it.
        levels: that of each number, in row-major order, as a hexadecimal digit; 0 is none, and from 1 to f it grows
            from `least` to `most` by equal factors. Where the numbers are many, the value's `levels` name them.
        over: how many times what rounding explains the eager run was away when this was recorded, where it was.
        runs: how many nudged runs told of it, where they were too few to judge by; there is only noise, then.
    """

    moved: _Size = 0.0
    most: _Size = 0.0
    least: _Size | None = None
    levels: str | None = Field(None, pattern="^[0-9a-f]+$")
    over: float = Field(0.0, ge=0)
    runs: int | None = None


class Part(GoldenModel):
    """One plain array.

    Attributes:
        dtype: its dtype.
        shape: the length of each dimension.
        value: its numbers, as nested lists, where they are few.
        stored: else the name under which the safetensors file holds them.
    """

    dtype: str
    shape: list[int]
    value: Any = None
    stored: str | None = None


class Numbers(GoldenModel):
    """A tensor, or another value of a run.

    A plain tensor's numbers are in `value`, as nested lists, where they are few, else under the name `stored` in the
    safetensors file; a complex number is [re, im]. A tensor that is no plain array has `parts`. Where a tensor has
    none of the three, it lay on the device `meta` and had no numbers. A value that is no tensor is in `value`, and
    `type` says what it is; one that no file can hold has its type alone.
    """

    name: str
    type: str = "tensor"
    dtype: str | None = None
    shape: list[int] | None = None
    layout: str = "strided"
    value: Any = None
    stored: str | None = None
    parts: dict[str, Part] = Field(default_factory=dict)

    def stored_names(self) -> Iterator[str]:
        """The names in the safetensors file that hold it."""
        if self.stored is not None:
            yield self.stored
        for part in self.parts.values():
            if part.stored is not None:
                yield part.stored


class GoldenValue(Numbers):
    """A value or a gradient of the float64 run, how far the eager run in each dtype is from it, and how far it may be.

    Attributes:
        kind: as of an entry of `result.json`: `step`, `gradient`, ….
        op: the op that gave it.
        noise: how far an eager CPU run in a recipe dtype is from it, by that dtype.
        leeway: how far rounding to a recipe dtype may take it, by that dtype; nowhere, where it does not stand in it.
        levels: the name under which the safetensors file holds the levels of its leeways, a row for each that has
            `least`, two in a byte.
        mark: why only its shape and dtype are judged; None where its numbers are.
    """

    kind: str
    op: str | None = None
    noise: dict[str, RecordedNoise] = Field(default_factory=dict)
    leeway: dict[str, RecordedLeeway] = Field(default_factory=dict)
    levels: str | None = None
    mark: ValueMark | None = None

    def stored_names(self) -> Iterator[str]:
        """The names in the safetensors file that hold it and its levels."""
        yield from super().stored_names()
        if self.levels is not None:
            yield self.levels


class GoldenCase(GoldenModel):
    """What one case of a recipe gave.

    Attributes:
        digest: the SHA-256 of what of the recipe changes numbers; where it differs, the golden is stale.
        made: what the numbers depended on besides the recipe.
        nudged_runs: how many runs told the leeways; None in a golden of format 1, in which there is only noise.
        unsupported: why the recipe does not run in a dtype, by that dtype.
        unmet: the expectations that did not hold in a dtype when it was recorded, by that dtype, which is not the
            recipe's own.
        starts: the starting tensors.
        values: the values and gradients.
        starts_from: the saved run whose starting tensors they are; None where the recipe made them.
    """

    digest: str
    made: Made
    nudged_runs: int | None = None
    unsupported: dict[str, str] = Field(default_factory=dict)
    unmet: dict[str, list[str]] = Field(default_factory=dict)
    starts: list[Numbers] = Field(default_factory=list)
    values: list[GoldenValue] = Field(default_factory=list)
    starts_from: StartsFrom | None = None

    def stored_names(self) -> Iterator[str]:
        """The names in the safetensors file that hold its numbers."""
        for one in (*self.starts, *self.values):
            yield from one.stored_names()


class GoldenFile(GoldenModel):
    """The whole of `STEM.golden.json`.

    Attributes:
        format_version: the version of this format.
        recipe: the recipe's name: the stem of its file.
        device: the device that it is for, where it is for one alone.
        cases: what each case gave, by its name; '' is the recipe without a case.
    """

    format_version: int = Field(ge=1, le=FORMAT_VERSION)
    recipe: str
    device: str | None = None
    cases: dict[str, GoldenCase]

    _path: Path = PrivateAttr(default_factory=Path)
    _recipe_path: Path = PrivateAttr(default_factory=Path)

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return self._path

    @property
    def recipe_path(self) -> Path:
        """The recipe that it was read for."""
        return self._recipe_path

    def read_from(self, path: Path, recipe_path: Path) -> None:
        """Keep the file that it was read from, and the recipe that it was read for."""
        self._path = path
        self._recipe_path = recipe_path

    def stored_names(self) -> set[str]:
        """The names that the safetensors file beside it holds."""
        return {name for case in self.cases.values() for name in case.stored_names()}
