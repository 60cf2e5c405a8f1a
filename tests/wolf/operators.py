"""PyTorch's operator database: each op alone, on its own samples, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import torch
from opdb.entries import ENTRIES
from opdb.exceptions import NOT_COVERED, REFUSED, UNWRITTEN, WAVERING

from tensorflow_free.support.database import dtypes_of, samples
from tensorflow_free.support.sample_calls import cases
from tensorflow_free.support.sample_recipes import recipe_of_sample
from tensorflow_free.support.translation import UntranslatableError
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.op_of_function import UnnamedError
from tests.wolf.cells import DTYPES, Cell

COMPLEX: Final = {"float64": torch.complex128, "float32": torch.complex64}
"""The complex dtypes, by the recipe's."""

LEFT_OUT: Final = NOT_COVERED.keys() | WAVERING.keys() | REFUSED.keys() | UNWRITTEN | {"as_strided.partial_views"}
"""Entries that no recipe covers, whose numbers nobody has written, that give other bits each time, or that read memory
beside their operand, which its float64 copy does not have."""


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th entry of the database, a few samples of each."""
    for name in [name for name in ENTRIES if name not in LEFT_OUT][::every]:
        for dtype in dtypes:
            for kind in (getattr(torch, dtype), COMPLEX.get(dtype)):
                if kind in dtypes_of(ENTRIES[name]):
                    yield from _of_entry(part, name, dtype, kind, tuple(overrides))


def _of_entry(part: str, name: str, dtype: str, kind: torch.dtype, overrides: tuple[str, ...]) -> Iterator[Cell]:
    word = word_of(kind)
    for position, sample in enumerate(samples(ENTRIES[name], kind, every=False)):
        case = next(cases(ENTRIES[name], sample))
        told = f"{name} {position}" + ("" if word == dtype else f" {word}")
        try:
            mapping = recipe_of_sample(case, kind)
        except (UnnamedError, UntranslatableError):
            continue
        if mapping is not None:
            yield Cell(part, told, dtype, mapping, overrides)
