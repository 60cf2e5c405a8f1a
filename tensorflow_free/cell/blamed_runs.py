"""`blame_recipe`, `blame_run`: the culprits of a recipe's cell, and of a saved run, which is run again where it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch

from tensorflow_free.cell.blaming_safely import blamed_safely
from tensorflow_free.cell.recorded_blame import blame_by_records
from tensorflow_free.cell.reference import Source, yardstick_of
from tensorflow_free.cell.saved_cells import from_saved_numbers
from tensorflow_free.cell.yardstick import KeptRuns, NoReference, Yardstick
from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.override_texts import as_override, parse_overrides
from tensorflow_free.composition.overrides import Override, apply_overrides
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import Place, Problem, RecipeError, UnavailableError, refuse_any
from tensorflow_free.form import Form
from tensorflow_free.judging.blame import with_blame
from tensorflow_free.judging.culprits import Blame, not_found
from tensorflow_free.judging.repeats import difference_of
from tensorflow_free.judging.settled import as_far_as
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.loading import load_recipe, plan_of, read_form
from tensorflow_free.outcome.reasons import AnyReason, RunAgain
from tensorflow_free.recipe.graph import paths_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.entries import entry_of, record_of
from tensorflow_free.result.environment import environments_apart
from tensorflow_free.result.model import RECIPE, RESULT
from tensorflow_free.result.reading import read_result
from tensorflow_free.result.result import Result
from tensorflow_free.runner import run, run_repeatedly
from tensorflow_free.tensors.devices import best_device

JUDGED_BY: Final = ("judge", "reference")
"""What may be overridden when a saved run is blamed: any other key would make it another run."""


@dataclass(frozen=True)
class BlamedRun:
    """A run with what is to blame in it.

    Attributes:
        result: the run; of a saved one, what was saved.
        source: the recipe's file.
        overrides: those of the cell.
        comparison: its values against the reference, with `blame`; None where it made none before it stopped.
        missing: why there is nothing to compare it with; None where there is.
        reference: the run that it was compared with; None where there is none.
    """

    result: Result
    source: Source
    overrides: tuple[Override, ...]
    comparison: Comparison | None = None
    missing: AnyReason | None = None
    reference: Result | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether a value is out of bounds, or a step wrong for its own inputs."""
        comparison = self.comparison
        if comparison is None:
            return False
        blame = comparison.blame
        return bool(comparison.bad) or (blame is not None and bool(blame.culprits or blame.candidates or blame.drift))

    def places(self) -> dict[str, Place]:
        """Where each step stands in the recipe's file."""
        form = Form(compose(self.source, self.overrides, best_device=best_device))
        return {name: form.place(path) for name, path in paths_of(self.result.recipe.steps)}


def blame_recipe(source: str | Path, overrides: Sequence[str | Override] = ()) -> BlamedRun:
    """Run a recipe's cell, hold it against its reference, and find the steps that are wrong for their own inputs.

    Args:
        source: the recipe file.
        overrides: those that make the cell.

    Raises:
        RecipeError: something of it is wrong.
    """
    given = tuple(map(as_override, overrides))
    recipe = load_recipe(source, given)
    result, _ = run_repeatedly(plan_of(recipe))
    result.name = Path(source).stem
    return _Blamed(source, given, recipe, result).again()


def blame_run(folder: str | Path, overrides: Sequence[str | Override] = ()) -> BlamedRun:
    """Find the steps of a saved run that are wrong for their own inputs.

    It is run again where its device is here. If that gives the saved bits, each step of it is judged alone as of a
    recipe; if it does not, or the device is not here, by what the run recorded.

    Args:
        folder: the run's folder, or the `result.json` in it.
        overrides: of `judge` and `reference`; or what the run says already, such as options of its compiler that only
            a person may give.

    Raises:
        StorageError: it is no run's folder, or is broken.
        RecipeError: its recipe does not bind here, or an override would make another run of it.
    """
    folder = Path(folder).parent if Path(folder).name == RESULT else Path(folder)
    saved = read_result(folder)
    given = tuple(map(as_override, overrides))
    _refuse_others(given, folder, saved.recipe)
    with _threads_of(saved):
        return _blame_saved(folder, given, saved)


def _blame_saved(folder: Path, overrides: tuple[Override, ...], saved: Result) -> BlamedRun:
    path = folder / RECIPE
    source = from_saved_numbers(path, overrides, saved)
    try:
        recipe = load_recipe(source, overrides)
    except UnavailableError as error:
        told = RunAgain(code="not here again", problems=[one.message for one in error.problems])
        recipe = read_form(path, overrides)
        found = _Blamed(source, overrides, recipe, replace(saved, recipe=recipe)).by_records(told)
    else:
        again, _ = run(plan_of(recipe))
        told = _stands(again, saved)
        if told.code == "same bits again":
            # it holds what the folder has in words alone, too
            cell = replace(again, name=saved.name, environment=saved.environment)
            found = _Blamed(source, overrides, recipe, cell).again(told)
        else:
            found = _Blamed(source, overrides, recipe, replace(saved, recipe=recipe)).by_records(told)
    return replace(found, source=path)


def _stands(again: Result, saved: Result) -> RunAgain:
    """How a second run stands to the saved one."""
    difference = difference_of(_as_read_back(again), saved)
    if difference is None:
        return RunAgain(code="same bits again")
    apart = environments_apart(saved.environment, again.environment)
    told = [f"{key.replace('_', ' ')}: {one}, and {other} here" for key, (one, other) in apart.items()]
    return RunAgain(code="other bits again", value=difference.where.value, cause=difference.cause, apart=told)


def _as_read_back(result: Result) -> Result:
    """A result as it is read from its folder, in which what is no tensor may stand in words."""
    arrays: dict[str, torch.Tensor] = {}
    entries = [entry_of(one, arrays) for one in result.records.values()]
    return replace(result, records={one.name: record_of(one, arrays, Path()) for one in entries})


def _refuse_others(overrides: Sequence[Override], folder: Path, recipe: Recipe) -> None:
    """Refuse what would make another run of a saved one; what it says already may be typed again.

    Raises:
        RecipeError: there is such an override.
    """
    others = [one for one in parse_overrides(overrides) if one.parts[0] not in JUDGED_BY and not _says(recipe, one)]
    keys = " and ".join(JUDGED_BY)
    message = f"it makes another run of it, which only {keys} do not; blame its recipe: {folder / RECIPE}"
    refuse_any([Problem(one.place, message) for one in others])


def _says(recipe: Recipe, override: Override) -> bool:
    """Whether a saved recipe says what an override does."""
    try:
        return dump_yaml(apply_overrides(recipe.written, [override])) == dump_yaml(recipe.written)
    except RecipeError:
        return False


@contextmanager
def _threads_of(saved: Result) -> Iterator[None]:
    """As many threads as the saved run had, which sums are split among."""
    before = torch.get_num_threads()
    if saved.environment is not None:
        torch.set_num_threads(saved.environment.num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Blamed:
    """A run of a cell being blamed."""

    def __init__(self, source: Source, overrides: tuple[Override, ...], recipe: Recipe, result: Result) -> None:
        self._found = BlamedRun(result, source, overrides)
        more = tuple(map(as_override, as_far_as(result)))
        self._source = source
        self._overrides = (*overrides, *more)
        self._recipe = load_recipe(source, self._overrides) if more and recipe.plan is not None else recipe
        self._kept = KeptRuns()

    def again(self, *notes: AnyReason) -> BlamedRun:
        """By another run of the cell, in which each step is judged on what it read."""
        return self._told(self._in_place, notes)

    def by_records(self, *notes: AnyReason) -> BlamedRun:
        """By what the run recorded."""

        def found(yardstick: Yardstick, comparison: Comparison) -> Comparison:
            try:
                return with_blame(comparison, blame_by_records(yardstick, self._found.result, comparison))
            except Exception as error:  # noqa: BLE001 - an op of the user's may raise whatever it likes
                return replace(comparison, blame=Blame(notes=(not_found(f"{type(error).__name__}: {error}"),)))

        return self._told(found, notes)

    def _in_place(self, yardstick: Yardstick, comparison: Comparison) -> Comparison:
        del yardstick
        result = self._found.result
        return blamed_safely(self._source, self._overrides, self._recipe, result, comparison, self._kept)

    def _told(self, find: Callable[[Yardstick, Comparison], Comparison], notes: Sequence[AnyReason]) -> BlamedRun:
        result = self._found.result
        made = any(one.kind != "tensor" and one.value is not None for one in result.records.values())
        if result.has_failed and not made:
            return self._found
        try:
            yardstick = yardstick_of(self._source, self._overrides, self._recipe, self._kept)
        except NoReference as why:
            if why.partial is None:
                return replace(self._found, missing=why.cause)
            yardstick = why.partial
        held_against = yardstick.for_run(result)
        comparison: Comparison = find(yardstick, held_against.compare(result))
        if comparison.blame is not None:
            blame = replace(comparison.blame, notes=(*notes, *comparison.blame.notes))
            comparison = with_blame(comparison, blame)
        return replace(self._found, comparison=comparison, reference=held_against.reference)
