"""The page of a golden, as data: each of its cases, with the values that were recorded."""

from __future__ import annotations

from pathlib import Path

from tensorflow_free.golden.orphans import recipe_beside
from tensorflow_free.golden.places import read_golden_file
from tensorflow_free.golden.reading import read_case
from tensorflow_free.pages.case_list import CaseList, CaseRow
from tensorflow_free.pages.golden_sections import golden_section
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.text.page import line
from tensorflow_free.text.phrases import counted


def golden_page(path: Path, command: str = "") -> HtmlPage:
    """The page of a golden.

    Raises:
        StorageError: it cannot be read.
    """
    recipe = recipe_beside(path)
    golden = read_golden_file(path, recipe)
    cases = CaseList(("case", "values", "recorded with"))
    for case in golden.cases:
        stored = read_case(golden, case)
        cells = (case or "(the recipe as it is)", counted(len(stored.values), "value"), f"torch {stored.made.torch}")
        cases.add(CaseRow(cells), golden_section(recipe, case, stored))
    device = [] if golden.device is None else [line(f"for {golden.device} alone")]
    return cases.page(path.name, [line(f"what {recipe} gave, kept beside it", "aside"), *device], command)
