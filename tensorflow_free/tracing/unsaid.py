"""Calls and modules that no recipe can say, told where they stand, with what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from tensorflow_free.errors import RecipeError
from tensorflow_free.tracing.refusals import ModelLine, refusal

RUNS_BACKWARD: Final = ("torch.Tensor.backward", "torch.autograd.grad", "torch.autograd.backward")
SETS: Final = {"data": "x.data = …", "grad": "x.grad = …"}
"""Attributes that a recipe cannot set, and how setting them is written."""

HOOKS: Final = ("torch.Tensor.register_hook", "torch.Tensor.register_post_accumulate_grad_hook")
HOOKED: Final = "a hook on gradients is no step; what it changes of them is not in the recipe"

TRANSFORMS: Final = {"Vmap": "torch.vmap", "Grad": "torch.func.grad", "Jvp": "torch.func.jvp"}
"""The transforms of functions whose tensors stand for others, by their names in torch."""

Here = Callable[[], ModelLine]
"""Gives the model's line that runs."""


def transform_here() -> str | None:
    """The transform of functions that runs; None where none does."""
    running = torch._C._functorch.peek_interpreter_stack()
    return None if running is None else TRANSFORMS.get(running.key().name, "a transform of torch.func's")


def under_transform(transform: str, source: ModelLine) -> RecipeError:
    """The error of a model that needs what a transform of functions gives."""
    instead = "write what it does for whole tensors, or take what it gives as an argument"
    return refusal(f"it runs under `{transform}`, where tensors stand for others", source, instead)


def refuse_call(name: str, function: Callable[..., Any], here: Here) -> None:
    """Refuse a call that no recipe can say.

    Args:
        name: the function's, with torch's path.
        function: what is called.
        here: gives the model's line.

    Raises:
        RecipeError: it is one.
    """
    if name in RUNS_BACKWARD:
        if (transform := transform_here()) is not None:
            raise under_transform(transform, here())
        raise refusal(
            f"it runs `{name.removeprefix('torch.')}` itself",
            here(),
            "capture the forward pass alone; a recipe's `backward` does the rest",
        )
    if getattr(function, "__name__", "") == "__set__" and (attribute := name.split(".")[-2]) in SETS:
        raise refusal(
            f"it sets an attribute, `{SETS[attribute]}`",
            here(),
            "write `x.copy_(…)` under `torch.no_grad()`, which is a step",
        )


def refuse_module(module: torch.nn.Module, path: str, here: Here) -> None:
    """Refuse a module whose calls cannot be seen.

    Raises:
        RecipeError: it is of TorchScript.
    """
    if isinstance(module, torch.jit.ScriptModule):
        what = f"'{path or type(module).__name__}' is of TorchScript, inside of which no call is seen"
        raise refusal(what, here(), "capture the module that it was made of")
