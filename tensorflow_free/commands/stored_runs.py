"""Two runs on disk, compared; where their values differ, the recipe of the second runs again to tell the noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.codec.values import plain
from tensorflow_free.commands.asked_comparison import AskedComparison
from tensorflow_free.commands.flags import wrong
from tensorflow_free.commands.page_file import put_page
from tensorflow_free.commands.printing import put, put_json
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.pages.page_of_pair import RunPair, pair_page
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.comparison_report import page_of, verdict_of
from tensorflow_free.report.compiler_report import compiler_line
from tensorflow_free.report.runs_apart import differences, recipes_apart, stopped_apart
from tensorflow_free.result.environment import environments_apart
from tensorflow_free.result.reading import read_result
from tensorflow_free.result.result import Result
from tensorflow_free.text.page import line


def compare_runs(pair: tuple[Path, Path], baseline: str | None, asked: AskedComparison) -> int:
    """Hold a run against another: the exit code.

    Args:
        pair: the folders of both, first that of the run that is judged.
        baseline: the folder of a run that tells the noise.
        asked: how to judge, and where it is told.

    Raises:
        StorageError: one cannot be read, or the page not written.
        RecipeError: the baseline cannot tell the noise of the first.
    """
    mine, its = pair
    results = [read_result(folder) for folder in pair]
    base = None if baseline is None else _baseline(baseline, results[0].recipe)
    comparison = compare_stored(results[0], results[1], asked.judging, base)
    stopped = stopped_apart(results[0], results[1])
    is_well = comparison.is_well and not stopped and not (asked.strict and (comparison.skipped or comparison.vacuous))
    if asked.flags.json:
        put_json(_plain_pair(results[0], results[1], comparison, stopped, is_well=is_well))
    told = [
        *page_of(comparison, f"{mine} compared with {its}"),
        *(each for one in results for each in compiler_line(one)),
        *(line(words, "bad") for words in stopped),
        *differences(results[0], results[1]),
    ]
    if not asked.flags.json and not (is_well and asked.flags.quiet):
        put(told)
    asked.report.tell_page(told, stopped[0] if stopped else verdict_of(comparison), is_bad=not is_well)
    if asked.page is not None:
        put_page(pair_page(RunPair(pair, (results[0], results[1]), comparison)), asked.page, asked.flags)
    return ExitCode.OK if is_well else ExitCode.UNMET


def _baseline(folder: str, judged: Recipe) -> Result:
    """The run that tells the noise.

    Raises:
        StorageError: it cannot be read.
        RecipeError: it is not of eager PyTorch on the CPU, or of another dtype.
    """
    result = read_result(folder)
    recipe = result.recipe
    if (recipe.device.partition(":")[0], recipe.backend.name, recipe.dtype) != ("cpu", "eager", judged.dtype):
        cell = f"{recipe.device} {recipe.backend.name} {recipe.dtype}"
        raise wrong("flag '--baseline'", f"'{folder}' is a run of {cell}; give one of cpu eager {judged.dtype}")
    return result


def _plain_pair(
    mine: Result, its: Result, comparison: Comparison, stopped: Sequence[str], *, is_well: bool
) -> dict[str, Any]:
    environments = environments_apart(mine.environment, its.environment)
    return {
        "well": is_well,
        "comparison": comparison.to_plain(),
        "stopped": list(stopped),
        "environment": {key: plain(list(pair)) for key, pair in environments.items()},
        "recipes": {key: plain(list(pair)) for key, pair in recipes_apart(mine, its).items()},
    }
