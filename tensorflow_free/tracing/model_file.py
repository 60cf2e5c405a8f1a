"""`FILE.py:MAKE`: a function of a file of Python's that gives a callable and its arguments."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch

from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.plugins import place_in, words_of
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tracing.leaves import anew
from tensorflow_free.tracing.refusals import compiled_by_dynamo, line_of, refusal, through

WANTED: Final = "MAKE() gives (callable, args) or (callable, args, kwargs)"

COMPILED: Final = "_orig_mod"
"""The attribute under which a compiled module has the module that it was."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a file's function gave: a callable, and what it is called with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def call(self) -> Any:
        """Call it.

        Raises:
            RecipeError: it fails, or does what no recipe can say.
        """
        try:
            return self.function(*anew(self.args), **anew(self.kwargs))
        except RecipeError:
            raise
        except Exception as error:
            if type(error).__module__ == "torch._dynamo.exc" or through(error, "_higher_order_ops"):
                raise compiled_by_dynamo(line_of(error)) from error
            given = any(isinstance(one, dict) for one in self.args)
            by_name = "; where a dict holds arguments by name, write (callable, (), DICT)" if given else ""
            what = f"the model fails: {words_of(error)}"
            raise refusal(what, line_of(error), f"it must run with the arguments that it is given{by_name}") from error


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A function of a file.

    Attributes:
        path: the file.
        name: the function's name.
        make: the function.
    """

    path: Path
    name: str
    make: Callable[..., Any]

    def made(self, **sizes: int) -> Subject:
        """Call the function, with other sizes where they are given.

        Raises:
            RecipeError: it fails, or gives something else.
        """
        try:
            found = self.make(**sizes)
        except Exception as error:
            problem = Problem(place_in(self.path, error), f"'{self.name}' fails: {words_of(error)}")
            raise RecipeError([problem]) from error
        match found:
            case torch.nn.Module() | [Callable()]:
                raise self._wrong(f"'{self.name}' gives no arguments; {WANTED}")
            case (function, args) if callable(function):
                return Subject(function, _as_tuple(args), {})
            case (function, args, dict() as kwargs) if callable(function):
                return Subject(function, _as_tuple(args), kwargs)
        raise self._wrong(f"'{self.name}' gives a {type(found).__name__}; {WANTED}")

    @property
    def sizes(self) -> dict[str, int]:
        """Its parameters that are whole numbers by default: `def make(batch=2, seq=16)`."""
        found = inspect.signature(self.make).parameters.values()
        return {one.name: one.default for one in found if type(one.default) is int and one.default > 0}

    def _wrong(self, message: str) -> RecipeError:
        return RecipeError([Problem(Place(file=str(self.path)), message)])


def _as_tuple(args: Any) -> tuple[Any, ...]:
    return tuple(args) if isinstance(args, (tuple, list)) else (args,)


def model_file(text: str) -> ModelFile:
    """The function that `FILE.py:MAKE` names. The file is code, which is run: the person at the command line names it.

    Raises:
        RecipeError: there is no such file or function, or the file fails.
    """
    named, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        raise RecipeError([Problem(Place(), f"'{text}' names no function; write FILE.py:MAKE, where {WANTED}")])
    path = Path(named)
    module = _module(path)
    make = getattr(module, name, None)
    if callable(make):
        return ModelFile(path, name, make)
    have = [word for word, value in vars(module).items() if callable(value) and not word.startswith("_")]
    why = "is not a function" if hasattr(module, name) else f"is not in it{did_you_mean(name, have)}"
    raise RecipeError([Problem(Place(file=str(path)), f"'{name}' {why}; {WANTED}")])


def _module(path: Path) -> ModuleType:
    if not path.is_file() or path.suffix != ".py":
        why = "is not a file of Python" if path.exists() else "is not there"
        raise RecipeError(
            [Problem(Place(file=str(path)), f"it {why}; FILE.py:MAKE names a function of a file of Python")]
        )
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # as `python FILE.py` has it
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RecipeError([Problem(Place(file=str(path)), "Python has no loader for it")])
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    # dataclasses, and functions of autograd's that are imported again, look the module up here
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        if before is None:
            sys.modules.pop(path.stem, None)
        raise RecipeError([Problem(place_in(path, error), words_of(error))]) from error
    return module
