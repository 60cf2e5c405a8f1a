"""Recipes for PyTorch numerics: a YAML file of tensors, operations and a backward target, run to values and gradients.

Example:
    >>> from tensorflow_free import load_recipe, run_recipe
    >>> result = run_recipe(load_recipe("recipes/linear_autograd.yaml"))
    >>> result["y"], result["w.grad"]
    (tensor(5.), tensor(1.))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorflow_free.text.faces import make_in
from tensorflow_free.version import VERSION as __version__  # noqa: N811 - the name that Python gives to a version

if TYPE_CHECKING:
    from tensorflow_free.asserting import assert_recipe
    from tensorflow_free.cell.two_results import compare_results
    from tensorflow_free.errors import (
        Place,
        Problem,
        RecipeError,
        StepError,
        StorageError,
        TensorflowFreeError,
        UnavailableError,
    )
    from tensorflow_free.judging.options import Judging
    from tensorflow_free.judging.verdicts import Comparison
    from tensorflow_free.loading import load_recipe
    from tensorflow_free.located.located_run import run_recipe
    from tensorflow_free.plan.backend_options import register_backend_options
    from tensorflow_free.recipe.models import Recipe
    from tensorflow_free.registry import register_op
    from tensorflow_free.result.reading import read_result
    from tensorflow_free.result.result import Result
    from tensorflow_free.run.out_of_memory import register_out_of_memory
    from tensorflow_free.run.unsupported import register_unsupported
    from tensorflow_free.sweep.preparation import resume_sweep, sweep_recipe
    from tensorflow_free.sweep.sweep import Sweep
    from tensorflow_free.tensors.device_kinds import register_device
    from tensorflow_free.tracing.captured_block import CapturedBlock, capturing
    from tensorflow_free.tracing.captured_recipe import CapturedRecipe, CaptureOptions, capture

_LATE = {
    "Place": "errors",
    "Problem": "errors",
    "RecipeError": "errors",
    "StepError": "errors",
    "StorageError": "errors",
    "TensorflowFreeError": "errors",
    "UnavailableError": "errors",
    "assert_recipe": "asserting",
    "capture": "tracing.captured_recipe",
    "CapturedRecipe": "tracing.captured_recipe",
    "CapturedBlock": "tracing.captured_block",
    "capturing": "tracing.captured_block",
    "CaptureOptions": "tracing.captured_recipe",
    "Comparison": "judging.verdicts",
    "compare_results": "cell.two_results",
    "Judging": "judging.options",
    "load_recipe": "loading",
    "Recipe": "recipe.models",
    "register_backend_options": "plan.backend_options",
    "register_device": "tensors.device_kinds",
    "register_op": "registry",
    "register_out_of_memory": "run.out_of_memory",
    "register_unsupported": "run.unsupported",
    "Result": "result.result",
    "resume_sweep": "sweep.preparation",
    "run_recipe": "located.located_run",
    "Sweep": "sweep.sweep",
    "sweep_recipe": "sweep.preparation",
    "read_result": "result.reading",
}
"""Names, and the modules that they are loaded from when they are first used: most need torch or pydantic."""

__all__ = [
    "CaptureOptions",
    "CapturedBlock",
    "CapturedRecipe",
    "Comparison",
    "Judging",
    "Place",
    "Problem",
    "Recipe",
    "RecipeError",
    "Result",
    "StepError",
    "StorageError",
    "Sweep",
    "TensorflowFreeError",
    "UnavailableError",
    "__version__",
    "assert_recipe",
    "capture",
    "capturing",
    "compare_results",
    "load_recipe",
    "read_result",
    "register_backend_options",
    "register_device",
    "register_op",
    "register_out_of_memory",
    "register_unsupported",
    "resume_sweep",
    "run_recipe",
    "sweep_recipe",
]


make_in(f"{__name__}.notebook")


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
