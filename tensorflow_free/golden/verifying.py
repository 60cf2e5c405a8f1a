"""Comparing recipes with their goldens: each case runs from the recorded numbers, and its values are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.cell.blaming_safely import is_red
from tensorflow_free.cell.fate import Fate, fate_of, fate_of_error
from tensorflow_free.cell.findings import operands_of
from tensorflow_free.composition.compose import Composed, compose
from tensorflow_free.composition.override_texts import as_override, of_case, parse_overrides
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.errors import Problem, RecipeError, StorageError, refuse_any
from tensorflow_free.golden.blamed_cases import blamed_case
from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.digest import digest_of_composed
from tensorflow_free.golden.leeways import NOWHERE
from tensorflow_free.golden.measuring import expected_dtype
from tensorflow_free.golden.model import BARE, EXACT_DTYPE
from tensorflow_free.golden.places import find_case, golden_paths, read_golden_file, review_command
from tensorflow_free.golden.reading import read_case
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.movement import Leeway
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.rules import epsilon, usual_noise
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import cases_of, load_recipe, plan_of, recipe_of
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import CellMismatch, OfGolden, RunsDiffer, StepFailed, Unmet
from tensorflow_free.outcome.sentences import above_words, failure_lines, words
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.models import Backend, Recipe
from tensorflow_free.recipe.names import AUTO, cell_name
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.rounding.products import epsilons_of_products
from tensorflow_free.tensors.devices import all_kinds
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.text.characters import command_of

VARYING: Final = tuple(key.name for key in KEYS.values() if key.varies)
"""Keys that may be overridden when a recipe is checked: any other would make it another recipe."""

CPU: Final = "cpu"
"""The device on which a golden is made that is for no device alone."""


@dataclass(frozen=True)
class Verification:
    """What came of checking one case of a recipe in one cell.

    Attributes:
        recipe: the recipe file, as it was given.
        case: the case's name; '' for the bare file.
        cell: the cell in short: `bfloat16-cpu`, `float32-cpu-inductor`.
        fate: what became of it, and why.
        comparison: its values against the golden's, where it came to that.
        golden: the golden that applied.
        result: its run, where it came to that.
        overrides: those that it was run with, its case's too.
        by_noise: whether the golden is of an older format, in which there is only the noise of one run to judge by.
    """

    recipe: str
    case: str
    cell: str
    fate: Fate
    comparison: Comparison | None = None
    golden: Path | None = None
    result: Result | None = None
    overrides: tuple[Override, ...] = ()
    by_noise: bool = False

    @property
    def outcome(self) -> Outcome:
        """What became of it, in a word or two."""
        return self.fate.outcome

    @property
    def reason(self) -> str:
        """Why, in words; empty where it is ok."""
        return self.fate.reason

    @property
    def is_well(self) -> bool:
        """Whether it fails nothing."""
        return not self.fate.is_bad

    def strictly(self) -> Verification:
        """The same where everything must be judged."""
        return replace(self, fate=self.fate.strictly())

    @property
    def command(self) -> str:
        """What a person types to see this cell alone again."""
        return command_of(["recipe", "verify", self.recipe, *texts_of(self.overrides), *ops_words()])

    @property
    def operands(self) -> list[str]:
        """What the steps at which a mismatch starts read: `x: float16 [3, 4] cpu`; of a gradient, those it came by."""
        where = None if self.comparison is None else self.comparison.where
        if where is None or self.result is None:
            return []
        found = (operands_of(self.result, step) for step in where.through or (where.step,))
        return list(dict.fromkeys(chain.from_iterable(found)))

    @property
    def unmet(self) -> list[str]:
        """What the recipe expects and does not hold, a line each."""
        return [words(one) for one in self.fate.causes if isinstance(one, Unmet)]

    @property
    def apart(self) -> list[str]:
        """Where its runs on the same numbers differ, in lines."""
        told = (words(one).splitlines() for one in self.fate.causes if isinstance(one, RunsDiffer))
        return list(chain.from_iterable(told))

    @property
    def above(self) -> list[str]:
        """The known fault that a value is worse than, in a line."""
        marks = [one.mark for one in self.fate.causes if isinstance(one, CellMismatch)]
        return [above_words(mark) for mark in marks if mark is not None]

    @property
    def stopped(self) -> list[str]:
        """The step at which the run stopped, where it was not meant to, in lines."""
        failures = (failure_lines(one) for one in self.fate.causes if isinstance(one, StepFailed))
        return list(chain.from_iterable(failures))


def verify(
    path: str | Path, overrides: Sequence[str | Override] = (), *, k: float | None = None
) -> Iterator[Verification]:
    """Check a recipe against its golden: every case, or the one that the overrides choose.

    Args:
        path: the recipe file.
        overrides: the cell: of `device`, `dtype`, `backend`, `settings`, and `case`.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.

    Raises:
        RecipeError: an override would make it another recipe.
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
    for case in known if chosen is None else (chosen,):
        yield verify_case(path, case, rest, k=k)
    if chosen is None:
        yield from unused_cases(path, known)


def verify_case(
    path: str | Path, case: str, overrides: Sequence[str | Override] = (), *, k: float | None = None
) -> Verification:
    """Check one case of a recipe, '' for the bare file, in the cell that the overrides make. Raises nothing."""
    return _Checking(path, case, tuple(map(as_override, overrides)), k).verification()


def unused_cases(path: str | Path, known: Sequence[str]) -> Iterator[Verification]:
    """A verdict on each case that a golden of the recipe holds and the recipe has not."""
    # by their names alone: to list the folder for each of its recipes would be quadratic
    for found in (golden_paths(path, device).json for device in (None, *all_kinds())):
        if not found.exists():
            continue
        try:
            golden = read_golden_file(found, path)
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


@dataclass(frozen=True)
class GoldenJudge:
    """Judges runs of a case in a cell, started from its golden's numbers.

    Attributes:
        recipe: the recipe in this cell.
        stored: what the golden holds of the case.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.
        made_on: the type of device that the golden was recorded on.
    """

    recipe: Recipe
    stored: StoredCase
    k: float | None = None
    made_on: str = CPU

    @property
    def starts(self) -> Mapping[str, torch.Tensor]:
        """The numbers that a run must start from, by the names of the starting tensors."""
        return self.stored.starts

    def judged(self, result: Result) -> tuple[Fate, Comparison | None]:
        """What becomes of a run, and its values against the golden's."""
        comparison = compare(result, self.stored, self.k, self.made_on)
        return self.fate(result, comparison), comparison

    def fate(self, result: Result, comparison: Comparison) -> Fate:
        """What becomes of a run whose values are compared."""
        known = frozenset(self.stored.unmet.get(self.recipe.dtype, ()))
        fate = fate_of(result, comparison, unmet=known, guards=True)
        if fate.outcome == Outcome.UNSUPPORTED and self._ran:
            fate = Fate(Outcome.FAILED, fate.causes).also(OfGolden(code="ran before", dtype=self.recipe.dtype))
        return fate

    @property
    def _ran(self) -> bool:
        """Whether this very cell ran when the golden was recorded."""
        return _is_recorded(self.recipe, self.made_on) and self.recipe.dtype not in self.stored.unsupported


def golden_judge(path: str | Path, case: str, overrides: Sequence[str | Override] = ()) -> GoldenJudge | Verification:
    """What judges runs of a case, '' for the bare file, by its golden, or why nothing does. Raises nothing."""
    return _Checking(path, case, tuple(map(as_override, overrides)), None).judge()


class _Checking:
    """One case of a recipe in one cell, being checked."""

    def __init__(self, path: str | Path, case: str, overrides: tuple[Override, ...], k: float | None) -> None:
        self._path = path
        self._case = case
        self._rest = overrides
        self._overrides = (*overrides, *of_case(case))
        self._k = k
        self._cell = ""
        self._golden: Path | None = None
        self._made_on = CPU

    def verification(self) -> Verification:
        found = self.judge()
        return found if isinstance(found, Verification) else self._checked(found)

    def judge(self) -> GoldenJudge | Verification:
        """What judges a run of the case in the cell, or why there is nothing."""
        try:
            plain = compose(self._path, self._overrides[len(self._rest) :])
            recipe = self._recipe(plain)
        except RecipeError as error:
            return self._is(fate_of_error(error))
        self._cell = cell_name(recipe.device, recipe.dtype, recipe.backend.name)
        try:
            stored = self._stored(recipe, digest_of_composed(plain))
        except StorageError as error:
            return self._is(fate_of_error(error))
        return stored if isinstance(stored, Verification) else GoldenJudge(recipe, stored, self._k, self._made_on)

    def _recipe(self, plain: Composed) -> Recipe:
        """The recipe in this cell; where nothing is overridden, of what is composed already."""
        if self._rest or plain.mapping.get("device") == AUTO:
            return load_recipe(self._path, self._overrides)
        return recipe_of(plain)

    def _stored(self, recipe: Recipe, digest: str) -> StoredCase | Verification:
        """The case of the golden that applies, or why there is none."""
        golden = find_case(self._path, self._case, recipe.device)
        if golden is None:
            command = command_of(["recipe", "record", str(self._path), *ops_words()])
            none = OfGolden(code="no golden", case=self._case, command=command)
            return self._is(Fate(Outcome.MISSING, [none]))
        self._golden, self._made_on = golden.path, golden.device or CPU
        if golden.cases[self._case].digest != digest:
            stale = OfGolden(code="stale", golden=golden.path.name, command=review_command(self._path))
            return self._is(Fate(Outcome.STALE, [stale]))
        return read_case(golden, self._case)

    def _checked(self, judge: GoldenJudge) -> Verification:
        plan = plan_of(judge.recipe)
        result, _ = run_judged(plan, given=judge.starts, is_bad=lambda one: judge.judged(one)[0].outcome.is_bad)
        fate, comparison = judge.judged(result)
        is_mismatch = fate.outcome == Outcome.MISMATCH and is_red(comparison, result)
        if comparison is not None and (is_mismatch or judge.recipe.judge.isolated):
            comparison = blamed_case(self._path, self._overrides, result, comparison, judge.starts)
            fate = judge.fate(result, comparison)
        return replace(self._is(fate, comparison, result), by_noise=judge.stored.nudged_runs is None)

    def _is(self, fate: Fate, comparison: Comparison | None = None, result: Result | None = None) -> Verification:
        path, overrides = str(self._path), self._overrides
        return Verification(path, self._case, self._cell, fate, comparison, self._golden, result, overrides)


def compare(result: Result, stored: StoredCase, k: float | None = None, made_on: str = CPU) -> Comparison:
    """Hold a run, started from a golden's numbers, against the golden's values.

    Args:
        result: the run.
        stored: the golden's case.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.
        made_on: the type of device that the golden was recorded on.
    """
    dtype = result.recipe.dtype
    leeways = _leeways(stored, result.recipe)
    structural = _structural(stored, result.recipe, made_on, leeways)
    judging = Judging(
        k=result.recipe.judge.k if k is None else k,
        signed_zeros=True,
        noise=_noises(stored, dtype),
        leeway={name: one for name, one in leeways.items() if name not in structural},
        starts=False,
        measures=False,
        dtypes={one.name: _dtype(one, dtype) for one in stored.values if isinstance(one.value, torch.Tensor)},
        structural=structural,
        incomparable=frozenset(name for name, why in structural.items() if why == _WHY["random"]),
        shaped=frozenset(one.name for one in stored.values if any(noise.shape for noise in one.noise.values())),
    )
    made = stored.made
    words = f"golden of torch {made.torch}, {made.capability}"
    return compare_results(result, _expected(stored, result.recipe), judging=judging, reference=words)


def _expected(stored: StoredCase, recipe: Recipe) -> Result:
    """The golden's values as the result of the float64 run that they are of."""
    exact = recipe.model_copy(
        update={"dtype": EXACT_DTYPE, "backend": Backend(name="eager"), "record": recipe.record or "all"}
    )
    records = {one.name: Record(one.name, one.kind, one.value, one.op) for one in stored.values}  # type: ignore[arg-type]
    return Result(exact, records)


def _leeways(stored: StoredCase, recipe: Recipe) -> dict[str, Leeway]:
    """How far rounding may take each value in a cell, as far as nudged runs told it when it was recorded."""
    dtype = recipe.dtype
    if stored.nudged_runs is None or dtype in stored.unsupported:
        return {}
    times = max(1.0, _epsilon_of_products(recipe) / epsilon(TORCH_DTYPES[dtype]))
    known = [(one, kept) for one in stored.values if (kept := one.leeway.get(dtype, NOWHERE)).is_known]
    return {one.name: replace(kept.leeway(_count(one.value), times), noise=one.noise.get(dtype)) for one, kept in known}


def _epsilon_of_products(recipe: Recipe) -> float:
    """That in which a device may compute products: to first order, it moves what it computes by so much more."""
    products, convolutions = epsilons_of_products(recipe)
    convolves = any("conv" in (step.op or "") for _, step in steps_of(recipe.steps))
    return max(products, convolutions) if convolves else products


def _count(value: Any) -> int:
    return value.numel() if isinstance(value, torch.Tensor) else 1


def _noises(stored: StoredCase, dtype: str) -> dict[str, Noise]:
    """The noise of each value in a dtype; none for a value that was not had in it, which a tolerance judges then."""
    return {
        one.name: usual_noise(one.noise, dtype) for one in stored.values if dtype == EXACT_DTYPE or dtype in one.noise
    }


def _dtype(one: StoredValue, dtype: str) -> torch.dtype:
    noise = one.noise.get(dtype)
    if noise is not None and noise.dtype is not None:
        return TORCH_DTYPES[noise.dtype]
    return expected_dtype(one.value.dtype, dtype)


def _structural(stored: StoredCase, recipe: Recipe, made_on: str, leeways: Mapping[str, Leeway]) -> Mapping[str, str]:
    """Values whose numbers are not judged in a cell, and why."""
    is_exact = recipe.dtype == EXACT_DTYPE
    same_stream = is_exact and _is_recorded(recipe, made_on)

    def is_judged(one: StoredValue) -> bool:
        if one.mark == "random":
            return same_stream
        kept = leeways.get(one.name)
        # integers that differ where no nudged run did: rounding does not tell how
        return one.mark is None or is_exact or (kept is not None and not kept.over)

    return {one.name: _WHY[one.mark] for one in stored.values if one.mark is not None and not is_judged(one)}


def _is_recorded(recipe: Recipe, made_on: str) -> bool:
    """Whether a cell is one of those that a recording runs: eager, on the golden's type of device."""
    return recipe.backend.name == "eager" and recipe.device.partition(":")[0] == made_on


_WHY: Final = {
    "random": "it lies downstream of a random step, and the golden has another random stream",
    "dtype-dependent": "it differs between dtypes in eager PyTorch",
}
