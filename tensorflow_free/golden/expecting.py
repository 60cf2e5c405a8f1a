"""Cases with a golden or without: the latter are judged by what they expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tensorflow_free.cell.blaming_safely import blamed_safely
from tensorflow_free.cell.fate import Fate, fate_of, fate_of_error
from tensorflow_free.cell.findings import hidden_in, marks_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.override_texts import of_case
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.errors import RecipeError
from tensorflow_free.golden.apart import HERE, Running
from tensorflow_free.golden.places import golden_paths
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verifying import verify, verify_case
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.relations.judged_run import run_judged


def judge_all(path: str | Path, overrides: Sequence[str | Override] = ()) -> Iterator[Verification]:
    """A verdict on each case of a recipe in one cell, and on each case that only its golden has.

    Raises:
        RecipeError: an override would make another recipe of it.
    """
    for one in verify(path, overrides):
        yield _by_expectations(one, HERE) if _has_no_golden(one) else one


def judge_case(
    path: str | Path,
    case: str = "",
    overrides: Sequence[str | Override] = (),
    *,
    needs_golden: bool = False,
    running: Running = HERE,
) -> Verification:
    """The verdict on one case of a recipe, '' for the bare file, in one cell.

    Args:
        path: the recipe file.
        case: the case's name.
        overrides: the cell.
        needs_golden: whether a case without a golden is missing one, whatever it expects.
        running: how it is run.

    Raises:
        TensorflowFreeError: it is to run apart, and no worker can be started. Nothing else is raised.
    """
    found = verify_case(path, case, overrides, running=running)
    return found if needs_golden or not _has_no_golden(found) else _by_expectations(found, running)


def _has_no_golden(found: Verification) -> bool:
    """Whether the recipe has no golden at all: where it has one, a case that is not in it was forgotten."""
    return found.outcome == Outcome.MISSING and not golden_paths(found.recipe).json.exists()


def _by_expectations(missing: Verification, running: Running) -> Verification:
    """The verdict of a recipe's own expectations on a case without a golden; that it is missing where it has none."""
    try:
        recipe = load_recipe(missing.recipe, missing.overrides)
    except RecipeError as error:
        return replace(missing, fate=fate_of_error(error))
    if not recipe.expect and not recipe.relations:
        causes = [one.model_copy(update={"code": "nothing expected"}) for one in missing.fate.causes]
        return replace(missing, fate=Fate(missing.outcome, causes))
    plan = plan_of(recipe)
    if running.apart is not None:
        question = {"act": "judge", "path": missing.recipe, "case": missing.case, "overrides": _given(missing)}
        found = running.apart.verification(question, plan, missing.overrides, lambda fate: replace(missing, fate=fate))
        if found is not None:
            return found
    running.stage("running the cell")
    result, _ = run_judged(replace(plan, exact=running.exact), watch=running.watch)
    if running.watch is not None:
        running.watch.at(plan, None)
    fate = fate_of(result, guards=True)
    if recipe.judge.isolated and not fate.is_bad:
        nothing = Comparison(())
        alone = blamed_safely(missing.recipe, missing.overrides, recipe, result, nothing, KeptRuns())
        fate = fate_of(result, alone) if hidden_in(alone, marks_of(result).values()) else fate
    return replace(missing, fate=fate, result=result)


def _given(found: Verification) -> list[str]:
    """The overrides that a case was asked with, in which the one that chooses it does not stand."""
    return list(texts_of(found.overrides[: len(found.overrides) - len(of_case(found.case))]))
