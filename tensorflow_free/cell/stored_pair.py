"""How far rounding may take the values of two runs apart, found from the recipe that one of them keeps.

That recipe runs in float64 from the numbers that the finer of the two runs started from; and again, nudged, as each of
the two rounds and from what it started from. What that moves, added to the expected run's values, is what a comparison
is given: so rounding of either run, and of what it started from, is allowed for, and a fault of neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import Any, Final

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.errors import RecipeError
from tensorflow_free.judging.as_tensors import readable, tensor_of
from tensorflow_free.judging.closeness import is_floating
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.judging.same_starts import same_start
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.outcome.reasons import Problems
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.calls import Stopped
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record, of_name
from tensorflow_free.rounding.decoded import Rescues
from tensorflow_free.rounding.nudged_runs import KEPT_BYTES, NudgedRuns, Roundings
from tensorflow_free.rounding.roundings import roundings_of
from tensorflow_free.rounding.step_dtypes import all_round_alike
from tensorflow_free.runner import run, starts_of
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

NEGLIGIBLE: Final = 2.0**-12
"""Of the coarser run's epsilon: a run whose own is less moves nothing that shows beside the other."""

_LEFT_OUT: Final = (
    "defaults",
    "settings",
    "checks",
    "expect",
    "tolerance",
    "reference",
    "relations",
    "must_run",
    "starts",
    "xfail",
)
"""Keys of a recipe that say how a run is set up and judged, and not what it computes."""


class NoMovementError(Exception):
    """The recipe cannot run here, so that nothing tells how far rounding takes its values.

    Attributes:
        cause: why.
    """

    def __init__(self, *problems: str) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self.cause = Problems(code="noise is not known", problems=[problems[0] + more])
        super().__init__(words(self.cause))


class StoredPair:
    """The movement between two results, made when it is first asked for.

    Args:
        actual: the judged run.
        expected: what it is compared with.
        keep_bytes: as of `NudgedRuns`.

    Raises:
        NoMovementError: by `values`, where the expected run's recipe cannot run here.
    """

    def __init__(self, actual: Result, expected: Result, *, keep_bytes: int = KEPT_BYTES) -> None:
        self._actual = actual
        self._expected = expected
        self._keep_bytes = keep_bytes

    @property
    def apart(self) -> bool:
        """As of `Movement`: values of a whole run read each other."""
        return False

    @property
    def jumps(self) -> bool:
        """Whether a result jumps in the nudged runs of either."""
        return any(side.jumps for side in self._sides)

    def values(self, number: int, times: float = 1.0, *, names: Collection[str] | None = None) -> Mapping[str, Record]:
        """The expected values, moved as far as rounding of both runs may take them; as of `Movement`."""
        _, between = self._between
        # runs that round alike are nudged by the same runs: by one, and by the next
        runs = [side.values(number + turn, times, names=names) for turn, side in enumerate(self._sides)]
        return _Moved(self._expected.records, between, runs)

    def of(self, expected: Result) -> StoredPair:
        """The same for another expected run, which rounds alike: what is nudged is made once for both.

        Raises:
            NoMovementError: the expected run's recipe cannot run here.
        """
        _ = self._between, self._sides
        other = copy(self)
        other._expected = expected  # noqa: SLF001 - one of its own kind
        return other

    @property
    def is_its_own_baseline(self) -> bool:
        """Whether the judged run is what `baseline` would run, so that it cannot tell how large an error has to be."""
        mine, its = self._actual.recipe, self._expected.recipe
        here = None if self._actual.environment is None else self._actual.environment.torch
        is_here = mine.backend.name == "eager" and mine.device == "cpu" and here in (None, torch.__version__)
        return is_here and mine.written.get("steps") == its.written.get("steps")

    def baseline(self) -> Result:
        """The expected run's recipe, run eagerly on the CPU in the judged run's dtype, from what that started from.

        Raises:
            NoMovementError: it cannot run here.
        """
        return run(self._loaded(self._actual.recipe.dtype), given=self._starts(self._actual))[0]

    @cached_property
    def _finer_first(self) -> tuple[Result, Result]:
        one, other = sorted((self._expected, self._actual), key=lambda result: epsilon(_dtype(result)))
        return one, other

    @cached_property
    def _between(self) -> tuple[Plan, Mapping[str, Record]]:
        """What runs in float64, and its values from what the finer run started from.

        Raises:
            NoMovementError: it stops, where the expected run did not.
        """
        meant, plan, why = self._expected.error, self._loaded("float64"), ""
        for rescues in (False, True):
            tried = plan if all_round_alike(plan) and not rescues else Rescues(rescues).into(plan)
            result, _ = run(tried, given=self._starts(self._finer_first[0]))
            error = result.error
            if error is None or (meant is not None and meant.step == error.step):
                return tried, result.records
            why = f"the recipe of the expected run stops here at '{error.step}': {error.message}"
        raise NoMovementError(why)

    @cached_property
    def _sides(self) -> list[NudgedRuns]:
        """What nudges as each run rounds whose rounding shows."""
        finer, coarser = self._finer_first
        sides = [self._side(coarser)]
        if epsilon(_dtype(finer)) >= NEGLIGIBLE * epsilon(_dtype(coarser)):
            alike = _rounds(finer) == _rounds(coarser) and self._starts(finer) is self._starts(coarser)
            sides.append(sides[0] if alike else self._side(finer))
        return sides

    def _side(self, result: Result) -> NudgedRuns:
        given = self._starts(result)

        def roundings() -> Roundings:
            return roundings_of(result.recipe, self._loaded(result.recipe.dtype), given, usual=_dtype(result))

        return NudgedRuns(self._between[0], given, roundings, keep_bytes=self._keep_bytes)

    # what starts them

    def _starts(self, result: Result) -> Mapping[str, torch.Tensor]:
        return self._own_starts if result is self._actual else self._expected_starts

    @cached_property
    def _expected_starts(self) -> Mapping[str, torch.Tensor]:
        return self._known_starts(self._expected)

    @cached_property
    def _own_starts(self) -> Mapping[str, torch.Tensor]:
        """The same numbers as the judged run has them; where it has others, those of the expected run."""
        its = self._expected_starts
        if self._actual.recipe.dtype == self._expected.recipe.dtype:
            return its
        known = self._known_starts(self._actual)
        mine = {name: one for name, one in known.items() if name in its and _is_rounding_of(one, its[name])}
        return {**its, **mine} if mine else its

    def _known_starts(self, result: Result) -> Mapping[str, torch.Tensor]:
        """What a run started from; what it does not record is drawn again in its dtype."""
        recorded, plan = _recorded_starts(result), self._loaded(result.recipe.dtype)
        if {start.name for start in plan.starts} <= recorded.keys():
            return recorded
        try:
            return {**starts_of(plan), **recorded}
        except Stopped as stopped:
            raise NoMovementError(f"its starting tensor '{stopped.site.name}' cannot be made") from stopped

    # what runs

    def _loaded(self, dtype: str) -> Plan:
        """The expected run's recipe, on an eager CPU in a dtype.

        Raises:
            NoMovementError: it cannot run here.
        """
        recipe = self._expected.recipe
        mapping = {key: value for key, value in recipe.written.items() if key not in _LEFT_OUT}
        mapping |= {"device": "cpu", "backend": "eager", "dtype": dtype, "record": "all"}
        mapping["tensors"] = self._given_tensors(mapping.get("tensors") or {})
        calls = recipe.backend.calls
        overrides = [] if isinstance(calls, int) else [case_override(calls[-1])]
        try:
            return plan_of(load_recipe(mapping, overrides))
        except RecipeError as error:
            raise NoMovementError(*map(str, error.problems)) from error

    def _given_tensors(self, written: Mapping[str, Any]) -> dict[str, Any]:
        return without_files(written, {**_recorded_starts(self._actual), **_recorded_starts(self._expected)})


def without_files(written: Mapping[str, Any], known: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Starting tensors as they are written; those of files as they are known, as a mapping has no folder.

    One whose `values` a file has is as its init makes it: a run is given its numbers.
    """
    tensors: dict[str, Any] = {}
    for name, spec in written.items():
        of_file = isinstance(spec, Mapping) and isinstance(spec.get("path"), str)
        if isinstance(spec, Mapping) and "values" in spec and name in known:
            tensors[name] = {key: value for key, value in spec.items() if key != "values"}
        elif of_file and name in known:
            rest = {key: value for key, value in spec.items() if key not in ("init", "path", "key", "shape")}
            tensors[name] = {**rest, "init": "tensor", "data": known[name]}
        else:
            tensors[name] = spec
    return tensors


def _dtype(result: Result) -> torch.dtype:
    return TORCH_DTYPES[result.recipe.dtype]


def _rounds(result: Result) -> tuple[object, ...]:
    recipe = result.recipe
    return recipe.dtype, recipe.device.partition(":")[0], repr(recipe.settings)


def _recorded_starts(result: Result) -> dict[str, torch.Tensor]:
    records = result.records.values()
    return {one.name: one.value for one in records if one.kind == "tensor" and isinstance(one.value, torch.Tensor)}


def _is_rounding_of(mine: torch.Tensor, its: torch.Tensor) -> bool:
    """Whether two starting tensors are the same numbers, each rounded to its own dtype, and are not equal."""
    if mine.dtype == its.dtype or mine.is_meta or its.is_meta:
        return False
    try:
        one, other = readable(mine), readable(its)
    except UNTAKEN:
        return False
    return one.shape == other.shape and bool(same_start(one, other).all())


class _Moved(Mapping[str, Record]):
    """Values of the expected run, each moved as far as a nudged run of either side is from the run between them."""

    def __init__(
        self, expected: Mapping[str, Record], between: Mapping[str, Record], runs: list[Mapping[str, Record]]
    ) -> None:
        self._expected = expected
        self._between = between
        self._runs = runs

    def __getitem__(self, name: str) -> Record:
        record = of_name(self._expected, name)
        found = [of_name(values, name) for values in (self._between, *self._runs)]
        if record is None or None in found:
            raise KeyError(name)
        its, between, *nudged = [None if one is None else _numbers(one.value) for one in (record, *found)]
        if its is None or between is None or between.shape != its.shape:
            raise KeyError(name)
        moved = its if its.dtype == torch.bool else its.to(_wide(its))
        for one in nudged:
            if one is None or one.shape != its.shape:
                raise KeyError(name)
            moved = moved ^ (one ^ between) if its.dtype == torch.bool else moved + _apart(one, between)
        return Record(name, record.kind, moved, record.op)

    def __iter__(self) -> Iterator[str]:
        return iter(self._expected)

    def __len__(self) -> int:
        return len(self._expected)


def _numbers(value: Any) -> torch.Tensor | None:
    try:
        return tensor_of(value)
    except UNTAKEN:
        return None


def _wide(one: torch.Tensor) -> torch.dtype:
    if one.is_complex():
        return torch.complex128
    return torch.float64 if is_floating(one.dtype) else torch.int64


def _apart(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """How far numbers are apart; 0 where one is not finite."""
    wide = _wide(other)
    apart = (one.to(wide) - other.to(wide)).abs()
    return torch.where(apart.isfinite(), apart, 0) if apart.is_floating_point() else apart
