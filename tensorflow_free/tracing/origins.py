"""The tensors that a callable starts from, and their names: parameters, buffers, constants of modules, inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tensorflow_free.tracing.graph_names import named_inputs
from tensorflow_free.tracing.reachable import reachable
from tensorflow_free.tracing.refusals import refusal


@dataclass(slots=True)
class Origins:
    """Where tensors come from.

    Attributes:
        paths: the path of a tensor by its identity: `attn.q.weight`, `x`; each tensor once.
        tensors: the tensors themselves, by identity.
        modules: the path of a module by its identity.
        holders: all else that was reached: what holds tensors, and may hold others after a run.
    """

    paths: dict[int, str] = field(default_factory=dict)
    tensors: dict[int, torch.Tensor] = field(default_factory=dict)
    modules: dict[int, str] = field(default_factory=dict)
    holders: list[Any] = field(default_factory=list)

    def add(self, tensor: torch.Tensor, path: str) -> None:
        """Name a tensor; the first path stays.

        Raises:
            RecipeError: it is of a lazy module that never ran.
        """
        if torch.nn.parameter.is_lazy(tensor):
            what = f"'{path}' is of a lazy module that never ran"
            raise refusal(what, None, "call the module once before it is captured")
        if id(tensor) not in self.paths:
            self.paths[id(tensor)] = path
            self.tensors[id(tensor)] = tensor

    def take(self, path: str, value: Any) -> None:
        """Name what was reached: a tensor, a module, or what holds such."""
        if isinstance(value, torch.Tensor):
            self.add(value, path)
            return
        if isinstance(value, torch.nn.Module):
            self.modules.setdefault(id(value), path)
        self.holders.append(value)


def origins_of(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Origins:
    """The tensors that a call starts from.

    Args:
        function: a module, a method of one, or a function; of a function, what its free names stand for.
        args: its arguments.
        kwargs: those given by name.
    """
    found = Origins()
    # inputs first: `functional_call` is given a module's own parameters under the names that it has for them
    bound = _bound(function, args, kwargs)
    reached: set[int] = set()
    for value in (bound, function):
        for path, one in reachable(value, "", reached):
            found.take(path, one)
    return found


def origins_of_names(names: Mapping[str, Any]) -> Origins:
    """The tensors of modules and nested values that have names; those of a module without one by their own."""
    found = Origins()
    reached: set[int] = set()
    for path, value in names.items():
        if path or isinstance(value, torch.nn.Module):
            for below, one in reachable(value, path, reached):
                found.take(below, one)
    return found


def _bound(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the parameters; several that one parameter gathers, by position."""
    if isinstance(function, torch.fx.GraphModule) and (named := named_inputs(function, args, kwargs)) is not None:
        return dict(named)
    called = function.forward if isinstance(function, torch.nn.Module) else function
    try:
        bound = inspect.signature(called).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {**{f"input_{position}": value for position, value in enumerate(args)}, **kwargs}
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        found.update(value if kind is inspect.Parameter.VAR_KEYWORD else {name: value})
    return found
