"""Two runs that are compared: what stands beside them, and what all rules ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.paths import Paths
from tensorflow_free.judging.rounding_rule import Reach, k_of
from tensorflow_free.judging.rules import MANY
from tensorflow_free.judging.rules import k_of as k_of_noise
from tensorflow_free.judging.together import measured_together, reached_together
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record, of_name
from tensorflow_free.tensors.dtypes import TORCH_DTYPES


@dataclass(frozen=True, eq=False)
class TwoRuns:
    """Two runs that are compared, and how.

    Attributes:
        actual: the run that is judged.
        expected: the run that it is compared with.
        baseline: an eager CPU run in the dtype of `actual`, where there is one.
        judging: how to judge.
    """

    actual: Result
    expected: Result
    baseline: Result | None
    judging: Judging

    @property
    def recipe(self) -> Recipe:
        """That of the judged run."""
        return self.actual.recipe

    @cached_property
    def paths(self) -> Paths:
        """The paths by which the judged values were made."""
        return Paths(self.actual, self.expected)

    @cached_property
    def together(self) -> Mapping[str, Errors]:
        """How far apart small values of the two runs are, by their names: those that could be measured in one go."""
        expected = self.expected.records
        both = {name: (one.value, of_name(expected, name)) for name, one in self.actual.records.items()}
        return measured_together({name: (mine, its.value) for name, (mine, its) in both.items() if its}, self.k)

    @cached_property
    def reached(self) -> Mapping[str, Reach]:
        """What leeways that were kept come to for these."""
        return reached_together(self.together, self.judging.leeway, self.k)

    def of_baseline(self, name: str) -> Record | None:
        """The value of a name in the baseline."""
        return None if self.baseline is None else of_name(self.baseline.records, name)

    def k(self, dtype: torch.dtype) -> float:
        """The k of a dtype, or the one that is given."""
        return k_of(dtype) if self.judging.k is None else self.judging.k

    @property
    def usual_k(self) -> float | None:
        """The k of the recipe's dtype, where another one judges."""
        if self.judging.k is None:
            return None
        dtype = TORCH_DTYPES[self.recipe.dtype]
        is_derived = self.judging.movement is not None or bool(self.judging.leeway)
        return k_of(dtype) if is_derived else k_of_noise(dtype, MANY)

    @property
    def is_stated(self) -> bool:
        """Whether a tolerance is given that judges all numbers."""
        return self.judging.rtol is not None or self.judging.atol is not None

    @cached_property
    def same_dtype(self) -> bool:
        """Whether both runs are of one dtype."""
        return self.actual.recipe.dtype == self.expected.recipe.dtype

    @cached_property
    def baseline_is_reference(self) -> bool:
        """Whether the baseline is of the dtype of the reference, so that it is the same run."""
        return self.baseline is not None and self.baseline.recipe.dtype == self.expected.recipe.dtype


def is_eager(result: Result) -> bool:
    """Whether a run is of no compiler."""
    return result.recipe.backend.name == "eager"
