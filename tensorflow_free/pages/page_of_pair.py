"""The page of two runs side by side, as data: what differs first, both values and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_free.cell.saved_cells import reference_of_saved
from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.pages.compared_rows import chain_marks, columns_of, compared_rows, node_words, values_in
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.side_by_side import SideBySide
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.comparison_report import summary_of
from tensorflow_free.report.compiler_report import compiler_line
from tensorflow_free.report.run_page import failure, heading
from tensorflow_free.report.runs_apart import differences, stopped_apart
from tensorflow_free.result.result import Result
from tensorflow_free.text.characters import command_of, in_a_line
from tensorflow_free.text.page import Line, Page, line, text_lines

SIDES = ("actual", "expected")


@dataclass(frozen=True, slots=True)
class RunPair:
    """Two runs that were compared.

    Attributes:
        folders: where the two lie, the judged one first.
        results: both.
        comparison: what was found of their values.
    """

    folders: tuple[Path, Path]
    results: tuple[Result, Result]
    comparison: Comparison


def pair_page(pair: RunPair, command: str = "") -> HtmlPage:
    """The page of two runs."""
    section = pair_section(pair)
    return HtmlPage("pair", section.title, section.head(), section.parts(), command)


def pair_section(pair: RunPair) -> SideBySide:
    """Two runs side by side."""
    mine, its = pair.results
    comparison = pair.comparison
    rows = compared_rows(comparison, values_in(mine), values_in(its))
    names = list(map(str, pair.folders))
    return SideBySide(
        f"{names[0]} compared with {names[1]}",
        [*_who(pair), *summary_of(comparison), *_stopped(pair)],
        columns_of(SIDES),
        SIDES,
        rows,
        None if comparison.where is None else comparison.where.value,
        [("what the two runs hang on", found)] if (found := list(differences(mine, its))) else [],
        [
            ("the same in the terminal", command_of(["recipe", "compare", *names])),
            *(
                (f"the {side} run", command_of(["recipe", "show", name]))
                for side, name in zip(SIDES, names, strict=True)
            ),
        ],
        graphs_of([mine.recipe, its.recipe]),
        chain_marks(rows),
        has_numbers=True,
    )


def _who(pair: RunPair) -> list[Line]:
    """What the two are."""
    named = zip(SIDES, pair.folders, pair.results, strict=True)
    return [line(f"{side}: {folder}: {heading(result)}") for side, folder, result in named]


def _stopped(pair: RunPair) -> Page:
    mine, its = pair.results
    compiled = [told for one in pair.results for told in compiler_line(one)]
    return [*compiled, *(line(words, "bad") for words in stopped_apart(mine, its))]


def graphs_of(recipes: Sequence[Recipe]) -> list[tuple[str, Recipe]]:
    """What is drawn of two recipes, or of one alone: the chain of each side."""
    return list(zip(SIDES, recipes, strict=False))


def cell_page(folder: Path, saved: Result, comparison: Comparison, command: str = "") -> HtmlPage:
    """The page of a sweep's cell beside its reference, which is run again for its numbers.

    Args:
        folder: the cell's folder.
        saved: what was read of it.
        comparison: what was found when it ran.
        command: what a person types for the page.
    """
    reference, why = _reference(folder, saved)
    actual, expected = values_in(saved), values_in(reference)
    rows = compared_rows(comparison, actual, expected)
    failed = text_lines("\n".join(failure(saved)), "bad")
    section = SideBySide(
        f"{folder} compared with its reference",
        [line(heading(saved), "title"), *summary_of(comparison), *failed, *([line(why, "notice")] if why else [])],
        columns_of(SIDES),
        SIDES,
        rows,
        None if comparison.where is None else comparison.where.value,
        commands=[
            ("which step is to blame", command_of(["recipe", "blame", str(folder), *ops_words()])),
            ("the run", command_of(["recipe", "show", str(folder)])),
        ],
        graphs=graphs_of([saved.recipe, *([] if reference is None else [reference.recipe])]),
        marks=chain_marks(rows),
        has_numbers=True,
        node_words=node_words(actual, expected),
    )
    return HtmlPage("pair", section.title, section.head(), section.parts(), command)


def _reference(folder: Path, saved: Result) -> tuple[Result | None, str]:
    """The run that a cell is held against; else why its numbers are not there."""
    try:
        return reference_of_saved(folder, saved), ""
    except Exception as error:  # noqa: BLE001 - an op of the user's may raise whatever it likes
        told = in_a_line(str(error).partition("\n")[0] or type(error).__name__)
        return None, f"the numbers of its reference are not shown, as it does not run here: {told}"


def stored_pair(folders: tuple[Path, Path], results: tuple[Result, Result]) -> RunPair:
    """Two saved runs, compared as `recipe compare` does."""
    return RunPair(folders, results, compare_stored(*results, Judging()))
