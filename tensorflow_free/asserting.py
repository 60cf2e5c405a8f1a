"""Recipes inside tests: `assert_recipe`, what a case is compared with, and a failure that fits a screen.

A case is compared with its golden; a recipe without a golden is judged by what it expects.
"""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import Final, NoReturn
from unittest import SkipTest

from tensorflow_free.golden.expecting import judge_all
from tensorflow_free.golden.verification import Verification
from tensorflow_free.outcome.outcomes import ABSENT, Outcome
from tensorflow_free.report.comparison_report import failure_of
from tensorflow_free.text.characters import printable
from tensorflow_free.text.drawing import text_of
from tensorflow_free.text.page import Line, line, text_lines, within

MOST_LINES: Final = 30
"""Lines of one failure: it must fit a screen with what pytest writes around it."""

MOST_UNMET: Final = 4
"""Expectations that are shown beside a mismatch: mostly they follow from it."""


def assert_recipe(path: str | Path, *overrides: str, strict: bool = False) -> None:
    """Check a recipe against its golden, or else by what it expects: every case, or the one that is chosen.

    Args:
        path: the recipe file; relative to the working directory, or to the calling file's folder or one above it.
        overrides: the cell: of `device`, `dtype`, `backend`, `settings`, and `case`.
        strict: whether a case fails of which a value could not be judged, or a verdict could not have failed.

    Raises:
        AssertionError: a case fails; its text is the one that pytest shows for a recipe that it collected.
        RecipeError: an override changes more than the cell, so that the golden would be of another recipe.
        unittest.SkipTest: no case can run here, for instance for want of a device (under pytest: pytest's own skip).

    Example:
        >>> from tensorflow_free import assert_recipe
        >>> def test_a_gradient_in_half_precision():
        ...     assert_recipe("recipes/linear_autograd.yaml", "dtype=bfloat16")
        >>> test_a_gradient_in_half_precision()
    """
    __tracebackhide__ = True
    found = list(judge_all(_file(path, inspect.currentframe()), overrides))
    found = [one.strictly() for one in found] if strict else found
    bad = [one for one in found if not one.is_well]
    if bad:
        raise AssertionError("\n\n".join(f"{_title(one)}\n{failure_text(one)}" for one in bad))
    if all(one.outcome in ABSENT for one in found):
        _skip(printable("; ".join(dict.fromkeys(one.reason for one in found))))


# words


def failure_text(found: Verification) -> str:
    """What is wrong with a case, for a person who has one screen: where first, how far off, and how to see it again."""
    first, *rest = _lines(found) or [line()]
    again = line(f"run it alone: {found.command}")
    return text_of([line(f"{found.outcome}: {first}"), *within(rest, 0, MOST_LINES), again])


def _title(found: Verification) -> str:
    """The case and the cell that a verdict is on: `recipes/attention.yaml, case small, bfloat16-cpu`."""
    case = [f"case {found.case}"] if found.case else []
    return printable(", ".join([found.recipe, *case, *([found.cell] if found.cell else [])]))


def _lines(found: Verification) -> list[Line]:
    if found.outcome != Outcome.MISMATCH or found.comparison is None or not found.comparison.bad:
        return text_lines(found.reason)
    golden = [f"golden: {found.golden}"] if found.golden is not None else []
    unmet = found.unmet
    more = [f"and {len(unmet) - MOST_UNMET} more expectations do not hold"] if len(unmet) > MOST_UNMET else []
    beside = (*golden, *found.above, *found.apart, *unmet[:MOST_UNMET], *more, *found.stopped)
    return [*failure_of(found.comparison, found.operands), *map(line, beside)]


# the test that asks


def _file(path: str | Path, frame: object) -> Path:
    """The recipe file: from the working directory, else from the folder of the test's own file or one above it."""
    if Path(path).is_absolute() or Path(path).exists():
        return Path(path)
    caller = getattr(getattr(frame, "f_back", None), "f_globals", {}).get("__file__")
    folders = Path(caller).resolve().parents if caller else ()
    return next((folder / path for folder in folders if (folder / path).is_file()), Path(path))


def _skip(reason: str) -> NoReturn:
    """Skip the test that runs, by its runner's own means."""
    __tracebackhide__ = True
    pytest = sys.modules.get("pytest") if "PYTEST_CURRENT_TEST" in os.environ else None
    if pytest is not None:
        pytest.skip(reason)
    raise SkipTest(reason)
