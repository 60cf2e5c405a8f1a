"""What a cell is compared with: its reference, its baseline, and which values cannot be compared.

The reference is the same recipe on the CPU, eager, in float64, or the cell that `reference` names. It starts from the
cell's own numbers, so that rounding of the inputs is not blamed on the ops; with `inputs: original` from its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tensorflow_free.binding.in_dtype import in_dtype
from tensorflow_free.cell.attempts import Attempt, StartingNumbers, furthest
from tensorflow_free.cell.random_names import random_names
from tensorflow_free.cell.yardstick import KeptRuns, NoReference, Yardstick
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.outcome.reasons import Problems
from tensorflow_free.outcome.sentences import words
from tensorflow_free.plan.calls import Stopped
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.graph import only_in_one
from tensorflow_free.recipe.keys import INPUTS, KEYS, USUAL_REFERENCE
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.replay.noting import noting_draws
from tensorflow_free.replay.replaying import Replay
from tensorflow_free.replay.visits import draws, draws_gradients
from tensorflow_free.result.result import Result
from tensorflow_free.rounding.decoded import How, Rescues
from tensorflow_free.rounding.dtype_defaults import with_defaults_of
from tensorflow_free.rounding.nudged_runs import NudgedRuns, Roundings
from tensorflow_free.rounding.roundings import roundings_of
from tensorflow_free.rounding.step_dtypes import StepDtypes, all_round_alike, noting
from tensorflow_free.rounding.turning import Turning, has_vectors
from tensorflow_free.runner import GivenTensors, run, starts_of
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

Source = str | Path | Mapping[str, Any]


def yardstick_of(source: Source, overrides: Sequence[Override], recipe: Recipe, kept: KeptRuns) -> Yardstick:
    """What the cell of a recipe is compared with.

    Args:
        source: the recipe's file or mapping.
        overrides: the overrides that make the cell.
        recipe: the cell's recipe.
        kept: runs that may serve again.

    Raises:
        NoReference: the reference cannot be loaded, or stops where it is not meant to; with what it had made by then.
    """
    found = _Making(source, overrides, recipe, kept).yardstick()
    if found.failed is not None:
        raise NoReference(found.failed, found)
    return found


class _Making:
    """A cell's yardstick being made."""

    def __init__(self, source: Source, overrides: Sequence[Override], recipe: Recipe, kept: KeptRuns) -> None:
        self._source = source
        self._overrides = overrides
        self._recipe = recipe
        self._kept = kept
        wanted = {**USUAL_REFERENCE, **recipe.reference}
        self._original = wanted.pop("inputs", INPUTS[0]) != INPUTS[0]
        self._wanted = wanted
        self._replaced = {
            str(name)
            for one in overrides_in(wanted, "reference")
            if one.parts[0] == "tensors"
            for name in (one.parts[1:2] or one.value)
        }

    def yardstick(self) -> Yardstick:
        recipe = self._recipe
        # the cell's own numbers, made on the CPU; its own plan would make them on its device
        self._own = recipe if _is_eager_cpu(recipe) else self._load({"device": "cpu", "backend": "eager"})
        found = furthest(self._attempts())
        other, starts, reference = found.recipe, found.starts, found.result
        incomparable = frozenset[str]()
        # a device draws other numbers in another dtype, and its draws are not made again
        elsewhere = bool(found.plan.devices) and recipe.dtype != other.dtype and draws(other)
        left = starts.replay.left if starts.replay is not None else _stream(recipe) != _stream(other) and draws(other)
        if left or elsewhere:
            incomparable = random_names(found.plan, starts.of_reference, reference)
        others = [f"{key}={_written(value)}" for key, value in self._wanted.items() if key not in USUAL_REFERENCE]
        inputs = f"{'original' if self._original else 'own'} inputs"
        said = ", ".join([f"{other.device} {other.backend.name} {other.dtype}", *others, inputs])
        noted: StepDtypes = {}
        baseline = None
        beside = plan_of(self._beside())
        beside = beside if starts.replay is None else starts.replay.into(beside)
        is_cell = self._own is recipe and not self._is_other
        if not is_cell:
            # where the CPU has no kernel for this dtype, it goes as far as it can
            run_beside = reference if starts.alike else self._ran(noting(beside, noted), starts.given, starts.key)[0]
            baseline = run_beside
        notes = list(found.told())
        yardstick = Yardstick(
            reference,
            "; ".join([said, *map(words, notes)]),
            baseline,
            self._nudged(found, beside, noted),
            incomparable=incomparable,
            unreplayed=() if starts.replay is None else tuple(sorted(starts.replay.left)),
            apart=only_in_one(recipe, other),
            failed=found.failure,
            same_kernel=found.same_kernel if is_cell and recipe.dtype == "float32" else {},
            notes=notes,
            plan=found.plan,
            given=starts.of_reference,
            beside=None if is_cell else beside,
        )
        turned = partial(_turned, yardstick, found, beside) if has_vectors(found.plan) else None
        return replace(yardstick, turned=turned)

    def _beside(self) -> Recipe:
        """The reference's recipe in the cell's dtype, eager on the CPU: that of the baseline."""
        if not self._is_other:
            return self._own
        return self._load({**self._wanted, "device": "cpu", "backend": "eager", "dtype": self._recipe.dtype})

    @cached_property
    def _is_other(self) -> bool:
        """Whether the reference is another recipe in more than where it runs."""
        return not self._wanted.keys() <= USUAL_REFERENCE.keys()

    def _attempts(self) -> Iterator[Attempt]:
        """The runs that may be the reference, as they are wanted: the usual one, and those without what it lacks."""
        recipe = self._recipe
        first = self._attempt(self._wanted)
        yield first
        if "dtype" in recipe.reference or not first.may_lack_a_kernel:
            return
        if _is_eager_cpu(first.recipe):
            yield self._attempt(self._wanted, rescues=True)
        is_cell = self._own is recipe and not self._is_other
        for dtype in dict.fromkeys(("float32", recipe.dtype)):
            if dtype != self._wanted["dtype"] and not (is_cell and dtype == recipe.dtype):
                yield replace(self._attempt({**self._wanted, "dtype": dtype}), after=first.result)

    def _attempt(self, wanted: Mapping[str, Any], *, rescues: bool = False) -> Attempt:
        """One run that may be the reference."""
        plan = self._plan_of(wanted)
        starts = self._starts(plan)
        if starts.replay is not None:
            plan = starts.replay.into(plan)
        plan = with_defaults_of(plan, TORCH_DTYPES[self._recipe.dtype])
        told = Rescues(rescues)
        is_narrow = rescues or not all_round_alike(plan)
        if is_narrow and _is_eager_cpu(plan.recipe) and plan.recipe.dtype == "float64":
            plan = told.into(plan)
        result, lacking = self._ran(plan, starts.of_reference, starts.of_reference_key, told)
        return Attempt(plan, starts, result, lacking)

    def _starts(self, plan: Plan) -> StartingNumbers:
        """What a reference starts from, and what it draws again."""
        recipe, other = self._recipe, plan.recipe
        # a reference of the same dtype draws the same numbers, unless it is another in more than where it runs
        alike = recipe.dtype == other.dtype and not self._is_other
        if alike:
            return StartingNumbers(alike=True)
        given = {name: one for name, one in _starts(plan_of(self._own)).items() if name not in self._replaced}
        if self._is_other:
            _refuse_other_shapes(given, _starts(plan))
        replay = self._replay(self._own, other)
        key = _what_starts(recipe) if replay is None else f"{_what_starts(recipe)} {recipe.written!r}"
        of_reference = (None, f"original {key}") if self._original else (given, key)
        return StartingNumbers(given, of_reference[0], key, of_reference[1], replay)

    def _nudged(self, found: Attempt, beside: Plan, noted: StepDtypes) -> NudgedRuns:
        """The reference's nudged runs: with what it is given, nudged as the steps of the plan `beside` it round."""
        plan, given, recipe = found.plan, found.starts.of_reference, self._recipe

        def roundings() -> Roundings:
            usual = max((TORCH_DTYPES[one] for one in (recipe.dtype, plan.recipe.dtype)), key=epsilon)
            return roundings_of(recipe, beside, given, usual=usual, noted=noted, starts=self._original)

        def make() -> NudgedRuns:
            return NudgedRuns(plan, _starts(plan) if self._original else given, roundings)

        if isinstance(self._source, Mapping):
            return make()
        return self._kept.get(("nudged", *_what_runs(found.plan, found.starts.of_reference_key), _rounds(recipe)), make)

    def _replay(self, own: Recipe, other: Recipe) -> Replay | None:
        """What the cell draws, for the reference to draw again; None where it draws nothing, or in a stream elsewhere.

        Args:
            own: the cell as it is on an eager CPU.
            other: the reference.
        """
        drawing = draws(self._recipe) or draws(other)
        if not _is_eager_cpu(other) or not (draws_gradients(own) or drawing):
            return None
        elsewhere = drawing and own is not self._recipe
        if elsewhere and not draws_gradients(own):
            return None

        def make() -> Replay:
            plan, drawn = noting_draws(plan_of(own))
            run(plan)
            return Replay(drawn)

        key = ("drawn", repr(own.written), repr(other.written))
        replay = make() if isinstance(self._source, Mapping) else self._kept.get(key, make)
        # an op of the user's own may draw, in a stream of another device; one that draws nothing here has none there
        return None if elsewhere and replay.in_steps else replay

    def _plan_of(self, wanted: Mapping[str, Any]) -> Plan:
        """The plan of the same recipe in another cell; where only its dtype is another, made of the cell's own."""
        if not self._is_other and {**USUAL_REFERENCE, "dtype": wanted["dtype"]} == wanted:
            found = in_dtype(plan_of(self._own), wanted["dtype"], self._recorded())
            if found is not None:
                return found
        return plan_of(self._load(wanted))

    def _recorded(self) -> dict[str, Any]:
        """What a reference keeps, which is what the cell does; it may have other ops, and nothing of it must run."""
        recipe = self._recipe
        record = recipe.record or ("all" if recipe.backend.name == "eager" else "outputs")
        required: dict[str, list[str]] = {"must_run": []} if recipe.must_run else {}
        return {"record": record, **required}

    def _load(self, wanted: Mapping[str, Any]) -> Recipe:
        """The same recipe in another cell, which records the same values."""
        recipe = self._recipe
        others = overrides_in({**wanted, **self._recorded()}, "reference")
        calls = recipe.backend.calls
        if not isinstance(calls, int):
            # a function that is compiled for several cases is called for the last of them at the end
            others.append(case_override(calls[-1]))
        try:
            return load_recipe(self._source, [*self._overrides, *others])
        except RecipeError as error:
            problems = str(error).splitlines()
            raise NoReference(Problems(code="no reference", cell=_named(wanted), problems=problems)) from error

    def _ran(
        self, plan: Plan, given: GivenTensors | None, key: str | None, told: Rescues | None = None
    ) -> tuple[Result, Mapping[str, tuple[str, How]]]:
        """A run's result, and the steps that were computed otherwise, as `told` of them."""

        def make() -> tuple[Result, Mapping[str, tuple[str, How]]]:
            result, _ = run(plan, given=given)
            return result, {} if told is None else told.steps

        if isinstance(self._source, Mapping):
            # it may hold tensors, which have no short words
            return make()
        return self._kept.get((*_what_runs(plan, key), told is not None and told.rescues), make)


def _turned(yardstick: Yardstick, found: Attempt, beside: Plan, result: Result) -> Yardstick:
    """The yardstick of a cell once more, with singular vectors and eigenvectors of the signs that the cell's have.

    Its nudged runs and its baseline take those of the new reference, as a wrong vector of the cell gives none.

    Args:
        yardstick: as it is without.
        found: the run that is its reference.
        beside: the reference's recipe in the cell's dtype, from the cell's own numbers.
        result: a run of the cell.
    """
    cells, its, movement, given = Turning(result.records), Turning({}), yardstick.movement, found.starts.given
    run(cells.noting(beside), given=given)
    plan = cells.into(found.plan)
    reference, _ = run(its.noting(plan), given=found.starts.of_reference)
    baseline = None if yardstick.baseline is None else run(its.into(beside), given=given)[0]
    if isinstance(movement, NudgedRuns):
        movement = movement.of(its.into(movement.plan))
    return replace(yardstick, reference=reference, baseline=baseline, movement=movement, turned=None, plan=plan)


def _what_runs(plan: Plan, key: str | None) -> tuple[Any, ...]:
    """What a run hangs on: where its numbers come from, what its recipe says, and the files that it reads."""
    return key, repr(plan.recipe.written), plan.files


def _starts(plan: Plan) -> GivenTensors:
    try:
        return starts_of(plan)
    except Stopped as stopped:
        told = Problems(code="start failed", name=stopped.site.name, problems=[str(stopped.__cause__)])
        raise NoReference(told) from stopped


def _refuse_other_shapes(given: GivenTensors, own: GivenTensors) -> None:
    """A reference with other parameters may have tensors of other shapes, into which the cell's numbers do not fit."""
    for name, numbers in own.items():
        if name in given and given[name].shape != numbers.shape:
            shapes = f"{list(given[name].shape)} in the cell and {list(numbers.shape)} in its reference"
            raise NoReference(Problems(code="shape is not the reference's", name=name, problems=[shapes]))


def _what_starts(recipe: Recipe) -> str:
    """What a cell's starting numbers hang on: all that its recipe says but for where and how it runs."""
    return repr({key: value for key, value in recipe.written.items() if KEYS[key].starts})


def _is_eager_cpu(recipe: Recipe) -> bool:
    return recipe.backend.name == "eager" and recipe.device.partition(":")[0] == "cpu"


def _stream(recipe: Recipe) -> tuple[str, str, str]:
    """What a random stream depends on besides the seed."""
    return recipe.device.partition(":")[0], recipe.dtype, recipe.backend.name


def _written(value: Any) -> str:
    """A value as the grammar of overrides has it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_written(one) for one in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _named(wanted: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_written(value)}" for key, value in wanted.items())


def _rounds(recipe: Recipe) -> str:
    """What the nudges hang on besides the reference."""
    return repr((recipe.dtype, recipe.device.partition(":")[0], recipe.settings))
