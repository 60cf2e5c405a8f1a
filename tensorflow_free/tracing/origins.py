"""The tensors that a callable starts from, and their names: parameters, buffers, constants of modules, inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import torch

from tensorflow_free.tracing.graph_names import named_inputs
from tensorflow_free.tracing.leaves import leaves
from tensorflow_free.tracing.model_file import COMPILED


@dataclass(slots=True)
class Origins:
    """Where tensors come from.

    Attributes:
        paths: the path of a tensor by its identity: `attn.q.weight`, `x`; each tensor once.
        tensors: the tensors themselves, by identity.
        modules: the path of a module by its identity.
    """

    paths: dict[int, str] = field(default_factory=dict)
    tensors: dict[int, torch.Tensor] = field(default_factory=dict)
    modules: dict[int, str] = field(default_factory=dict)

    def add(self, tensor: torch.Tensor, path: str) -> None:
        """Name a tensor; the first path stays."""
        if id(tensor) not in self.paths:
            self.paths[id(tensor)] = path
            self.tensors[id(tensor)] = tensor

    def add_module(self, module: torch.nn.Module, path: str) -> None:
        """Name a module, those below it, and their tensors."""
        for written, one in module.named_modules(prefix=path):
            below = ".".join(part for part in written.split(".") if part != COMPILED)
            self.modules.setdefault(id(one), below)
            for name, tensor in [*one.named_parameters(recurse=False), *one.named_buffers(recurse=False)]:
                self.add(tensor, _joined(below, name))
            for name, value in vars(one).items():
                if not name.startswith("_") or isinstance(value, torch.Tensor):
                    for inner, tensor in leaves(value, _joined(below, name)):
                        self.add(tensor, inner)


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def origins_of(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Origins:
    """The tensors that a call starts from.

    Args:
        function: a module, a method of one, or a function; of a function, what its free names stand for.
        args: its arguments.
        kwargs: those given by name.
    """
    found = Origins()
    # inputs first: `functional_call` is given a module's own parameters under the names that it has for them
    for path, tensor in leaves(_bound(function, args, kwargs)):
        found.add(tensor, path)
    for path, module in _modules(function):
        found.add_module(module, path)
    for path, tensor in leaves(_free_names(function)):
        found.add(tensor, path)
    return found


def origins_of_names(names: Mapping[str, Any]) -> Origins:
    """The tensors of modules and nested values that have names; those of a module without one by their own."""
    found = Origins()
    for path, value in names.items():
        if isinstance(value, torch.nn.Module):
            found.add_module(value, path)
    for path, tensor in leaves({path: value for path, value in names.items() if path}):
        found.add(tensor, path)
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


def _modules(function: Callable[..., Any]) -> Iterator[tuple[str, torch.nn.Module]]:
    """The modules that a callable is, belongs to, or knows by a free name."""
    if isinstance(function, torch.nn.Module):
        yield "", function
    owner = getattr(function, "__self__", None)
    if isinstance(owner, torch.nn.Module):
        yield "", owner
    for name, value in _free_names(function).items():
        if isinstance(value, torch.nn.Module):
            yield name, value


def _free_names(function: Callable[..., Any]) -> dict[str, Any]:
    """What the free names of a function stand for, and of the functions of its file that it knows by such names."""
    found: dict[str, Any] = {}
    waiting, seen, files = [function], set[CodeType](), set[str]()
    while waiting:
        inner = inspect.unwrap(getattr(one := waiting.pop(), "__func__", one))
        if not inspect.isfunction(inner) or inner.__code__ in seen:
            continue
        files = files or {inner.__code__.co_filename}
        if inner.__code__.co_filename not in files:
            continue
        seen.add(inner.__code__)
        known = {**inner.__globals__, **inspect.getclosurevars(inner).nonlocals}
        names = {name: known[name] for name in _mentioned(inner.__code__) if name in known}
        found = {**names, **found}
        waiting += [value for value in names.values() if inspect.isroutine(value)]
    return found


def _mentioned(code: CodeType) -> Iterator[str]:
    """The names that code takes from around it, that of functions inside it, too."""
    yield from (*code.co_names, *code.co_freevars)
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _mentioned(part)
