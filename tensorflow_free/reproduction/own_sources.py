"""The source of a user's function, with all of the user's that it needs: functions, classes, constants, imports."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import torch

from tensorflow_free.reproduction.python_words import NotWritten

PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
REGISTERS: Final = "register_op"
"""What a decorator is called that a script has no use for."""

_NOT_OWN: Final = (sysconfig.get_path("stdlib"), str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))
_HEAD: Final = {"torch": "import torch", "F": "import torch.nn.functional as F"}
"""Imports that a script has anyway, where it needs them."""


@dataclass(slots=True)
class OwnSources:
    """What stands above a script's steps of ops of the user's own, in the order in which Python reads it.

    Attributes:
        taken: names of the script's own values; what is defined under one of them is called `NAME_op`.
        imports: the lines that import what is installed, by the name that they give.
        definitions: functions, classes and constants, by name.
    """

    taken: frozenset[str] = frozenset()
    imports: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)

    def add(self, function: Callable[..., Any], op: str) -> str:
        """Take a function, and what it needs: its name.

        Raises:
            NotWritten: a script cannot have it.
        """
        try:
            return self._called(self._defined(function))
        except NotWritten as reason:
            raise NotWritten(f"the op '{op}' of your own, {reason}") from None

    def lines(self) -> list[str]:
        """The sources, under the names that the script has for them."""
        clashing = sorted(self.taken & self.definitions.keys())
        if not clashing:
            return list(self.definitions.values())
        words = re.compile(rf"(?<![\w.])(?:{'|'.join(clashing)})\b")
        return [words.sub(lambda found: self._called(found[0]), one) for one in self.definitions.values()]

    def _called(self, name: str) -> str:
        return f"{name}_op" if name in self.taken else name

    def _defined(self, value: Any) -> str:
        name: str = value.__name__
        if name in self._begun:
            return name
        self._begun.add(name)
        node, text = _node_of(value)
        space = _names_around(value)
        source = self._with_own_modules(_source_of(node, text), space)
        for word in _words_of(node):
            if word in space and word != name and not isinstance(space[word], ModuleType):
                self._needed(word, space[word])
            elif isinstance(space.get(word), ModuleType) and not _is_own_module(space[word]):
                self._import(word, f"import {space[word].__name__}", space[word].__name__)
        self.definitions[name] = source
        return name

    def _with_own_modules(self, source: str, space: Mapping[str, Any]) -> str:
        """A source that names what modules of the user's hold without them: `swish.Swish` as `Swish`."""
        for name, module in space.items():
            if isinstance(module, ModuleType) and _is_own_module(module):
                source = re.sub(rf"(?<![\w.]){name}((?:\.\w+)+)", lambda found: self._inside(module, found[1]), source)  # noqa: B023 - it is called at once
        return source

    def _inside(self, module: ModuleType, path: str) -> str:
        value, parts = module, path[1:].split(".")
        name = ""
        while parts and isinstance(value, ModuleType):
            name = parts.pop(0)
            value = getattr(value, name)
        self._needed(name, value)
        return ".".join([name, *parts])

    def _needed(self, name: str, value: Any) -> None:
        """Take what a name stands for."""
        if name in self.definitions or name in self.imports:
            return
        owner = getattr(value, "__self__", None)
        if isinstance(value, (MethodType, BuiltinMethodType)) and isinstance(owner, type):
            self.definitions[name] = f"{name} = {self._defined(owner)}.{value.__name__}"
        elif _is_plain(value):
            self.definitions[name] = f"{name} = {value!r}"
        elif isinstance(value, (FunctionType, type)) and _is_own_file(_file_of(value)):
            given = self._defined(value)
            if given != name:
                self.definitions[name] = f"{name} = {given}"
        elif (module := getattr(value, "__module__", None)) is not None and hasattr(value, "__name__"):
            self._import(name, f"from {module} import {value.__name__}", value.__name__)
        else:
            raise NotWritten(f"which reads '{name}', a {type(value).__name__}")

    def _import(self, name: str, line: str, given: str) -> None:
        if name not in _HEAD:
            self.imports[name] = line if given == name else f"{line} as {name}"


def _node_of(value: Any) -> tuple[ast.FunctionDef | ast.ClassDef, str]:
    """Where a function or class is defined in its file, and the file's text."""
    file = _file_of(value)
    try:
        text = Path(file or "").read_text(encoding="utf-8")
    except OSError:
        raise NotWritten("whose source cannot be read") from None
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == value.__name__:
            return node, text
    raise NotWritten(f"of which '{value.__qualname__}' is not defined by `def` or `class` at the top of a file")


def _source_of(node: ast.FunctionDef | ast.ClassDef, text: str) -> str:
    """A definition's text, without the decorators that register it."""
    above = [ast.get_source_segment(text, one) or "" for one in node.decorator_list]
    kept = [f"@{one}" for one in above if REGISTERS not in one]
    return "\n".join([*kept, ast.get_source_segment(text, node) or ""])


def _words_of(node: ast.AST) -> Iterator[str]:
    """The names that a definition reads, each once, but for what it registers itself by."""
    skipped = {
        id(inner)
        for one in getattr(node, "decorator_list", [])
        if REGISTERS in ast.unparse(one)
        for inner in ast.walk(one)
    }
    words = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and id(one) not in skipped]
    yield from (word for word in dict.fromkeys(words) if not hasattr(builtins, word))


def _names_around(value: Any) -> Mapping[str, Any]:
    """The names of a definition's file."""
    if isinstance(value, FunctionType):
        return value.__globals__
    inner = next((one for one in map(inspect.unwrap, _functions_of(value))), None)
    return vars(inspect.getmodule(value)) if inner is None else inner.__globals__


def _functions_of(kind: type) -> Iterator[FunctionType]:
    for one in vars(kind).values():
        function = one.__func__ if isinstance(one, (staticmethod, classmethod)) else one
        if isinstance(function, FunctionType) and function.__module__ == kind.__module__:
            yield function


def _file_of(value: Any) -> str | None:
    if isinstance(value, type):
        return getattr(sys.modules.get(value.__module__), "__file__", None)
    function: FunctionType = inspect.unwrap(value)
    return function.__code__.co_filename


def _is_own_module(module: ModuleType) -> bool:
    return _is_own_file(getattr(module, "__file__", None))


def _is_own_file(file: str | None) -> bool:
    """Whether a file is the user's: neither installed nor Python's nor ours."""
    if file is None or not file.endswith(".py"):
        return False
    return not file.startswith(_NOT_OWN) and {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _is_plain(value: Any) -> bool:
    """Whether Python reads what is printed of a value back as it."""
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, [*value, *value.values()]))
    return isinstance(value, PLAIN) and not (isinstance(value, float) and value - value != 0)
