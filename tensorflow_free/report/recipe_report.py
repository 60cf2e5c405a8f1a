"""A recipe as a page: a row for each tensor and step, what is differentiated and expected. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tensorflow_free.picturing.chain_graph import chain_graph, title_of
from tensorflow_free.picturing.graph_model import ChainNode
from tensorflow_free.recipe.models import Expectation, Recipe, Step, TensorSpec
from tensorflow_free.report.run_page import cell_words
from tensorflow_free.text.characters import in_a_line, printable
from tensorflow_free.text.page import Grid, Line, column, grid, line, parted
from tensorflow_free.text.phrases import counted, shown, some

MOST_ROWS: Final = 200
"""Rows of the table; of more steps the last are only counted."""

_RowOfRecipe = tuple[str, str, str, str]
"""The cells of a row: name, op or init, what is written of it, what else is said."""


def page_of(recipe: Recipe) -> Iterator[Line | Grid]:
    """The whole report."""
    nodes = {one.name: one for one in chain_graph(recipe).nodes}
    steps = [*_steps(recipe.steps, nodes), *_steps(recipe.checks, nodes)]
    rows = [*(_tensor(*one) for one in recipe.tensors.items()), *steps]
    names, ops, written, more = list(zip(*rows[:MOST_ROWS], strict=True)) or [()] * 4
    table = grid(
        [
            column("name", names, "name", least=12),
            column("op", ops, least=10),
            column("written", written, least=16),
            column("", more, "aside", goes=1),
        ]
    )
    left_out = len(rows) - MOST_ROWS
    return parted(
        [
            [
                line(" · ".join(cell_words(recipe.stem, recipe)), "title"),
                *([line(in_a_line(recipe.description), "aside")] if recipe.description else []),
            ],
            [table, *([line(f"and {counted(left_out, 'more row')}", "aside")] if left_out > 0 else [])],
            _asked(recipe),
        ]
    )


def _tensor(name: str, tensor: TensorSpec) -> _RowOfRecipe:
    said = {key: getattr(tensor, key) for key in tensor.given if key not in ("init", "requires_grad")}
    return name, tensor.init, _mapping({**(tensor.model_extra or {}), **said}), "has a gradient" * tensor.requires_grad


def _steps(steps: Mapping[str, Step], nodes: Mapping[str, ChainNode], above: str = "") -> Iterator[_RowOfRecipe]:
    """The rows of steps; those inside a block stand below it, further to the right; parts of a line have none."""
    for name, step in steps.items():
        more = {"seed": step.seed, "carry": step.carry or None, "trace": step.trace or None}
        told = _mapping({key: value for key, value in more.items() if value is not None})
        if step.is_block:
            yield above + name, title_of(step), "", told
            yield from _steps(step.steps or {}, nodes, above + "  ")
        elif not nodes[name].whole:
            yield above + name, nodes[name].op, printable(nodes[name].line), told


def _mapping(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {shown(value)}" for key, value in given.items())


def _asked(recipe: Recipe) -> Iterator[Line]:
    """What is differentiated, what is expected, and which cases there are."""
    if recipe.backward:
        yield line(f"backward: {some(one.target for one in recipe.backward)}")
    for name, listed in recipe.expect.items():
        yield line(f"expects of {name}: {'; '.join(map(_expected, listed))}")
    if recipe.relations:
        yield line(f"relations: {some(recipe.relations)}")
    if recipe.cases:
        yield line(f"cases: {some(recipe.cases)}", "aside")


def _expected(one: Expectation) -> str:
    return _mapping({key: getattr(one, key) for key in type(one).model_fields if key in one.given})
