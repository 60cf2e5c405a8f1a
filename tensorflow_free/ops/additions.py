"""The ops that users add from Python: registered, provided by a package, or in a file named on the command line."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, overload

from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.ops import backward, callables, namespaces, operators, schemas
from tensorflow_free.ops.ops_files import note
from tensorflow_free.ops.signatures import Op
from tensorflow_free.plugins import OPS, load_group, place_in, words_of
from tensorflow_free.recipe.names import MOST_LIKENED, did_you_mean
from tensorflow_free.text.characters import is_text

Function = TypeVar("Function", bound=Callable[..., Any])

_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)

_ops: Final[dict[str, Op]] = {}
_origins: Final[dict[str, str]] = {}
_loading: Final[ContextVar[str | None]] = ContextVar("_loading", default=None)


def find(name: str) -> Op | None:
    """The user's op of this name, or None."""
    return _ops.get(name)


def registered() -> dict[str, str]:
    """Where each op that the user added came from (`my_ops.py`, `package.module`), by name."""
    return dict(_origins)


def _is_torchs(name: str) -> bool:
    own = name in namespaces.functions() or name in namespaces.methods() or name in namespaces.attributes()
    return own or name in operators.SYMBOLS or name in backward.OPS


def _name_problem(name: object, *, replace: bool) -> str | None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        return f"'{name}' cannot name an op; names joined by dots can, such as 'my.gelu'"
    if name.split(".")[0] in {"aten", "torch", "F", "Tensor"}:
        return f"'{name}' starts with '{name.split('.')[0]}', which is PyTorch's; choose a namespace of your own"
    if _is_torchs(name):
        return f"'{name}' is an op already; choose a namespace of your own, such as 'my.{name}'"
    if name in _ops and not replace:
        return f"'{name}' is registered already, from {_origins[name]}; pass replace=True to replace it"
    return None


def _names(given: Iterable[str], what: str, op: str, known: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        message = f"{what} of '{op}': '{given}' is a string; give a tuple of names: ('{given}',)"
        raise ValueError(message)  # noqa: TRY004 - one ValueError for whatever is wrong with an op
    names, parameters = tuple(given), list(known)
    unknown = [name for name in names if name not in parameters]
    if unknown:
        message = f"{what} of '{op}': '{unknown[0]}' is not a parameter of it; it has {', '.join(parameters) or 'none'}"
        raise ValueError(message)
    return names


def _add(
    name: str, function: Callable[..., Any], changes: Iterable[str], shares: Iterable[str] | None, *, replace: bool
) -> None:
    problem = _name_problem(name, replace=replace)
    if problem is None and not callable(function):
        problem = f"'{name}': '{function}' cannot be called; an op is a function"
    if problem is not None:
        raise ValueError(problem)
    # what is under torch.ops says in its schemas what it takes, changes and shares
    described = schemas.dispatched(name, function)
    if described:
        _ops[name] = Op(name, described, documentation=None)
    else:
        found = callables.signature(name, function, "user")
        known = [parameter.name for parameter in found.parameters]
        signature = dataclasses.replace(
            found,
            changes=_names(changes, "changes", name, known),
            shares=None if shares is None else _names(shares, "shares", name, known),
        )
        _ops[name] = Op(name, (signature,), documentation=None)
    _origins[name] = _loading.get() or str(getattr(function, "__module__", None) or "__main__")


@overload
def register_op(
    name: str,
    function: Function,
    *,
    changes: Iterable[str] = (),
    shares: Iterable[str] | None = None,
    replace: bool = False,
) -> Function: ...


@overload
def register_op(
    name: str,
    function: None = None,
    *,
    changes: Iterable[str] = (),
    shares: Iterable[str] | None = None,
    replace: bool = False,
) -> Callable[[Function], Function]: ...


def register_op(
    name: str,
    function: Function | None = None,
    *,
    changes: Iterable[str] = (),
    shares: Iterable[str] | None = None,
    replace: bool = False,
) -> Function | Callable[[Function], Function]:
    """Add an op to the registry, by call or as a decorator.

    Its parameters are those of the function, with the types that their annotations say; one without takes anything.
    An op under `torch.ops`, or one overload of it, says all that in its schemas, `changes` and `shares` too.

    Args:
        name: what recipes call it: identifiers joined by dots, in a namespace that is not PyTorch's.
        function: what is called. Without it, a decorator is returned.
        changes: parameters whose memory it changes.
        shares: parameters whose memory its result may share; None for any of them.
        replace: whether it may take the place of one registered before.

    Returns:
        The function, unchanged.

    Raises:
        ValueError: the name is bad or taken, the function takes `**kwargs`, or `changes` names no parameter of it.

    Shape:
        Any: the function gets the tensors as the recipe has them, and what it returns is recorded as it is.

    Example:
        >>> import torch
        >>> from tensorflow_free import load_recipe, register_op, run_recipe
        >>> @register_op("my.double")
        ... def double(x: torch.Tensor) -> torch.Tensor:
        ...     return 2 * x
        >>> recipe = load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": {"y": {"op": "my.double", "args": ["x"]}}})
        >>> run_recipe(recipe)["y"]
        tensor([2., 4.])
    """
    if function is not None:
        _add(name, function, changes, shares, replace=replace)
        return function

    def decorate(decorated: Function) -> Function:
        _add(name, decorated, changes, shares, replace=replace)
        return decorated

    return decorate


def load_entry_points() -> None:
    """Registers the ops that installed packages offer, once.

    An entry point of the group `tensorflow_free.ops` names a function, which is registered under its own name,
    or a module, which registers its own when it is imported.

    Raises:
        RecipeError: One of them cannot be loaded or registered.
    """
    load_group(OPS, _take)


def _take(point: importlib.metadata.EntryPoint) -> None:
    token = _loading.set(point.value)
    try:
        loaded = point.load()
        if not isinstance(loaded, ModuleType) and point.name not in _ops:
            register_op(point.name, loaded)
    finally:
        _loading.reset(token)


def load_ops_file(path: str | Path) -> None:
    """Runs a file of Python that registers ops. It is code: for the person at the command line, never for a recipe.

    Raises:
        RecipeError: It cannot be read, or fails.
    """
    file = Path(path)
    if not is_text(str(file)):
        # rows name it, and they are UTF-8
        raise RecipeError([Problem(Place(file=str(file)), "the file's path is not UTF-8; rename it")])
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        reason = "is not a file of Python" if file.exists() else "is not there"
        better = ("" if file.exists() else _near(file)) or "; a file ending in .py is wanted"
        raise RecipeError([Problem(Place(file="flag '--ops'"), f"'{file}' {reason}{better}")])
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(spec.name)
    # dataclasses and torch.compile look a function's module up here
    sys.modules.setdefault(spec.name, module)
    token = _loading.set(str(file))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        if before is None:
            sys.modules.pop(spec.name, None)
        raise RecipeError([Problem(place_in(file, error), words_of(error))]) from error
    finally:
        _loading.reset(token)
    note(file)


def _near(file: Path) -> str:
    """The file of Python in the same folder that was most likely meant."""
    try:
        return did_you_mean(file.name, [one.name for one in islice(file.parent.glob("*.py"), MOST_LIKENED)])
    except (OSError, ValueError):
        return ""
