"""The page of two goldens side by side, as data: of each case the values that the first holds otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import StorageError
from tensorflow_free.golden.case_reviews import CaseReview
from tensorflow_free.golden.changes import Changes
from tensorflow_free.golden.given_cases import eager_cell
from tensorflow_free.golden.model import EXACT_DTYPE, GoldenFile
from tensorflow_free.golden.orphans import recipe_beside
from tensorflow_free.golden.places import read_golden_file
from tensorflow_free.golden.reading import read_case
from tensorflow_free.loading import load_recipe
from tensorflow_free.pages.case_list import CaseList, CaseRow
from tensorflow_free.pages.golden_sections import golden_section, reviewed_row, reviewed_section
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.side_by_side import SideBySide
from tensorflow_free.text.page import Words, line
from tensorflow_free.text.phrases import counted

SIDES: Final = ("new", "old")
"""What the first and the second are called."""


@dataclass(frozen=True, slots=True)
class GoldenSide:
    """A golden that is held against another.

    Attributes:
        side: what it is called.
        golden: what it holds.
        recipe: the recipe beside it; where there is none, that beside the other.
    """

    side: str
    golden: GoldenFile
    recipe: Path


def goldens_page(paths: Sequence[Path], command: str = "") -> HtmlPage:
    """The page of a golden beside another, such as one of an older commit.

    Raises:
        RecipeError: the recipe beside it has problems, or no longer a case that both hold.
        StorageError: one cannot be read, or there is no recipe beside either.
    """
    new, old = _sides(paths)
    cases = CaseList(("case", "values that differ", "moved within the noise"))
    for case in dict.fromkeys((*new.golden.cases, *old.golden.cases)):
        cases.add(*_held(case, new, old))
    told = [line(f"{one.side}: {one.golden.path}") for one in (new, old)]
    told.append(line(f"{counted(cases.bad, 'case')} with values that differ", "bad" if cases.bad else "good"))
    return cases.page(f"{new.golden.path} compared with {old.golden.path}", told, command)


def _sides(paths: Sequence[Path]) -> tuple[GoldenSide, GoldenSide]:
    recipes = [recipe_beside(path) for path in paths]
    there = [one for one in recipes if one.is_file()]
    if not there:
        raise StorageError(f"'{recipes[0]}' is not there, which tells how the values of its golden are judged")
    of = [one if one in there else there[0] for one in recipes]
    goldens = [read_golden_file(path, recipe) for path, recipe in zip(paths, recipes, strict=True)]
    new, old = map(GoldenSide, SIDES, goldens, of)
    return new, old


def _held(case: str, new: GoldenSide, old: GoldenSide) -> tuple[CaseRow, SideBySide]:
    """A case in a row, and its values."""
    name = case or "(the recipe as it is)"
    having = [one for one in (new, old) if case in one.golden.cases]
    if len(having) == 1:
        [one] = having
        row = CaseRow((name, Words(f"the {one.side} one alone has it", "bad"), ""), is_bad=True)
        return row, golden_section(one.recipe, case, read_case(one.golden, case))
    review = _review(case, new, old)
    row = reviewed_row(review)
    section = reviewed_section(review)
    graphs = [(one.side, load_recipe(one.recipe, _cell(case, one))) for one in (new, old)]
    return replace(row, cells=(name, *row.cells[3:])), replace(section, title=name, graphs=graphs, commands=())


def _review(case: str, new: GoldenSide, old: GoldenSide) -> CaseReview:
    """What a review would say if the new golden were a new recording."""
    are, were = (read_case(one.golden, case) for one in (new, old))
    exact = load_recipe(new.recipe, _cell(case, new))
    changes = Changes(were, are, old.golden.cases[case], new.golden.cases[case], exact)
    return CaseReview(str(new.recipe), case, new.golden.device, changes=tuple(changes), old=were, new=are)


def _cell(case: str, one: GoldenSide) -> Sequence[Override]:
    return eager_cell(case, one.golden.device or "cpu", EXACT_DTYPE)
