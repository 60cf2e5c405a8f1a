"""The rules that judge how far a value may be from its reference: by the noise of its dtype, or by a tolerance.

Noise is the distance of an eager CPU run in the same dtype from the same reference. A value passes when

    rmse    <= k * noise.rmse         + floor * eps * rms(expected)
    max_abs <= PEAK * k * noise.max_abs + floor * eps * peak(expected)

with the machine epsilon of its dtype and k by dtype and number of elements. Source: the rule by which torch's compiler
minifier tells a wrong result from a noisy one (`torch._dynamo.utils.same`: RMSE against float64, a multiplier of 2, 3
for half precision and for tensors of less than 1,000 elements, 10 for the smallest). The floor is relative to the
values here, where torch adds a tenth of an absolute tolerance, so that small numbers are judged, too; and the largest
error is bounded beside the RMSE, so that one wrong element among many shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import torch

from tensorflow_free.judging.measures import Errors, relative
from tensorflow_free.judging.noise import NO_NOISE, Noise
from tensorflow_free.recipe.models import Pair, Recipe
from tensorflow_free.tensors.dtypes import PARTS, TORCH_DTYPES, Tolerance, word_of

K: Final[dict[str, float]] = {"float64": 2.0, "float32": 2.0, "bfloat16": 3.0, "float16": 3.0}
"""How many times the noise a value of this dtype may be away, of at least `MANY` elements."""

MANY, FEW = 1000, 10
"""Elements from which noise is well measured, and up to which it is hardly measured at all."""

K_OF_SOME, K_OF_FEW = 3.0, 10.0
"""k of tensors of less than `MANY` elements, and of up to `FEW`."""

PEAK: Final = 2.0
"""How much wider the bound on the largest error is than that on the RMSE, as a largest value spreads more."""

FLOOR: Final[dict[str, float]] = {"float64": 4.0, "float32": 4.0, "bfloat16": 1.0, "float16": 1.0}
"""Machine epsilons of the expected numbers' size that are always allowed: a few ULPs, as math libraries state their
largest errors (the CUDA C++ Programming Guide lists up to 4 for the functions of a tensor op); 1 in half precision,
where functions are computed in float32 and rounded once."""


@cache
def epsilon(dtype: torch.dtype) -> float:
    """The machine epsilon of a floating dtype, or of a complex number's parts."""
    return float(torch.finfo(dtype).eps)


@cache
def smallest(dtype: torch.dtype) -> float:
    """Two of the smallest subnormal numbers of a floating dtype."""
    return 2 * float(torch.finfo(dtype).smallest_normal) * epsilon(dtype)


def usual_noise(noises: Mapping[str, Noise], dtype: str) -> Noise:
    """The noise of a recipe dtype, no less than what that of the next wider or narrower ones lets expect.

    One run can be exact by luck; rounding errors grow in proportion to epsilon (to first order), so that a run in
    another dtype tells how large they are at least. A dtype that overflowed tells nothing.
    """
    noise = noises.get(dtype, NO_NOISE)
    for other in _NEIGHBOURS[dtype]:
        found = noises.get(other)
        if found is not None and not found.nonfinite:
            ratio = epsilon(TORCH_DTYPES[dtype]) / epsilon(TORCH_DTYPES[other])
            return noise.with_at_least(found.scaled(ratio))
    return noise


_NEIGHBOURS: Final[dict[str, tuple[str, ...]]] = {
    "float64": ("float32",),
    "float32": ("float16", "bfloat16"),
    "float16": ("float32",),
    "bfloat16": ("float32",),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule found: the share of the allowed error that was used, and that error, put into words where asked."""

    used: float
    form: str
    numbers: tuple[float, ...]
    at: int | None = None
    """The flat position of the element that decided, where it is not that of the largest error."""

    @property
    def allowed(self) -> str:
        """The allowed error in words."""
        return self.form.format(*self.numbers)


def by_noise(found: Errors, noise: Noise, dtype: torch.dtype, k: float | None = None) -> Judged:
    """Judge by what an eager CPU run of the same dtype is away from the same reference.

    Args:
        found: how far the value is from its reference.
        noise: how far the eager CPU run is.
        dtype: the coarsest floating dtype that the value went through.
        k: instead of the one of its dtype.
    """
    k = k_of(dtype, found.elements) if k is None else k
    floor = FLOOR.get(_word(dtype), 1.0) * epsilon(dtype)
    least = smallest(dtype)
    allowed_rmse = k * noise.rmse + floor * found.rms + least
    allowed_peak = PEAK * k * noise.max_abs + floor * found.peak + least
    used = max(share(found.rmse, allowed_rmse), share(found.max_abs, allowed_peak))
    return Judged(used, BY_NOISE, (allowed_rmse, allowed_peak, k, noise.rmse))


BY_NOISE: Final = "rmse {:.2g}, max {:.2g}: {:g} times the noise of eager CPU (rmse {:.2g})"


def k_of(dtype: torch.dtype, elements: int) -> float:
    """How many times the noise a tensor of this dtype and size may be away."""
    k = K.get(_word(dtype), 3.0)
    if elements >= MANY:
        return k
    return max(k, K_OF_SOME if elements > FEW else K_OF_FEW)


def _word(dtype: torch.dtype) -> str:
    """The dtype, or that of a complex number's parts, in a word."""
    return word_of(PARTS.get(dtype, dtype))


def by_tolerance(found: Errors, tolerance: Tolerance, *, steps: int | None = None) -> Judged:
    """Judge each element: |actual - expected| <= atol + rtol * |expected|.

    The tolerance of a dtype is that of one op. Given how many `steps` lead to a value, it is sqrt(steps) times as wide,
    as errors that are independent grow (Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis,
    2019), and rtol is of the root mean square of the expected numbers where an element is smaller: a number that came
    out small by cancellation has the error of what it came from.

    Args:
        found: how far the value is from its reference.
        tolerance: (rtol, atol).
        steps: how many steps lead to the value; None for a tolerance that is meant as it stands.
    """
    rtol, atol = tolerance
    form: str = BY_TOLERANCE
    numbers: tuple[float, ...] = tolerance
    least = 0.0
    if steps is not None:
        widened = math.sqrt(max(1, steps))
        form, numbers = BY_DTYPE, (rtol, atol, steps)
        rtol, atol, least = rtol * widened, atol * widened, found.rms
    if not found.max_abs:
        return Judged(0.0, form, numbers)

    def used(errors: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        return relative(errors, (sizes.clamp(min=least) if least else sizes) * rtol + atol)

    largest = found.worst(used)
    return Judged(largest.number, form, numbers, largest.position)


BY_TOLERANCE: Final = "rtol {:g}, atol {:g}"
BY_DTYPE: Final = BY_TOLERANCE + ", times sqrt({:g}) steps, of the number or the tensor's RMS, whichever is larger"


def share(error: float, allowed: float) -> float:
    """The share of an allowed error that was used; NaN cannot pass for a small one."""
    if math.isnan(error):
        return math.inf
    return 0.0 if error == 0 else error / allowed if allowed else math.inf


def stated_tolerance(dtype: torch.dtype, recipe: Recipe) -> Tolerance | None:
    """The recipe's own (rtol, atol) for values of a dtype; a pair without a dtype is for the recipe's own dtype."""
    stated = recipe.tolerance
    if stated is None:
        return None
    word = word_of(PARTS.get(dtype, dtype))
    pair: Pair | None = getattr(stated, word, None)
    if pair is None and word == recipe.dtype and (stated.rtol is not None or stated.atol is not None):
        pair = stated
    return None if pair is None else (pair.rtol or 0.0, pair.atol or 0.0)
