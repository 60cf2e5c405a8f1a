"""A submodule of a model, with the inputs that it has in the model's run."""

from __future__ import annotations

from typing import Any

import torch

from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tracing.leaves import mapped
from tensorflow_free.tracing.model_file import Subject
from tensorflow_free.tracing.refusals import refusal


class _Reached(BaseException):
    """The submodule is called: the rest of the run is not needed. No `except Exception` of the model's may keep it."""


def submodule_of(whole: Subject, path: str) -> Subject:
    """The submodule of this path, and what it is first called with.

    Raises:
        RecipeError: there is none, or it is not called.
    """
    model = whole.function
    if not isinstance(model, torch.nn.Module):
        raise refusal(
            f"'{path}' is a submodule, and what is captured is a function", None, "let MAKE give the module itself"
        )
    modules = dict(model.named_modules())
    if path not in modules:
        raise refusal(
            f"'{path}' is not a submodule of {type(model).__name__}{did_you_mean(path, modules)}",
            None,
            "name one of `named_modules()`",
        )
    given: list[Subject] = []

    def reached(module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        given.append(Subject(module, *mapped((tuple(args), dict(kwargs)), _as_input)))
        raise _Reached

    hook = modules[path].register_forward_pre_hook(reached, with_kwargs=True)
    try:
        whole.call()
    except _Reached:
        return given[0]
    finally:
        hook.remove()
    raise refusal(f"'{path}' is not called in the run", None, "name a submodule that is")


def _as_input(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.is_leaf else tensor.detach().clone().requires_grad_(tensor.requires_grad)
