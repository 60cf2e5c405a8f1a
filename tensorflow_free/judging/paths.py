"""What a value went through before it was what it is: how many steps, and which dtypes. For rules that go by them."""

from __future__ import annotations

from functools import cached_property

import torch

from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.recipe.graph import depths_of, reads_of
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.dtypes import TORCH_DTYPES


class Paths:
    """The paths by which the values of a run were made; `expected` is the run that it is compared with."""

    def __init__(self, actual: Result, expected: Result) -> None:
        self._actual = actual
        self._expected = expected
        self._recipe = actual.recipe

    def coarsest(self, name: str, dtype: torch.dtype) -> torch.dtype:
        """The coarsest floating dtype that a value went through: its own, the recipe's, those of its operands."""
        own = dtype if is_floating(dtype) else self._of_recipes
        if name.endswith(".grad"):
            return max((own, self._of_recipes, self._coarsest_of_all), key=epsilon)
        return max((own, self._of_recipes, self._upstream.get(name.partition(".")[0], own)), key=epsilon)

    def steps_to(self, name: str) -> int:
        """How many steps lead to a value; to a gradient, those forward and then back."""
        depths = self._depths
        root = name.partition(".")[0]
        if name.endswith(".grad"):
            return 2 * max(depths.values(), default=1) - depths.get(root, 0)
        if name.endswith(".after"):
            # whichever step changed its memory last
            return max(depths.values(), default=1)
        return depths.get(root, 1)

    @cached_property
    def _of_recipes(self) -> torch.dtype:
        """The coarser of the dtypes of the two runs."""
        return max((TORCH_DTYPES[one.recipe.dtype] for one in (self._actual, self._expected)), key=epsilon)

    @cached_property
    def _reads(self) -> dict[str, tuple[str, ...]]:
        return reads_of(self._recipe)

    @cached_property
    def _depths(self) -> dict[str, int]:
        return depths_of(self._reads, self._recipe.steps)

    @cached_property
    def _upstream(self) -> dict[str, torch.dtype]:
        """The coarsest computed floating dtype at or above each step that is not of the recipe's own dtype."""
        computed = {
            record.name.partition(".")[0]: record.value.dtype
            for record in self._actual.records.values()
            if record.kind != "tensor" and isinstance(record.value, torch.Tensor) and is_floating(record.value.dtype)
        }
        usual = TORCH_DTYPES[self._recipe.dtype]
        if not any(epsilon(dtype) > epsilon(usual) for dtype in computed.values()):
            return {}
        coarsest: dict[str, torch.dtype] = {}
        for step, read in self._reads.items():
            above = [coarsest[name] for name in read if name in coarsest]
            coarsest[step] = max((computed.get(step, usual), *above), key=epsilon)
        return coarsest

    @cached_property
    def _coarsest_of_all(self) -> torch.dtype:
        return max((TORCH_DTYPES[self._recipe.dtype], *self._upstream.values()), key=epsilon)
