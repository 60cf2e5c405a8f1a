"""To which dtype each step of a cell rounds: asked of a run of it, where the recipe's text leaves it open."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch.utils._pytree import tree_leaves

from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.tensors.dtypes import PARTS

StepDtypes = dict[KeyPath, torch.dtype]


def noting(plan: Plan, into: StepDtypes) -> Plan:
    """The plan, whose run notes the coarsest floating dtype of each step's result under the step's path."""

    def around(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        def noted(*operands: Any) -> Any:
            found = function(*operands)
            dtype = coarsest(found)
            if dtype is not None:
                into[site.path] = dtype
            return found

        return noted

    return with_calls(plan, around)


def coarsest(found: Any) -> torch.dtype | None:
    """The coarsest floating dtype among tensors, that of complex numbers' parts included; None where none is."""
    tensors = [found] if isinstance(found, torch.Tensor) else tree_leaves(found)
    dtypes = [PARTS.get(one.dtype, one.dtype) for one in tensors if isinstance(one, torch.Tensor)]
    return max((one for one in dtypes if one.is_floating_point), key=lambda one: torch.finfo(one).eps, default=None)


def all_round_alike(plan: Plan) -> bool:
    """Whether no step of a recipe can round to another dtype than the recipe's own, by what is written in it."""
    recipe = plan.recipe
    written = repr([recipe.written.get(part) for part in ("tensors", "steps")])
    return not plan.ops and _DTYPE_WORDS.search(written.replace("'floating'", "")) is None


_DTYPE_WORDS: Final = re.compile(r"autocast|float|half|double|dtype|type_as|\bto\b|complex|quantize")


def others(noted: Mapping[KeyPath, torch.dtype], usual: torch.dtype) -> StepDtypes:
    """The steps that round to another dtype than the usual one."""
    return {path: dtype for path, dtype in noted.items() if dtype != usual}
