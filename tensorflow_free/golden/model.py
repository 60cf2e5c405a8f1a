"""The models of `STEM.golden.json`. Knows pydantic, and neither torch nor files.

GoldenFile
└── cases: GoldenCase            by the case's name; '' is the bare file
    ├── made: Made
    ├── starts: Numbers          a starting tensor each
    └── values: GoldenValue      a value or a gradient each
        └── noise: RecordedNoise by recipe dtype
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic.dataclasses import dataclass

from tensorflow_free.judging.noise import Noise

FORMAT_VERSION: Final = 1
"""The version of a golden; it grows when a reader of the older one would misread the newer."""

BARE: Final = ""
"""The name under which the recipe stands as its file says it, without a case."""

ValueMark = Literal["dtype-dependent", "random"]
"""Why only a value's shape and dtype are judged: it differs between dtypes, or comes after a random step."""


class GoldenModel(BaseModel):
    """What all models of a golden share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Made(GoldenModel):
    """What the numbers depended on besides the recipe; nothing that another recording on the machine would change."""

    tensorflow_free: str
    torch: str
    cpu: str
    capability: str
    num_threads: int
    settings: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RecordedNoise(Noise):
    """The noise of a value in one recipe dtype: of an eager run from the golden's starting tensors, rounded to it.

    `dtype` is the value's own, where it is not the recipe's; `shape` where it is not the golden's.
    """

    dtype: str | None = None
    shape: list[int] | None = None


class Part(GoldenModel):
    """One plain array: its numbers, or the name under which the safetensors file holds them."""

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
    """A value or a gradient of the float64 run, and how far each dtype may stand from it."""

    kind: str
    op: str | None = None
    noise: dict[str, RecordedNoise] = Field(default_factory=dict)
    mark: ValueMark | None = None


class GoldenCase(GoldenModel):
    """What one case of a recipe gave.

    `unsupported` says why the recipe does not run in a dtype, by that dtype; `unmet` names the expectations that did
    not hold in a dtype when it was recorded, other than the recipe's own.
    """

    digest: str
    made: Made
    unsupported: dict[str, str] = Field(default_factory=dict)
    unmet: dict[str, list[str]] = Field(default_factory=dict)
    starts: list[Numbers] = Field(default_factory=list)
    values: list[GoldenValue] = Field(default_factory=list)

    def stored_names(self) -> Iterator[str]:
        """The names in the safetensors file that hold its numbers."""
        for one in (*self.starts, *self.values):
            yield from one.stored_names()


class GoldenFile(GoldenModel):
    """The whole of a golden's json: the recipe's stem, the device where it is for one alone, and the cases."""

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
