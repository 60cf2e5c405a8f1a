"""What a notebook shows of a result, a recipe, a comparison or a sweep: its page as HTML, and its graph folded."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Final

from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.picturing.svg_drawing import svg_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report import comparison_report, recipe_report, result_report
from tensorflow_free.report.graph_report import graph_of_run, node_texts
from tensorflow_free.report.run_page import cell_words
from tensorflow_free.report.told_run import ToldValue
from tensorflow_free.result.result import Result
from tensorflow_free.sweep.sweep import Sweep
from tensorflow_free.text.faces import Shown
from tensorflow_free.text.markup import folded, framed, markup_of, picture
from tensorflow_free.text.page import line

MOST_DRAWN: Final = 200
"""Values of a chain up to which its graph is drawn: each output of a notebook holds all of its own."""


def face_of(thing: Shown) -> str:
    """The HTML of a thing: escaped, without scripts, readable on light and dark."""
    return framed(*_parts(thing))


@singledispatch
def _parts(thing: object) -> tuple[str, ...]:
    raise TypeError(f"there is no page of a {type(thing).__name__}")


@_parts.register
def _(thing: Recipe) -> tuple[str, ...]:
    return markup_of(recipe_report.page_of(thing)), _graph(thing.stem, thing, {})


@_parts.register
def _(thing: Result) -> tuple[str, ...]:
    values = result_report.told_values(thing)
    return markup_of(result_report.page_of(thing)), _graph(thing.name, thing.recipe, values)


@_parts.register
def _(thing: Comparison) -> tuple[str, ...]:
    return (markup_of(comparison_report.page_of(thing)),)


@_parts.register
def _(thing: Sweep) -> tuple[str, ...]:
    return (markup_of(thing.page()),)


def _graph(name: str, recipe: Recipe, values: Mapping[str, ToldValue]) -> str:
    """The graph of a chain, folded; of a long one, what draws it."""
    graph = graph_of_run(recipe, values)
    if len(graph.nodes) > MOST_DRAWN:
        told = f"its graph has {len(graph.nodes):,} values; `recipe page` draws it, of a saved run"
        return markup_of([line(told, "aside")])
    title = f"graph of {' · '.join(cell_words(name, recipe))}"
    return folded("graph", picture(svg_of(laid_out(graph), node_texts(graph, values), title), title))
