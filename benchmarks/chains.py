"""A chain of small ops: as a recipe, as the same calls in Python, and as a graph of `torch.fx`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import fx

OPS: Final = ("mul", "add", "sub", "maximum")
"""The ops of a chain, in turn; each takes the value before it and `w`. They keep its numbers near 1."""


def chain(length: int, record: str, tensors: dict[str, Any] | None = None) -> dict[str, Any]:
    """The chain as a recipe: `s0` is made of `x` and `w`, each step of the one before it and `w`."""
    names = ["x", *(f"s{index}" for index in range(length))]
    steps = {names[index + 1]: {"op": OPS[index % len(OPS)], "args": [names[index], "w"]} for index in range(length)}
    return {"tensors": tensors or {"x": 0.5, "w": 0.75}, "steps": steps, "record": record}


def python_source(length: int, *, keep: bool) -> str:
    """The chain as the body of a Python function of `x` and `w`: a variable for each value, or one for all."""
    names = ["x", *(f"s{index}" if keep else "y" for index in range(length))]
    lines = [f"    {names[index + 1]} = torch.{OPS[index % len(OPS)]}({names[index]}, w)" for index in range(length)]
    given = f"[{', '.join(names[1:])}]" if keep else "y"
    return "\n".join(["def run(x, w):", *lines, f"    return {given}"])


def compiled_source(source: str) -> Callable[..., Any]:
    """The function `run` of some Python source."""
    names: dict[str, Any] = {"torch": torch}
    exec(source, names)
    run: Callable[..., Any] = names["run"]
    return run


def graph_of(length: int) -> fx.GraphModule:
    """The chain as a graph that gives its last value."""
    graph = fx.Graph()
    value, w = graph.placeholder("x"), graph.placeholder("w")
    for index in range(length):
        value = graph.call_function(getattr(torch, OPS[index % len(OPS)]), (value, w))
    graph.output(value)
    return fx.GraphModule({}, graph)
