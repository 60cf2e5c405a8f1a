"""Comparing recipes with their goldens: each case runs from the recorded numbers, and its values are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from tensorflow_free.cell.blaming_safely import is_red
from tensorflow_free.cell.fate import Fate, fate_of_error
from tensorflow_free.composition.compose import Composed, compose
from tensorflow_free.composition.override_texts import as_override, of_case, parse_overrides
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.errors import Problem, RecipeError, StorageError, refuse_any
from tensorflow_free.golden.apart import HERE, Running
from tensorflow_free.golden.blamed_cases import blamed_case
from tensorflow_free.golden.cases import StoredCase
from tensorflow_free.golden.digest import digest_of_composed
from tensorflow_free.golden.given_cases import other_starts
from tensorflow_free.golden.golden_judge import CPU, GoldenJudge
from tensorflow_free.golden.model import BARE
from tensorflow_free.golden.places import ReadGolden, find_case, golden_paths, read_golden_file, review_command
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.verification import Verification, operands_read
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import cases_of, load_recipe, plan_of, recipe_of
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import OfGolden
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import AUTO, cell_name
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.devices import all_kinds
from tensorflow_free.text.characters import command_of

VARYING: Final = tuple(key.name for key in KEYS.values() if key.varies)
"""Keys that may be overridden when a recipe is checked: any other would make it another recipe."""


def verify(
    path: str | Path,
    overrides: Sequence[str | Override] = (),
    *,
    k: float | None = None,
    running: Running = HERE,
) -> Iterator[Verification]:
    """Check a recipe against its golden: every case, or the one that the overrides choose.

    Args:
        path: the recipe file.
        overrides: the cell: of `device`, `dtype`, `backend`, `settings`, and `case`.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.
        running: how its cases are run.

    Raises:
        RecipeError: an override would make it another recipe.
        TensorflowFreeError: a case is to run apart, and no worker can be started.
    """
    given = [as_override(override) for override in overrides]
    cases = [override for override in given if override.kind == "set" and override.key == "case"]
    chosen = next((str(override.value) for override in reversed(parse_overrides(cases))), None)
    rest = [override for override in given if override not in cases]
    _refuse_others(rest)
    try:
        known = cases_of(path) or (BARE,)
    except RecipeError as error:
        yield Verification(str(path), chosen or BARE, "", fate_of_error(error), overrides=tuple(given))
        return
    # all cases lie in one file, which is read once
    read = cache(read_golden_file)
    for case in known if chosen is None else (chosen,):
        yield _Checking(path, case, tuple(rest), k, read).verification(running)
    if chosen is None:
        yield from _unused_cases(path, known, read)


def verify_case(
    path: str | Path,
    case: str,
    overrides: Sequence[str | Override] = (),
    *,
    k: float | None = None,
    running: Running = HERE,
) -> Verification:
    """Check one case of a recipe, '' for the bare file, in the cell that the overrides make.

    Raises:
        TensorflowFreeError: it is to run apart, and no worker can be started. Nothing else is raised.
    """
    return _Checking(path, case, tuple(map(as_override, overrides)), k).verification(running)


def _unused_cases(path: str | Path, known: Sequence[str], read: ReadGolden) -> Iterator[Verification]:
    """A verdict on each case that a golden of the recipe holds and the recipe has not."""
    # by their names alone: to list the folder for each of its recipes would be quadratic
    for found in (golden_paths(path, device).json for device in (None, *all_kinds())):
        if not found.exists():
            continue
        try:
            golden = read(found, path)
        except StorageError:
            # of another recipe whose name begins alike; or broken, which checking a case tells
            continue
        for case in golden.cases:
            if case not in known:
                unused = OfGolden(code="unused", case=case, golden=found.name, command=review_command(path))
                yield Verification(str(path), case, "", Fate(Outcome.UNUSED, [unused]), golden=found)


def _refuse_others(overrides: Sequence[Override]) -> None:
    """Refuse what would make another recipe of it."""
    message = f"it changes the recipe, and there is no golden of the changed one; {TAKES}"
    problems = [Problem(override.place, message) for override in overrides if not _makes_a_cell(override.parts)]
    refuse_any(problems)


def _makes_a_cell(parts: Sequence[str]) -> bool:
    """Whether an override of this key leaves the recipe what it is; another kernel in place of an op does."""
    return parts[0] in VARYING or (parts[0] == "steps" and parts[-1] == "op")


TAKES: Final = f"it takes case, {', '.join(VARYING)}, and steps.NAME.op for another kernel"


def golden_judge(path: str | Path, case: str, overrides: Sequence[str | Override] = ()) -> GoldenJudge | Verification:
    """What judges runs of a case, '' for the bare file, by its golden, or why nothing does. Raises nothing."""
    return _Checking(path, case, tuple(map(as_override, overrides)), None).judge()


class _Checking:
    """One case of a recipe in one cell, being checked."""

    def __init__(
        self,
        path: str | Path,
        case: str,
        overrides: tuple[Override, ...],
        k: float | None,
        read: ReadGolden = read_golden_file,
    ) -> None:
        self._path = path
        self._case = case
        self._rest = overrides
        self._overrides = (*overrides, *of_case(case))
        self._k = k
        self._read = read
        self._recipe: Recipe | None = None
        self._golden: Path | None = None
        self._made_on = CPU

    def verification(self, running: Running) -> Verification:
        judge = self._found()
        if isinstance(judge, Verification):
            return judge
        plan = plan_of(judge.recipe)
        found = (
            None
            if running.apart is None
            else running.apart.verification(self._question(), plan, self._overrides, self._is)
        )
        return found or self._from_others(judge) or self._checked(judge, plan, running)

    def _question(self) -> dict[str, Any]:
        """What is asked of a process that does this."""
        texts = list(texts_of(self._rest))
        return {"act": "verify", "path": str(self._path), "case": self._case, "overrides": texts, "k": self._k}

    def judge(self) -> GoldenJudge | Verification:
        """What judges a run of the case in the cell, or why there is nothing."""
        found = self._found()
        return found if isinstance(found, Verification) else self._from_others(found) or found

    def _found(self) -> GoldenJudge | Verification:
        """The same by recipe and golden alone: no device is used."""
        try:
            plain = compose(self._path, self._overrides[len(self._rest) :])
            recipe = self._recipe = self._in_cell(plain)
        except RecipeError as error:
            return self._is(fate_of_error(error))
        try:
            stored = self._stored(recipe, digest_of_composed(plain))
        except StorageError as error:
            return self._is(fate_of_error(error))
        if isinstance(stored, Verification):
            return stored
        return GoldenJudge(recipe, stored, self._k, self._made_on)

    def _from_others(self, judge: GoldenJudge) -> Verification | None:
        """That the golden does not begin from the numbers of the run that is named; None where it does, or none is."""
        if judge.recipe.starts is None or not (others := list(other_starts(plan_of(judge.recipe), judge.stored))):
            return None
        return self._is(fate_of_error(RecipeError(self._of_others(others))))

    def _of_others(self, others: Sequence[str]) -> Iterator[Problem]:
        again = "leave --starts out, as a golden has starting tensors of its own, or record it from that run"
        place = next(one.place for one in reversed(self._overrides) if one.key == "starts")
        for name in others:
            yield Problem(place, f"the golden was recorded from other numbers of '{name}' than the run has; {again}")

    def _in_cell(self, plain: Composed) -> Recipe:
        """The recipe in this cell; where nothing is overridden, of what is composed already."""
        if self._rest or plain.mapping.get("device") == AUTO:
            return load_recipe(self._path, self._overrides)
        return recipe_of(plain)

    def _stored(self, recipe: Recipe, digest: str) -> StoredCase | Verification:
        """The case of the golden that applies, or why there is none."""
        golden = find_case(self._path, self._case, recipe.device, self._read)
        if golden is None:
            command = command_of(["recipe", "record", str(self._path), *ops_words()])
            none = OfGolden(code="no golden", case=self._case, command=command)
            return self._is(Fate(Outcome.MISSING, [none]))
        self._golden, self._made_on = golden.path, golden.device or CPU
        if golden.cases[self._case].digest != digest:
            stale = OfGolden(code="stale", golden=golden.path.name, command=review_command(self._path))
            return self._is(Fate(Outcome.STALE, [stale]))
        return read_case(golden, self._case)

    def _checked(self, judge: GoldenJudge, plan: Plan, running: Running) -> Verification:
        running.stage("running the cell")
        result, _ = run_judged(
            replace(plan, exact=running.exact),
            given=judge.starts,
            watch=running.watch,
            is_bad=lambda one: judge.judged(one)[0].outcome.is_bad,
        )
        if running.watch is not None:
            running.watch.at(plan, None)
        running.stage("judging it")
        fate, comparison = judge.judged(result)
        is_mismatch = fate.outcome == Outcome.MISMATCH and is_red(comparison, result)
        if comparison is not None and (is_mismatch or judge.recipe.judge.isolated):
            running.judged(self._compared(judge, fate, comparison, result))
            running.stage("finding the culprit")
            comparison = blamed_case(self._path, self._overrides, result, comparison, judge.starts)
            fate = judge.fate(result, comparison)
        return self._compared(judge, fate, comparison, result)

    def _compared(self, judge: GoldenJudge, fate: Fate, comparison: Comparison | None, result: Result) -> Verification:
        """The verdict on a case that ran."""
        by_noise, operands = judge.stored.nudged_runs is None, operands_read(comparison, result)
        return replace(self._is(fate), comparison=comparison, result=result, by_noise=by_noise, operands=operands)

    def _is(self, fate: Fate) -> Verification:
        path, recipe = str(self._path), self._recipe
        if recipe is None:
            # it came to no recipe, whose device could be named
            return Verification(path, self._case, " ".join(texts_of(self._rest)), fate, overrides=self._overrides)
        return Verification(
            path,
            self._case,
            cell_name(recipe.device, recipe.dtype, recipe.backend.name),
            fate,
            golden=self._golden,
            overrides=self._overrides,
            dtype=recipe.dtype,
            device=recipe.device,
        )
