"""What executes a recipe's forward steps: eager PyTorch, or a backend of `torch.compile`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from tensorflow_free.plan.aten_calls import AtenCalls
from tensorflow_free.plan.backend_options import INDUCTOR
from tensorflow_free.recipe.models import Backend
from tensorflow_free.recipe.names import did_you_mean

WRITING_BACKENDS: Final = ("dynamo_minifier_backend", "dynamo_accuracy_minifier_backend")
"""Backends of torch's that write files where they run."""


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


@dataclass(frozen=True)
class Handed:
    """What a back end was given, and what became of it.

    Attributes:
        given_back: of each graph, whether the back end gave it back as it is.
        aten: the calls of PyTorch's own kernels in what it made of the others.
    """

    given_back: list[bool] = field(default_factory=list)
    aten: AtenCalls = field(default_factory=AtenCalls)


def loggers_of(name: str) -> tuple[str, ...]:
    """The loggers by which a back end may tell what it does: of its name, and of the package that it comes from."""
    if name == INDUCTOR:
        return (name,)
    module = str(getattr(function_of(name), "__module__", None) or name)
    return tuple(dict.fromkeys((name, module.partition(".")[0])))


def function_of(name: str) -> Callable[..., Any]:
    """The function of a back end, which compiles a graph."""
    # the name is torch's own, of 2.11 to 2.13
    found: Callable[..., Any] = torch._dynamo.lookup_backend(name)  # noqa: SLF001
    return found


def noting(name: str, handed: Handed) -> Callable[..., Any]:
    """The back end, which notes each graph that it is given."""
    compile_graph = function_of(name)

    @functools.wraps(compile_graph)
    def noted(graph: Any, inputs: Any, **options: Any) -> Any:
        before = _calls_in(graph)
        made = compile_graph(graph, inputs, **options)
        is_same = made is graph or made == graph.forward
        # one that was rewritten in place is the back end's own work
        handed.given_back.append(is_same and _calls_in(graph) == before)
        # those of torch are made of its own kernels, and say so by their names
        is_other = not f"{compile_graph.__module__}.".startswith("torch.")
        return handed.aten.counted(made) if is_other and callable(made) and not handed.given_back[-1] else made

    noted.__name__ = name
    return noted


def _calls_in(graph: Any) -> list[tuple[Any, ...]]:
    """What a graph calls, on what, in order."""
    return [(node.op, node.target, str(node.args), str(node.kwargs)) for node in graph.graph.nodes]
