"""How two results are compared: tolerances, noise, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import torch

from tensorflow_free.judging.movement import Leeway, Movement
from tensorflow_free.judging.noise import Noise


@dataclass(frozen=True, slots=True)
class Judging:
    """How to judge.

    Attributes:
        rtol: the relative tolerance of all values, instead of the recipe's or the dtype's.
        atol: the absolute one; of the two the one not given is 0.
        k: how many times the noise is allowed, instead of the number of the dtype.
        signed_zeros: whether -0.0 is told from 0.0.
        apart: names that are left out with their fields and gradients: one run has them alone, or means something else.
        incomparable: values and gradients that lie downstream of a random step with another random stream.
        unreplayed: the random steps that those lie downstream of, where they are known.
        same_kernel: values that the expected run has from the very same kernel, which says nothing; and its op.
        reads_bits: whether steps look at how a dtype lies in memory, so that shapes hang on it.
        noise: what an eager CPU run of the same dtype is away from the expected one, by name; judges, with `baseline`.
        movement: nudged runs of the expected one, which tell how far rounding takes each value; judges before `noise`.
        leeway: what was kept of nudged runs, by name; judges before `noise`, but for values that zeros would pass for.
        starts: whether the tensors that the runs start from are compared, too.
        whole: whether values of the expected run that the judged one did not come to, or does not record, are told.
        measures: whether each value that passes is measured in full, too, and not only the one that used most.
        dtypes: the dtypes that values must have, by name. Given, the expected run is a golden: integers must be its
            own; as many NaN and infinities as `noise` has are let pass, as the dtype itself overflows; and what
            exceeds the noise, where there is no leeway, may still be within the recipe's own tolerance.
        structural: values of which shape and dtype alone are judged, and why.
        shaped: those of them whose shape hangs on the dtype, and is not judged either.

    `rtol`, `atol` and the errors of `noise` are in the unit of the values; `rtol` and `k` are plain factors.

    Example:
        >>> from tensorflow_free import Judging, compare_results, load_recipe, run_recipe
        >>> recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x.exp()"}}
        >>> low, high = (run_recipe(load_recipe(recipe, [f"dtype={dtype}"])) for dtype in ("bfloat16", "float64"))
        >>> strict = compare_results(low, high, judging=Judging(rtol=1e-6))
        >>> strict["y"].outcome, strict["y"].rule, strict["y"].allowed
        ('mismatch', 'tolerance', 'rtol 1e-06, atol 0')
    """

    rtol: float | None = None
    atol: float | None = None
    k: float | None = None
    signed_zeros: bool = False
    apart: frozenset[str] = frozenset()
    incomparable: frozenset[str] = frozenset()
    unreplayed: tuple[str, ...] = ()
    same_kernel: Mapping[str, str] = field(default_factory=dict)
    reads_bits: bool = False
    noise: Mapping[str, Noise] | None = None
    movement: Movement | None = None
    leeway: Mapping[str, Leeway] = field(default_factory=dict)
    starts: bool = True
    whole: bool = False
    measures: bool = True
    dtypes: Mapping[str, torch.dtype] | None = None
    structural: Mapping[str, str] = field(default_factory=dict)
    shaped: frozenset[str] = frozenset()


AS_USUAL: Final = Judging()
