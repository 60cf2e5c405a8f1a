"""A chain as a graph in a terminal, and the words in the boxes of its picture. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tensorflow_free.picturing.chain_graph import chain_graph
from tensorflow_free.picturing.graph_model import ChainGraph, ChainNode
from tensorflow_free.picturing.svg_drawing import NodeText
from tensorflow_free.picturing.text_graph import text_rows
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.told_run import ToldValue
from tensorflow_free.text.page import Grid, Line, Style, column, grid, line

INDENT: Final = "  "
"""What stands before the name of a value for each block around it."""


def graph_of_run(recipe: Recipe, values: Mapping[str, ToldValue]) -> ChainGraph:
    """The chain of a run, gradients along what autograd recorded; of a recipe that did not run, as its ops' names tell.

    Args:
        recipe: what ran.
        values: of the run, by name; none where nothing ran.
    """
    steps = [one for one in values.values() if one.kind == "step" and "." not in one.name]
    # a compiler may leave no value a node of autograd's
    is_told = any(one.grad_fn is not None for one in steps)
    return chain_graph(recipe, {one.name: one.grad_fn is not None for one in steps} if is_told else None)


def graph_page(graph: ChainGraph, values: Mapping[str, ToldValue], title: str) -> Iterator[Line | Grid]:
    """A chain in lines, its columns on the left, as `git log --graph` draws one.

    Args:
        graph: the chain.
        values: of a run, by name; none of a recipe that did not run.
        title: what stands above it.
    """
    nodes = {one.name: one for one in graph.nodes}
    rows = list(text_rows(graph))
    texts = [_text_of(values, one.name) if not one.title else NodeText() for one in rows]
    marks = [nodes[one.name].op if not one.title and nodes[one.name].kind == "tensor" else "" for one in rows]
    steps = [one.title or nodes[one.name].line or mark for one, mark in zip(rows, marks, strict=True)]
    yield line(title, "title")
    yield line()
    yield grid(
        [
            column("", [one.lanes for one in rows], "aside"),
            column("name", [INDENT * one.depth + one.name for one in rows], "name", least=10),
            column("step", steps, least=16),
            column("", ["" if one.title else _memory(nodes[one.name]) for one in rows], "aside", goes=3),
            column("dtype", [one.about for one in texts], "aside", goes=2),
            column("value", [one.value for one in texts], _alarm, least=16),
            column("gradient", [one.gradient for one in texts], _alarm, least=16),
        ]
    )
    if graph.targets:
        yield line()
        yield line(f"backward from {', '.join(one.name for one in graph.targets)}", "aside")


def _memory(node: ChainNode) -> str:
    return "in place" if node.in_place else "view" if node.view else ""


def _alarm(cell: str) -> Style:
    return "alarm" if "nan" in cell or "inf" in cell else ""


def node_texts(graph: ChainGraph, values: Mapping[str, ToldValue]) -> dict[str, NodeText]:
    """What stands in the boxes of a picture of a run, by name."""
    return {one.name: _text_of(values, one.name) for one in graph.nodes}


def _text_of(values: Mapping[str, ToldValue], name: str) -> NodeText:
    value, gradient = values.get(name), values.get(f"{name}.grad")
    words = "" if gradient is None or gradient.is_none else gradient.words()
    if value is None:
        return NodeText("", "", words)
    return NodeText(f"{value.type} {value.shape}".strip(), value.words(), words)
