"""Functions of autograd's that users write, as ops of their own: a file of Python beside the recipe."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from tensorflow_free.tracing.refusals import ModelLine, refusal

OwnFunction = type[torch.autograd.Function]


def op_name_of(function: OwnFunction, source: ModelLine) -> str:
    """What a recipe calls such a function: `model.Clipped`.

    Raises:
        RecipeError: a file could not import it.
    """
    if "<locals>" in function.__qualname__:
        name = function.__qualname__.rpartition(".")[2]
        raise refusal(
            f"'{name}' is a torch.autograd.Function that is defined inside a function",
            source,
            "define it at the top of its file, so that it can be imported",
        )
    return f"{_module_word(function)}.{function.__qualname__}"


def _module_word(function: OwnFunction) -> str:
    file = inspect.getsourcefile(function)
    return Path(file).stem if function.__module__ == "__main__" and file else function.__module__.rpartition(".")[2]


def ops_text(functions: Iterable[OwnFunction], recipe: str, folder: Path) -> str:
    """The text of a file that registers functions as ops: `run-recipe RECIPE --ops FILE`.

    Args:
        functions: what it registers.
        recipe: the name of the recipe's file.
        folder: where the file will lie; it finds the modules from there.
    """
    functions = list(functions)
    folders = sorted({folder for folder, _ in map(_import_of, functions) if folder is not None})
    paths = [f"sys.path.insert(0, str(Path(__file__).parent / {os.path.relpath(one, folder)!r}))" for one in folders]
    modules = sorted({_import_of(one)[1] for one in functions})
    quotes = '"' * 3
    lines = [
        f"{quotes}The functions of autograd's that {recipe} calls; give this file to run-recipe by --ops.{quotes}",
        "",
        *(["import sys", "from pathlib import Path", ""] if paths else []),
        "from tensorflow_free import register_op",
        "",
        *paths,
        *(["import " + one + ("  # noqa: E402" if paths else "") for one in modules]),
    ]
    for one in functions:
        lines += ["", "", *_definition(one)]
    return "\n".join(lines) + "\n"


def _import_of(function: OwnFunction) -> tuple[str | None, str]:
    """The folder that must be on Python's path, and the module's name from there."""
    file, name = inspect.getsourcefile(function), function.__module__
    if file is None:
        return None, name
    path = Path(file).resolve()
    if name == "__main__":
        return str(path.parent), path.stem
    root = path.parents[name.count(".") + (path.name == "__init__.py")]
    return (None if "site-packages" in path.parts else str(root)), name


def _definition(function: OwnFunction) -> Iterator[str]:
    top = _import_of(function)[1].partition(".")[0]
    parameters = [
        one.replace(annotation=inspect.Parameter.empty, name=f"{one.name}_" if one.name == top else one.name)
        for one in _parameters(function)
    ]
    given = ", ".join(f"*{one.name}" if one.kind is one.VAR_POSITIONAL else one.name for one in parameters)
    word = function.__qualname__.replace(".", "_").lower()
    yield f'@register_op("{_module_word(function)}.{function.__qualname__}", replace=True)'
    yield f"def apply_{word}{inspect.Signature(parameters)}:"
    yield f"    return {_import_of(function)[1]}.{function.__qualname__}.apply({given})"


def _parameters(function: OwnFunction) -> list[inspect.Parameter]:
    """The parameters of its `forward`, but for the context where it has one."""
    found = list(inspect.signature(function.forward).parameters.values())
    has_context = function.setup_context is torch.autograd.Function.setup_context
    return found[1:] if has_context else found
