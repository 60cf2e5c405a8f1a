"""What a callable can reach: tensors, modules, containers and objects, each once, with the path to it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache, partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import torch

from tensorflow_free.tracing.leaves import PLAIN, joined, parts_of
from tensorflow_free.tracing.model_file import COMPILED

MODULES_OWN: Final = frozenset(vars(torch.nn.Module()))
"""Attributes of each module, which are torch's own."""

NAMELESS: Final = (FunctionType, MethodType, partial, type)
"""What names of code are read in: `W` of a function's file is called `W` wherever the function lies."""

DEEPEST: Final = 40
"""How deep what is reached may lie."""


def reachable(value: Any, path: str = "", found: set[int] | None = None, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Everything that holds tensors, and the tensors, outermost first.

    Args:
        value: a callable, its arguments, anything.
        path: of the value.
        found: what was reached before, by identity; it grows.
        depth: how deep the value lies.
    """
    found = set() if found is None else found
    if isinstance(value, PLAIN) or id(value) in found or depth > DEEPEST:
        return
    found.add(id(value))
    yield path, value
    within = "" if isinstance(value, NAMELESS) else path
    for key, part in _within(value):
        yield from reachable(part, joined(within, key), found, depth + 1)


def _within(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (torch.Tensor, ModuleType)):
        return
    if isinstance(value, torch.nn.Module):
        yield from _of_module(value)
    elif isinstance(value, type):
        yield from _of_class(value)
    elif isinstance(value, partial):
        yield from _of_partial(value)
    elif isinstance(value, MethodType):
        yield from (("", value.__self__), ("", value.__func__))
    elif isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, dict):
        # the dict's own method: some that are installed import what they give
        yield from ((str(key), part) for key, part in dict.items(value))
    else:
        yield from ((str(key), part) for key, part in parts_of(value))
        if has_attributes(value):
            yield from vars(value).items()
            yield "", type(value)


def _of_module(module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    """Its parameters and buffers, what else it holds, the code of its class, and the modules below it."""
    yield from module.named_parameters(recurse=False)
    yield from module.named_buffers(recurse=False)
    yield from ((name, value) for name, value in vars(module).items() if name not in MODULES_OWN)
    yield from (("" if name == COMPILED else name, child) for name, child in module.named_children())
    yield from (("", hook) for hook in (*module._forward_pre_hooks.values(), *module._forward_hooks.values()))
    yield "", type(module)


def _of_class(kind: type) -> Iterator[tuple[str, Any]]:
    """Tensors that are attributes of a user's class, and what its methods read."""
    for one in kind.__mro__:
        if _is_users(one.__module__):
            # a copy: what is read of a class may add to it
            yield from ((name, value) for name, value in dict(vars(one)).items() if not isinstance(value, type))


def _of_partial(value: partial[Any]) -> Iterator[tuple[str, Any]]:
    try:
        bound: Mapping[str, Any] = inspect.signature(value.func).bind_partial(*value.args, **value.keywords).arguments
    except (TypeError, ValueError):
        bound = {**{f"input_{position}": part for position, part in enumerate(value.args)}, **value.keywords}
    yield from bound.items()
    yield "", value.func


def _of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What the free names of a user's function stand for, and its defaults."""
    inner = inspect.unwrap(function)
    if inner is not function:
        yield "", inner
    if not _is_users(function.__module__):
        return
    yield from free_names(function).items()
    given = function.__defaults__ or ()
    code = function.__code__
    yield from zip(code.co_varnames[code.co_argcount - len(given) : code.co_argcount], given, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def free_names(function: FunctionType) -> dict[str, Any]:
    """What the free names of a function stand for: of the functions around it, and of its file."""
    found = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if (value := _content(cell)) is not None:
            found[name] = value
    return found


def _names(code: CodeType) -> Iterator[str]:
    """The names that code looks up, and the code inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is bound to the name yet
        return None


def _is_users(module: str | None) -> bool:
    """Whether a module's code is the user's: neither Python's nor of an installed package."""
    root = (module or "").partition(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    installed = "site-packages" in file or "dist-packages" in file
    return not installed and root not in sys.stdlib_module_names and root != "tensorflow_free"


def has_attributes(value: Any) -> bool:
    """Whether it is an object of another class than those of Python, NumPy and PyTorch, which holds its attributes."""
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, (type, torch.nn.Module, torch.Tensor))
        and _holds(type(value).__module__)
    )


@cache
def _holds(module: str) -> bool:
    root = module.partition(".")[0]
    return root not in sys.stdlib_module_names and (
        root not in ("numpy", "torch") or module.startswith("torch.distributions")
    )
