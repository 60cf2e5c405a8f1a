"""What executes a recipe's forward steps: eager PyTorch, or a backend of `torch.compile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import torch

from tensorflow_free.plan.backend_options import as_taken
from tensorflow_free.recipe.models import Backend
from tensorflow_free.recipe.names import did_you_mean

WRITING_BACKENDS: Final = ("dynamo_minifier_backend", "dynamo_accuracy_minifier_backend")
"""Backends of torch's that write files where they run."""

Function = TypeVar("Function", bound=Callable[..., Any])


def names() -> tuple[str, ...]:
    """`eager`, and every backend that `torch.compile` knows here."""
    # `eager` of torch.compile only traces; in a recipe the word means no compiler at all, and `dynamo_eager` means that
    return ("eager", *(name for name in torch.compiler.list_backends(exclude_tags=()) if name != "eager"))


def problem(backend: Backend) -> str | None:
    """Why the backend cannot be had, or None."""
    if backend.name == "eager":
        return None
    if backend.name in WRITING_BACKENDS:
        return f"'{backend.name}' writes files, which a recipe may not; name another"
    known = names()
    if backend.name in known:
        return None
    return (
        f"'{backend.name}' is not a backend{did_you_mean(backend.name, known) or '; it is one of ' + ', '.join(known)}"
    )


def compiled(function: Function, backend: Backend) -> Function:
    """The function as the backend compiles it, from a compiler without memory of what it compiled before."""
    torch.compiler.reset()
    compiler: Callable[..., Any] = torch.compile
    found: Function = compiler(
        function,
        backend=backend.name,
        mode=backend.mode,
        options=as_taken(backend),
        dynamic=backend.dynamic,
        fullgraph=backend.fullgraph,
    )
    return found
