"""Two stored runs held against each other, but for what hangs on random streams that are others."""

from __future__ import annotations

from dataclasses import replace

from tensorflow_free.cell.random_streams import downstream
from tensorflow_free.cell.two_results import compare_results
from tensorflow_free.cell.yardstick import uninitialised
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.result.result import Result


def compare_stored(mine: Result, its: Result, judging: Judging, baseline: Result | None = None) -> Comparison:
    """Hold a stored run against another."""
    recipe = its.recipe
    words = f"{recipe.device} {recipe.backend.name} {recipe.dtype}"
    torch = "" if its.environment is None else f", torch {its.environment.torch}"
    empty = uninitialised(mine.recipe)
    judging = replace(judging, incomparable=downstream(mine, its), structural=empty, whole=True)
    return compare_results(mine, its, baseline, judging=judging, reference=words + torch)
