"""The culprits of a cell that is red, found so that nothing that goes wrong in finding them costs the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.findings import marks_of, unmarked
from tensorflow_free.cell.reference import Source
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.overrides import Override
from tensorflow_free.judging.culprits import Blame, not_found
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors


def is_red(comparison: Comparison | None, result: Result) -> bool:
    """Whether values are out of bounds that no mark bears."""
    return comparison is not None and bool(unmarked(comparison, marks_of(result).values()))


def blamed_safely(  # noqa: PLR0913 - as of `blamed`
    source: Source,
    overrides: Sequence[Override],
    recipe: Recipe,
    result: Result,
    comparison: Comparison,
    kept: KeptRuns,
    *,
    given: GivenTensors | None = None,
) -> Comparison:
    """As `blamed`; raises nothing: why no culprit could be looked for is a note of the blame."""
    try:
        return blamed(source, overrides, recipe, result, comparison, kept, given=given)
    except Exception as error:  # noqa: BLE001 - an op of the user's may raise whatever it likes, when it is run alone
        return replace(comparison, blame=Blame(notes=(not_found(f"{type(error).__name__}: {error}"),)))
