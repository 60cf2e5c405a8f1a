"""`compare_results`: two results, by the noise that the expected one's recipe tells where it can run here."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tensorflow_free.cell.stored_pair import NoMovementError, StoredPair
from tensorflow_free.judging import comparing
from tensorflow_free.judging.options import AS_USUAL, Judging
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.reasons import OfNames
from tensorflow_free.recipe.graph import parts_apart
from tensorflow_free.result.result import Result
from tensorflow_free.text.phrases import some

CLOSE: Final = 0.1
"""The share of what is allowed up to which no baseline makes a value wrong: rounding explains half an epsilon."""


def compare_results(
    actual: Result,
    expected: Result,
    baseline: Result | None = None,
    *,
    judging: Judging = AS_USUAL,
    reference: str = "",
) -> Comparison:
    """Compare every value and gradient of a run with those of another.

    Args:
        actual: the run that is judged.
        expected: the run that it is compared with, such as one in float64; of the same names and shapes.
        baseline: an eager CPU run in the dtype of `actual`. With it, a value passes when its error is no worse than k
            times the baseline's own and a floor, and integers must be the baseline's. Without it, values may be as far
            apart as rounding takes them, which is found by running the recipe of `expected` again, in float64; where it
            cannot run here, they are held to the tolerance of the recipe, or of their dtype, and a note says why.
        judging: other tolerances, and what to leave out.
        reference: what `expected` is, in words.

    Returns:
        A verdict on each value, aligned by name, and where what is wrong begins. Where the two did not start from the
        same numbers, each rounded to its own run's dtype, `inputs` has these tensors. Parts of one-line steps that only
        one of the two recipes has are not compared, and a note names them.

    Shape:
        Values of one name must have the same shape; another shape is a mismatch. Their floating dtypes may differ:
        errors are computed in float64, or complex128.

    Source:
        The rules, their constants and where each is from: `tensorflow_free.judging.rounding_rule` and
        `tensorflow_free.judging.rules`.

    Example:
        >>> from tensorflow_free import compare_results, load_recipe, run_recipe
        >>> recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x.exp()"}}
        >>> low, high = (run_recipe(load_recipe(recipe, [f"dtype={dtype}"])) for dtype in ("bfloat16", "float64"))
        >>> comparison = compare_results(low, high)
        >>> comparison.is_well, comparison["y"].outcome, comparison["y"].rule
        (True, 'ok', 'rounding')
    """
    apart = parts_apart(actual.recipe, expected.recipe)
    if apart:
        judging = replace(judging, apart=judging.apart | apart)
    found = _compared(actual, expected, baseline, judging, reference)
    names = [name for name in dict.fromkeys((*actual.records, *expected.records)) if name in apart]
    told = OfNames(code="parts apart", name=some(names))
    return replace(found, notes=(*found.notes, told)) if names else found


def _compared(
    actual: Result, expected: Result, baseline: Result | None, judging: Judging, reference: str
) -> Comparison:
    """Compare by what is given, or by the noise that the expected run's recipe tells."""
    told = (judging.rtol, judging.atol, judging.noise, judging.movement, judging.dtypes)
    if baseline is not None or any(one is not None for one in told):
        return comparing.compare_results(actual, expected, baseline, judging=judging, reference=reference)
    pair = StoredPair(actual, expected)
    try:
        return _by_noise(pair, actual, expected, replace(judging, movement=pair), reference)
    except NoMovementError as why:
        comparison = comparing.compare_results(actual, expected, judging=judging, reference=reference)
        return replace(comparison, notes=(*comparison.notes, why.cause))


def _by_noise(pair: StoredPair, actual: Result, expected: Result, judging: Judging, reference: str) -> Comparison:
    """Compare by nudged runs; where the judged run is not PyTorch's own here, beside that, too."""
    found = comparing.compare_results(actual, expected, judging=judging, reference=reference)
    doubtful = any(one.rule == "rounding" and CLOSE < one.used <= 1 for one in found.values)
    if pair.is_its_own_baseline or not doubtful:
        return found
    try:
        baseline = pair.baseline()
    except NoMovementError:
        # no value needed a nudged run
        return found
    return comparing.compare_results(actual, expected, baseline, judging=judging, reference=reference)
