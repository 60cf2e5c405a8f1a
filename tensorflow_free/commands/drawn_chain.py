"""The chain of a recipe, or of a run's folder, as a graph: in a terminal, or as an SVG picture. Imports late."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tensorflow_free.codec.stored_numbers import NotPlainError
from tensorflow_free.commands.flags import wrong
from tensorflow_free.loading import read_form
from tensorflow_free.pages.html_document import write_pieces
from tensorflow_free.picturing.graph_model import ChainGraph
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.picturing.svg_drawing import NodeText, svg_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import RECIPE_SUFFIXES
from tensorflow_free.report.graph_report import graph_of_run, graph_page, node_texts
from tensorflow_free.report.run_page import heading
from tensorflow_free.report.stored_report import stored_values
from tensorflow_free.result.stored_run import stored_run
from tensorflow_free.text.page import Grid, Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow_free.report.told_run import ToldRun, ToldValue


@dataclass(frozen=True, slots=True)
class DrawnChain:
    """A chain that is drawn.

    Attributes:
        title: what it is of.
        graph: the chain.
        texts: what is told of each value; empty of a recipe that did not run.
        page: its drawing in lines.
    """

    title: str
    graph: ChainGraph
    texts: dict[str, NodeText]
    page: list[Line | Grid]

    def svg(self) -> str:
        """Its picture."""
        return svg_of(laid_out(self.graph), self.texts, self.title)


def chain_at(path: Path, overrides: Sequence[str] = ()) -> DrawnChain:
    """The chain of a recipe file, which need not run, or of a run's folder.

    Args:
        path: the file, or the folder.
        overrides: of a recipe, what differs from its file.

    Raises:
        RecipeError: it is a recipe that has problems, or a run with overrides.
        StorageError: it cannot be read.
    """
    if path.suffix in RECIPE_SUFFIXES and not path.is_dir():
        recipe = read_form(path, overrides)
        return _drawn(recipe, " ".join([path.stem, *overrides]), {})
    if overrides:
        raise wrong(f"override '{overrides[0]}'", f"'{path}' is drawn as it ran; an override is of a recipe's file")
    with suppress(NotPlainError), stored_run(path) as run:
        return _drawn_run(run, stored_values(run))
    from tensorflow_free.report.result_report import told_values
    from tensorflow_free.result.reading import read_result

    result = read_result(path)
    return _drawn_run(result, told_values(result))


def _drawn_run(run: ToldRun, values: Mapping[str, ToldValue]) -> DrawnChain:
    return _drawn(run.recipe, heading(run), values)


def _drawn(recipe: Recipe, title: str, values: Mapping[str, ToldValue]) -> DrawnChain:
    graph = graph_of_run(recipe, values)
    texts = node_texts(graph, values) if values else {}
    return DrawnChain(title, graph, texts, list(graph_page(graph, values, title)))


def write_svg(path: Path, overrides: Sequence[str], to: Path) -> None:
    """Write the picture of a chain, which takes the place of what was there, and its folder where there is none.

    Raises:
        RecipeError: it is a recipe that has problems, or a run with overrides.
        StorageError: it cannot be read, or the picture cannot be written.
    """
    write_pieces([chain_at(path, overrides).svg()], to)
