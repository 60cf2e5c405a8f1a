"""Relations of a whole to its parts: rows alone, and parts of a dimension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch

from tensorflow_free.relations.changed_dimensions import NO_DIMENSION, NOT_SHOWN, TWICE, changed_dimensions
from tensorflow_free.relations.changed_runs import (
    GRADIENT,
    Asked,
    Ground,
    Rebuilt,
    UnrelatedError,
    cut,
    missing,
    plain_value,
    root_of,
)
from tensorflow_free.relations.targets import BY_A_STEP, Reduction, by_steps, reductions
from tensorflow_free.result.result import Result

FEW: Final = 4
"""Rows up to which each runs alone; of more, the first, the middle and the last do, and those between together."""


def batch(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Rows alone."""
    length = ground.length(asked.dimensions())
    bounds = range(length + 1) if length <= FEW else [0, 1, length // 2, length // 2 + 1, length - 1, length]
    yield _put_together(ground, asked, list(bounds), "on rows alone")


def chunk(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Parts of one size."""
    length = ground.length(asked.dimensions())
    sizes = {asked.told(name, "size", None) for name in asked.spec.of} - {None}
    size = min(sizes, default=(length + 1) // 2)
    bounds = [*range(0, length, size), length]
    yield _put_together(ground, asked, bounds, f"in parts of {size}")


def _put_together(ground: Ground, asked: Asked, bounds: Sequence[int], how: str) -> Rebuilt:
    """The values of runs on the parts between the bounds, put together."""
    dimensions = asked.dimensions()
    lengths = [end - begin for begin, end in pairwise(bounds)]
    if len(lengths) < 2:  # noqa: PLR2004 - a whole of one part is that part
        raise UnrelatedError(f"the dimension has the length {bounds[-1]}, and is one part")
    given = [cut(ground, dimensions, begin, length) for begin, length in zip(bounds, lengths, strict=False)]
    parts = [ground.run(one) for one in given]
    reduced = reductions(ground, ground.result, parts, lengths)
    if "mean" in reduced and not isinstance(reduced, str):
        shares = [[length / bounds[-1] if one == "mean" else 1.0 for one in reduced] for length in lengths]
        parts = [ground.run(one, gradients=each) for one, each in zip(given, shares, strict=True)]
    joining = _Joining(ground.result, parts, lengths, ground.below(dimensions), by_steps(ground), reduced, Rebuilt(how))
    for name in ground.names(asked):
        joining.join(name)
    return joining.rebuilt


@dataclass(frozen=True)
class _Joining:
    """Runs on parts being put together."""

    whole: Result
    parts: Sequence[Result]
    lengths: Sequence[int]
    below: set[str]
    by_steps: frozenset[str]
    reduced: list[Reduction] | str
    rebuilt: Rebuilt

    def join(self, name: str) -> None:
        """Put one value together, or say why it cannot be."""
        found = self._joined(name)
        if isinstance(found, torch.Tensor):
            self.rebuilt.values[name] = found
        else:
            self.rebuilt.left[name] = found

    def _joined(self, name: str) -> torch.Tensor | str:
        its = plain_value(self.whole.records.get(name))
        if its is None:
            return "it is not one plain tensor"
        pieces: list[torch.Tensor] = []
        for part in self.parts:
            if (piece := plain_value(part.records.get(name))) is None:
                return missing(part, name)
            pieces.append(piece)
        if root_of(name) in self.by_steps or (self.by_steps and name.endswith(GRADIENT)):
            return BY_A_STEP
        if name.endswith(GRADIENT) and isinstance(self.reduced, str):
            return self.reduced
        return self._put(name, its, pieces)

    def _put(self, name: str, its: torch.Tensor, pieces: Sequence[torch.Tensor]) -> torch.Tensor | str:
        """The pieces of a value one behind another; where they are no pieces, the sum of gradients."""
        total = sum(self.lengths)
        pairs = zip(pieces, self.lengths, strict=True)
        found = {changed_dimensions(its.shape, one.shape, (total, length)) for one, length in pairs}
        dimensions = found.pop()
        if found or dimensions is None:
            return NOT_SHOWN
        if dimensions:
            return torch.cat(list(pieces), dimensions[0]) if len(dimensions) == 1 else TWICE
        if root_of(name) in self.below or not name.endswith(GRADIENT):
            return NO_DIMENSION
        self.rebuilt.loose.add(name)
        return _sum(pieces)


def _sum(pieces: Sequence[torch.Tensor]) -> torch.Tensor:
    wide = torch.complex128 if pieces[0].is_complex() else torch.float64
    return torch.stack([one.to(wide) for one in pieces]).sum(0).to(pieces[0].dtype)
