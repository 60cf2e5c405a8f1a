"""One cell of a pack in a worker: run from the packed numbers, and judged by the packed float64 values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tensorflow_free.cell.findings import shared_ops
from tensorflow_free.cell.yardstick import NoReference
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import StorageError
from tensorflow_free.golden.blamed_cases import blamed_case
from tensorflow_free.golden.cases import StoredCase
from tensorflow_free.golden.given_cases import other_starts
from tensorflow_free.golden.golden_judge import GoldenJudge, expected_result
from tensorflow_free.golden.model import BARE
from tensorflow_free.golden.places import golden_paths, read_golden_file
from tensorflow_free.golden.reading import read_case
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.plain_reasons import Bare
from tensorflow_free.outcome.reasons import AnyReason, Problems
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.turning import has_vectors
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial


class CheckTrial(Trial):
    """Runs cells of a pack, and judges them by what the pack holds of each."""

    def _compared(
        self, cell: Cell, recipe: Recipe, result: Result
    ) -> tuple[Comparison | NoReference | None, Problems | None, list[AnyReason]]:
        """The cell's values against the packed ones; against a reference made here where their signs are free."""
        self.stage("judging it")
        try:
            stored = _stored(cell.recipe)
        except StorageError as error:
            return NoReference(Problems(code="no reference", cell="the pack", problems=[str(error)])), None, []
        plan = plan_of(recipe)
        if others := list(other_starts(plan, stored)):
            problems = [f"the recipe does not start from the packed numbers of '{name}'" for name in others]
            return NoReference(Problems(code="no reference", cell="the pack", problems=problems)), None, []
        comparison = GoldenJudge(recipe, stored).judged(result)[1]
        notes: list[AnyReason] = list(shared_ops(result, expected_result(stored, recipe)))
        if comparison is not None and comparison.bad and has_vectors(plan):
            made = super()._compared(cell, recipe, result)
            return made[0], made[1], [*made[2], Bare(code="signs are free")]
        return comparison, None, notes

    def _culprits(
        self, cell: Cell, overrides: Sequence[Override], recipe: Recipe, result: Result, comparison: Comparison
    ) -> Comparison:
        """The comparison with the steps that are wrong for their own inputs, by float64 here."""
        del recipe
        return blamed_case(cell.recipe, overrides, result, comparison, _stored(cell.recipe).starts)


def _stored(recipe: str) -> StoredCase:
    """What a pack holds of the cell of a recipe file.

    Raises:
        StorageError: it is not there, or broken.
    """
    golden = read_golden_file(golden_paths(Path(recipe)).json, recipe)
    if BARE not in golden.cases:
        raise StorageError(f"{golden.path}: it holds no values of the bare recipe")
    return read_case(golden, BARE)
