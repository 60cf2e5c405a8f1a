"""Recording goldens: a float64 run, and the noise of eager runs in each dtype from the same numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from tensorflow_free.cell.random_names import random_names
from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.composition.override_texts import of_case
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError, StorageError, words_of
from tensorflow_free.golden.apart import HERE, Running
from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.digest import digest_of
from tensorflow_free.golden.exact_runs import exact_run
from tensorflow_free.golden.given_cases import (
    GivenCase,
    NotRecorded,
    WrongCase,
    bound_case,
    eager_cell,
    starts_kept,
    starts_of_run,
)
from tensorflow_free.golden.measuring import measured, runs_for
from tensorflow_free.golden.model import BARE, EXACT_DTYPE, Made, ValueMark
from tensorflow_free.golden.nudging import EagerRun
from tensorflow_free.golden.places import find_case, golden_paths, read_golden_file, review_command
from tensorflow_free.golden.recorded_cases import AskedRecording, Recorded, Which, recorded_apart
from tensorflow_free.golden.replaced import case_before, replaced_words
from tensorflow_free.golden.writing import remove_case, write_golden
from tensorflow_free.judging.as_tensors import tensor_of
from tensorflow_free.loading import cases_of, read_form
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.names import RECIPE_DTYPES
from tensorflow_free.replay.visits import draws
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.step_dtypes import StepDtypes, noting
from tensorflow_free.runner import GivenTensors, run

UNJUDGED: Final = ("tensor", "check")
"""Kinds of records that a golden leaves out: starting tensors stand in it apart, and checks are only expected of."""


def record(
    path: str | Path,
    *,
    cases: Sequence[str] | None = None,
    which: Which = "all",
    device: str | None = None,
    starts: str | None = None,
    running: Running = HERE,
) -> Iterator[Recorded]:
    """Record a recipe's golden, case by case.

    Args:
        path: the recipe file.
        cases: the cases to record; all of them, or the bare file where it has none.
        which: of these, all, those that are missing, or those that are missing or stale.
        device: the device of the runs, whose own golden is written; None for the default golden, made on the CPU.
        starts: the folder of a saved run, from whose starting tensors the golden begins; None for the recipe's own, or
            those of the run that a golden which is there says.
        running: how its cases are run.

    Raises:
        RecipeError: the recipe's cases cannot be read.
        StorageError: the golden cannot be written.
        TensorflowFreeError: a case is to run apart, and no worker can be started.
    """
    known = cases_of(path) or (BARE,)
    for case in known if cases is None else cases:
        stands = None if which == "all" else _standing(path, case, device)
        if stands == "fits" or (stands == "stale" and which == "missing"):
            yield Recorded(str(path), case, "kept", reason=_of_stale(path) if stands == "stale" else "")
            continue
        apart = recorded_apart(AskedRecording("record", path, case, device, starts), running)
        yield _recorded(path, case, device, starts) if apart is None else apart
    if cases is None and which != "missing":
        yield from _removed(path, known, device)


def _standing(path: str | Path, case: str, device: str | None) -> Literal["fits", "stale"] | None:
    """How a golden that is there stands to the recipe; None where there is none, or none that can be read."""
    try:
        golden = find_case(path, case, device)
        if golden is None:
            return None
        return "fits" if golden.cases[case].digest == digest_of(path, case) else "stale"
    except (StorageError, RecipeError):
        return None


def _of_stale(path: str | Path) -> str:
    return f"stale: the recipe has changed since; look at what that changed: {review_command(path)}"


def _recorded(path: str | Path, case: str, device: str | None, starts: str | None) -> Recorded:
    on = device or "cpu"
    try:
        given = starts_kept(path, case, device) if starts is None else starts_of_run(path, case, on, starts)
        before = case_before(path, case, device)
        stored = CaseRecording(path, case, on, given).case()
    except NotRecorded as error:
        return Recorded(str(path), case, "refused", reason=str(error), is_wrong=isinstance(error, WrongCase))
    written = write_golden(path, case, stored, device)
    elsewhere = stored.unsupported.get(EXACT_DTYPE)
    told = [] if elsewhere is None else [f"{EXACT_DTYPE}: {elsewhere}"]
    if written is not None and before is not None:
        told.append(replaced_words(path, case, on, before, stored))
    return Recorded(str(path), case, "unchanged" if written is None else "written", written, "\n".join(told))


def _removed(path: str | Path, known: Sequence[str], device: str | None) -> Iterator[Recorded]:
    """The cases that the golden holds and the recipe has not, taken out."""
    found = golden_paths(path, device).json
    golden = read_golden_file(found, path) if found.exists() else None
    for case in [] if golden is None else list(golden.cases):
        if case not in known:
            yield Recorded(str(path), case, "removed", remove_case(path, case, device))


@dataclass(frozen=True)
class Terms:
    """How a case is recorded.

    Attributes:
        more: overrides of the recipe that is recorded.
        dtypes: the dtypes whose noise and leeways are measured, beside float64.
        must_hold: whether what the recipe expects must hold in its own dtype.
    """

    more: Sequence[Override] = ()
    dtypes: Collection[str] = RECIPE_DTYPES
    must_hold: bool = True


USUAL: Final = Terms()
"""How a case of a golden is recorded."""


class CaseRecording:
    """One case of a recipe, being recorded.

    Args:
        path: the recipe file.
        case: the case's name; '' for the bare file.
        device: the device of the runs.
        given: the numbers that it is recorded from; None for those that the recipe makes.
        terms: how it is recorded.
    """

    def __init__(
        self,
        path: str | Path,
        case: str,
        device: str,
        given: GivenCase | None = None,
        terms: Terms = USUAL,
    ) -> None:
        self._given = given
        self._terms = terms
        self._path = path
        self._case = case
        self._device = device

    def case(self) -> StoredCase:
        """What the golden holds of the case.

        Raises:
            NotRecorded: the recipe does not bind, or does not run in float64.
        """
        digest = self._digest()
        given = None if self._given is None else dict(self._given.numbers)
        plan, starts, exact, lacking = exact_run(self._path, self._case, self._device, given, self._terms.more)
        runs, unsupported = self._other_dtypes(starts, lacking)
        random = random_names(plan, starts, exact) if draws(plan.recipe) else frozenset[str]()
        unmet = self._unmet({EXACT_DTYPE: exact, **{dtype: one.result for dtype, one in runs.items()}})
        values = self._values(plan, starts, {EXACT_DTYPE: EagerRun(plan, exact), **runs}, random)
        environment = exact.environment
        assert environment is not None  # noqa: S101 - a run has one; this tells mypy
        if digest != self._digest():
            raise NotRecorded("the recipe, or a file that it reads, changed while it was recorded; record it again")
        return StoredCase(
            digest=digest,
            made=Made(
                tensorflow_free=environment.tensorflow_free,
                torch=environment.torch,
                cpu=environment.cpu,
                capability=environment.cpu_capability,
                num_threads=environment.num_threads,
                settings=dict(plan.recipe.settings),
            ),
            starts=starts,
            values=values,
            unsupported=unsupported,
            unmet=unmet,
            nudged_runs=runs_for(values),
            starts_from=None if self._given is None else self._given.of,
        )

    def refreshed(self, stored: StoredCase) -> StoredCase:
        """A golden's case with its noise and its leeways measured anew; all else as it is.

        Raises:
            NotRecorded: the recipe does not bind, or runs in other dtypes than it did.
        """
        plan, _, exact, lacking = exact_run(self._path, self._case, self._device, stored.starts)
        runs, unsupported = self._other_dtypes(stored.starts, lacking)
        if unsupported.keys() != stored.unsupported.keys():
            others = " and ".join(sorted(unsupported.keys() ^ stored.unsupported.keys()))
            raise NotRecorded(f"it ran, and does not now, or the reverse, in {others}: {review_command(self._path)}")
        values = _measured(plan, stored.starts, {EXACT_DTYPE: EagerRun(plan, exact), **runs}, stored.values)
        values = [replace(new, mark=old.mark) for new, old in zip(values, stored.values, strict=True)]
        return replace(stored, values=values, nudged_runs=runs_for(values))

    def _values(
        self, plan: Plan, starts: GivenTensors, runs: Mapping[str, EagerRun], random: frozenset[str]
    ) -> list[StoredValue]:
        """The values of the float64 run, measured."""
        found = []
        for one in runs[EXACT_DTYPE].result.records.values():
            if one.kind not in UNJUDGED:
                mark: ValueMark | None = "random" if one.name in random else None
                found.append(StoredValue(one.name, one.kind, one.value, one.op, mark=mark))
        return _measured(plan, starts, runs, found)

    def _unmet(self, runs: Mapping[str, Result]) -> dict[str, list[str]]:
        """The expectations that do not hold in a dtype, by that dtype.

        Raises:
            NotRecorded: one does not hold in the recipe's own dtype.
        """
        found = {dtype: result.unmet for dtype, result in runs.items()}
        own = read_form(self._path, of_case(self._case)).dtype
        if self._terms.must_hold and found.get(own):
            first = found[own][0]
            reason = f"{first.path}: {first.asks}: {first.message}"
            raise NotRecorded(f"what it expects does not hold, so nothing is recorded: {reason}")
        return {dtype: [one.path for one in verdicts] for dtype, verdicts in found.items() if verdicts}

    def _digest(self) -> str:
        """The recipe's digest now; nothing where it is wrong, which is reported where it is bound."""
        try:
            return digest_of(self._path, self._case)
        except RecipeError:
            return ""

    def _plan(self, dtype: str) -> Plan:
        return bound_case(self._path, (*eager_cell(self._case, self._device, dtype), *self._terms.more))

    def _other_dtypes(
        self, starts: GivenTensors, lacking: Mapping[str, str]
    ) -> tuple[dict[str, EagerRun], dict[str, str]]:
        """Eager runs from the same numbers, rounded to each other dtype, and why there is none in some.

        Args:
            starts: the numbers.
            lacking: why there is none on the device in float64, where that is so.

        Raises:
            NotRecorded: it runs in no dtype on the device.
        """
        runs: dict[str, EagerRun] = {}
        unsupported: dict[str, str] = dict(lacking)
        for dtype in RECIPE_DTYPES:
            if dtype == EXACT_DTYPE or dtype not in self._terms.dtypes:
                continue
            try:
                plan = self._plan(dtype)
            except NotRecorded as error:
                unsupported[dtype] = str(error)
                continue
            noted: StepDtypes = {}
            result, _ = run(noting(plan, noted), given=starts)
            if result.error is None or result.error.expected:
                runs[dtype] = EagerRun(plan, result, noted)
            else:
                words = "there is no kernel for it" if result.error.code == "no kernel" else "it fails"
                unsupported[dtype] = f"{words}: {result.error.step}: {result.error.message}"
        if lacking and not runs:
            told = "\n".join(f"{dtype}: {why}" for dtype, why in unsupported.items())
            raise NotRecorded(f"it runs in no dtype on '{self._device}':\n{told}")
        return runs, unsupported


def _measured(
    plan: Plan, starts: GivenTensors, runs: Mapping[str, EagerRun], values: Sequence[StoredValue]
) -> list[StoredValue]:
    """As `measured`.

    Raises:
        NotRecorded: the numbers of a value cannot be had.
    """
    for one in values:
        try:
            tensor_of(one.value)
        except UNTAKEN as error:
            raise NotRecorded(f"its value '{one.name}' cannot be stored: {words_of(error)}") from error
    return measured(plan, starts, runs, values)
