"""How bad a run is, from its numbers alone: its errors beside those of eager PyTorch, both from float64.

The judge has no part in it. All three runs start from the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from tensorflow_free.result.result import Result

NONE: Final = 0.0


@dataclass(frozen=True, slots=True)
class Badness:
    """How bad a run is.

    Attributes:
        ratio: the largest of its values' and gradients' ratios: the root mean square of its errors beside that of eager
            PyTorch's, or its largest error beside eager PyTorch's largest. Eager PyTorch's is at least half an ulp of the value's
            root mean square, so that a lucky zero makes nothing infinite.
        value: the value or gradient with that ratio.
        other: a value with whole numbers, truth values, NaN or infinities other than eager PyTorch's; empty for none.
    """

    ratio: float
    value: str
    other: str


def badness(run: Result, eager: Result, exact: Result) -> Badness:
    """How bad a run is beside eager PyTorch's in the same dtype and the float64 run of both."""
    worst, value, other = NONE, "", ""
    for name, mine, its, true in _common(run, eager, exact):
        if _is_other(mine, its):
            other = other or name
        if mine.shape == its.shape == true.shape and (mine.is_floating_point() or mine.is_complex()):
            ratio = _ratio(mine, its, true)
            if ratio > worst:
                worst, value = ratio, name
    return Badness(worst, value, other)


def _common(run: Result, eager: Result, exact: Result) -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
    for name in run.records:
        if name in eager.records and name in exact.records:
            found = [_tensor(one.records[name].value) for one in (run, eager, exact)]
            if all(one is not None for one in found):
                yield (name, *found)


def _tensor(value: Any) -> Tensor | None:
    if isinstance(value, (bool, int, float)):
        return torch.tensor(value)
    return value.detach() if isinstance(value, Tensor) and value.numel() else None


def _is_other(mine: Tensor, its: Tensor) -> bool:
    """Whether whole numbers, truth values, NaN or infinities differ in any element."""
    if mine.shape != its.shape or mine.dtype != its.dtype:
        return True
    if not mine.is_floating_point() and not mine.is_complex():
        return not torch.equal(mine, its)
    left, right = _parts(mine), _parts(its)
    special = ~(left.isfinite() & right.isfinite())
    return not torch.equal(left[special].nan_to_num(nan=0.5), right[special].nan_to_num(nan=0.5))


def _parts(x: Tensor) -> Tensor:
    """The real and the imaginary parts, in float64."""
    return torch.view_as_real(x.resolve_conj()).double() if x.is_complex() else x.double()


def _ratio(mine: Tensor, its: Tensor, true: Tensor) -> float:
    limits = torch.finfo(mine.dtype)
    left, right, middle = _parts(mine), _parts(its), _parts(true)
    finite = left.isfinite() & right.isfinite() & middle.isfinite()
    left, right, middle = left[finite], right[finite], middle[finite]
    if not len(middle):
        return NONE
    floor = limits.eps / 2 * float(_rms(middle)) + limits.tiny
    errors = left - middle, right - middle
    return max(_beside(measure, *errors, floor) for measure in (_rms, _largest))


def _beside(measure: Callable[[Tensor], Tensor], mine: Tensor, its: Tensor, floor: float) -> float:
    return float(measure(mine)) / max(float(measure(its)), floor)


def _rms(x: Tensor) -> Tensor:
    return (x**2).mean().sqrt()


def _largest(x: Tensor) -> Tensor:
    return x.abs().max()
