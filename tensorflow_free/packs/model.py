"""The model of `pack.json`: which cells a pack holds, and each of its files. Does not import torch.

cells.zip
├── pack.json
├── 0/RECIPE.yaml                   the composed recipe of a cell
├── 0/RECIPE.golden.json            its float64 values, their noise and leeways
├── 0/RECIPE.golden.safetensors     those that are large
├── 0/inputs/x.safetensors          its starting tensors
└── 1/…
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tensorflow_free.text.characters import is_printable

PACK: Final = "pack.json"
"""The file of a pack that tells of the others."""

PACK_VERSION: Final = 1
"""The version of a pack; it grows when a reader of the older one would misread the newer."""

MOST_CELLS: Final = 10_000
"""Cells of a pack."""

_STEM: Final = r"[^./\\:\x00-\x1f][^/\\:\x00-\x1f]{0,150}"
_NAME: Final = re.compile(
    rf"(?:0|[1-9][0-9]{{0,4}})/(?:{_STEM}(?:\.yaml|\.golden\.json|\.golden\.safetensors)|inputs/{_STEM}\.safetensors)"
)
_RECIPE: Final = re.compile(rf"(?:0|[1-9][0-9]{{0,4}})/{_STEM}\.yaml")


def is_name(name: str) -> bool:
    """Whether a file of a pack may be called so: it is one that packs have, and lies nowhere else."""
    return name == PACK or (_NAME.fullmatch(name) is not None and is_printable(name))


def _recipe_of_pack(name: str) -> str:
    if _RECIPE.fullmatch(name) is None or not is_printable(name):
        message = f"'{name}' is not a recipe in a pack"
        raise ValueError(message)
    return name


def _shown(text: str) -> str:
    if not is_printable(text):
        message = f"{text!r} has characters that cannot be shown"
        raise ValueError(message)
    return text


_Text = Annotated[str, Field(max_length=10_000), AfterValidator(_shown)]


class _PackModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackedFile(_PackModel):
    """One file of a pack.

    Attributes:
        size: the bytes that it holds.
        sha256: their digest.
    """

    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class PackedCell(_PackModel):
    """One cell of a pack.

    Attributes:
        recipe: its recipe's file in the pack: `0/rms_norm.yaml`. The cell's overrides are merged into it.
        overrides: these overrides, as texts, for people and for `recipe compare`.
        axes: of what varies in the pack, the key and this cell's value.
        capability: the `settings.cpu_capability` that it asks for.
        reference: what its values are, where that is not float64 of its own recipe: `steps.act.op=F.silu`.
    """

    recipe: Annotated[str, AfterValidator(_recipe_of_pack)]
    overrides: list[_Text] = Field(default_factory=list)
    axes: list[tuple[_Text, _Text]] = Field(default_factory=list)
    capability: _Text | None = None
    reference: _Text = ""


class PackFile(_PackModel):
    """The whole of `pack.json`.

    Attributes:
        schema_version: the version of this schema.
        tensorflow_free: the version of this package that made it.
        torch: the version of torch that made its numbers.
        cpu_capability: the instructions that torch's kernels used.
        ops: ops of the user's own that its recipes need.
        cells: its cells.
        files: every other file of the pack, by name.
    """

    schema_version: int = PACK_VERSION
    tensorflow_free: _Text
    torch: _Text
    cpu_capability: _Text
    ops: list[_Text] = Field(default_factory=list)
    cells: list[PackedCell] = Field(min_length=1, max_length=MOST_CELLS)
    files: dict[str, PackedFile]
