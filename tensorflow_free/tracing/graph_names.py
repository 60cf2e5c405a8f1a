"""What a graph of torch.fx knows of the code that it was made of: modules, lines, and the names of what is lifted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import fx
from torch.fx import _pytree as fx_pytree

from tensorflow_free.tracing.refusals import ModelLine

TORCH_FOLDER: Final = str(Path(torch.__file__).parent)

_LINE: Final = re.compile(r'File "([^"]+)", line (\d+)')
_SUBSCRIPT: Final = re.compile(r"""\[['"]?(\w+)['"]?\]""")
_LIFTED: Final = re.compile(r"[lLgG]_(\w*?)_*")
_OF_MODULES: Final = frozenset({"_modules", "_parameters", "_buffers", "__closure__", "cell_contents", "self"})
_WORDS_OF_MODULES: Final = re.compile(r"(?:^|_)(?:modules|parameters|buffers)_")


def module_of(node: fx.Node) -> str:
    """The path of the module that made a node's call: `attn.q`; empty where the graph does not say."""
    stack: Mapping[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    return attribute_path(list(stack.values())[-1][0]) if stack else ""


def ends_module(node: fx.Node) -> bool:
    """Whether the next node is no longer of the module that made this one, nor of one inside it."""
    keys, after = ((one.meta.get("nn_module_stack") or {}) for one in (node, node.next))
    return bool(keys) and next(reversed(keys)) not in after


def line_of(node: fx.Node) -> ModelLine | None:
    """The innermost line of the model that a node was made of, where the graph says one."""
    found = _LINE.findall(node.stack_trace or "")
    own = [one for one in found if not one[0].startswith((TORCH_FOLDER, "<"))]
    return ModelLine(own[-1][0], int(own[-1][1])) if own else None


def attribute_path(source: str) -> str:
    """A path of attributes of what Dynamo calls a value: `L['self']._modules['fc'].bias` is `fc.bias`."""
    words = _SUBSCRIPT.sub(r".\1", source).split(".")
    return ".".join(word for word in words[words[0] in ("L", "G") :] if word and word not in _OF_MODULES)


def input_paths(graph: fx.GraphModule) -> list[str]:
    """A name for each input: parameters that were lifted by the module's attributes, others by those of the code."""
    return [_input_path(node) for node in graph.graph.nodes if node.op == "placeholder"]


def _input_path(node: fx.Node) -> str:
    source = getattr(node.meta.get("grapharg"), "source", None) or node.meta.get("_dynamo_source")
    if source is not None:
        name = source.name
        return attribute_path(name() if callable(name) else name) or node.name
    word = str(node.target).lstrip("*")
    lifted = _LIFTED.fullmatch(word)
    if lifted is None:
        return word
    return _WORDS_OF_MODULES.sub(".", re.sub("^self_", "", lifted[1])).strip("._") or word


def flat_inputs(graph: fx.GraphModule, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any] | None:
    """What the placeholders are given where a graph takes nested arguments, as an exported one; None of a plain one."""
    info = getattr(graph.graph._codegen, "pytree_info", None)
    return None if info is None else list(fx_pytree.tree_flatten_spec((tuple(args), dict(kwargs)), info.in_spec))


def named_inputs(
    graph: fx.GraphModule, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Any]] | None:
    """The inputs of a plain graph by name; None of one that takes nested arguments, which has their names itself."""
    if flat_inputs(graph, args, kwargs) is not None:
        return None
    return zip(input_paths(graph), [*args, *kwargs.values()], strict=False)
