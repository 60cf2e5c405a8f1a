"""What a notebook shows of a result, a recipe, a comparison or a sweep: its page as HTML."""

from __future__ import annotations

from functools import singledispatch

from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report import comparison_report, recipe_report, result_report
from tensorflow_free.result.result import Result
from tensorflow_free.sweep.sweep import Sweep
from tensorflow_free.text.faces import Shown
from tensorflow_free.text.markup import framed, markup_of
from tensorflow_free.text.page import Page


def face_of(thing: Shown) -> str:
    """The HTML of a thing: escaped, without scripts, readable on light and dark."""
    return framed(markup_of(_page_of(thing)))


@singledispatch
def _page_of(thing: object) -> Page:
    raise TypeError(f"there is no page of a {type(thing).__name__}")


_page_of.register(Recipe, recipe_report.page_of)
_page_of.register(Result, result_report.page_of)
_page_of.register(Comparison, comparison_report.page_of)
_page_of.register(Sweep, Sweep.page)
