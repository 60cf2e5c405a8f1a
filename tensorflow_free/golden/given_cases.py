"""What a case is recorded from: the starting tensors that its recipe makes, or those of a saved run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tensorflow_free.composition.override_texts import of_case, word_override
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.golden.cases import StoredCase
from tensorflow_free.golden.model import EXACT_DTYPE
from tensorflow_free.golden.places import find_case
from tensorflow_free.golden.reading import read_case
from tensorflow_free.judging.same_starts import same_start
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.plan.calls import Stopped
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.model import StartsFrom
from tensorflow_free.runner import GivenTensors, starts_of


class NotRecorded(Exception):
    """A case that cannot be recorded; the message says why."""


class WrongCase(NotRecorded):
    """One whose recipe, or what was asked of it, is wrong: no step of it has run."""


@dataclass(frozen=True)
class GivenCase:
    """The starting tensors that a case is recorded from.

    Attributes:
        numbers: the tensors by name, on the CPU.
        of: the saved run whose they are; None where the recipe made them once.
    """

    numbers: GivenTensors
    of: StartsFrom | None = None


def given_again(stored: StoredCase | None) -> GivenCase | None:
    """What a golden's case was recorded from, to record it again."""
    return None if stored is None else GivenCase(stored.starts, stored.starts_from)


def starts_of_run(path: str | Path, case: str, device: str, run: str) -> GivenCase:
    """The starting tensors of a saved run, as a case of a recipe begins from them.

    Raises:
        NotRecorded: the recipe does not bind, or the run's tensors do not fit it.
    """
    plan = bound_case(path, (*eager_cell(case, device, EXACT_DTYPE), word_override("starts", run)))
    saved = plan.saved
    assert saved is not None  # noqa: S101 - the override names one; this tells mypy
    return GivenCase(made_starts(plan), StartsFrom(recipe=saved.name, digest=saved.digest))


def starts_kept(path: str | Path, case: str, device: str | None) -> GivenCase | None:
    """The starting tensors of the golden that is there, where it says that they are those of a saved run.

    Raises:
        NotRecorded: they do not fit the recipe any more.
    """
    try:
        golden = find_case(path, case, device)
        stored = None if golden is None else read_case(golden, case)
    except StorageError:
        # what is broken is written over
        return None
    return None if stored is None or stored.starts_from is None else _fitting(path, case, device or "cpu", stored)


def _fitting(path: str | Path, case: str, device: str, stored: StoredCase) -> GivenCase:
    own = made_starts(bound_case(path, eager_cell(case, device, EXACT_DTYPE)))
    if _forms(own) != _forms(stored.starts):
        of = stored.starts_from
        raise NotRecorded(
            f"its golden begins from the tensors of a saved run of {of.recipe if of else path}, and the recipe has "
            "others now; give --starts RUN, or delete the golden, so that the recipe makes them"
        )
    return GivenCase(stored.starts, stored.starts_from)


def other_starts(plan: Plan, stored: StoredCase) -> Iterator[str]:
    """The starting tensors of which a plan that begins from a saved run has other numbers than a golden's case.

    Each is rounded to the plan's dtype first, so that runs of any dtype can be told from a golden of float64.
    """
    own, recorded = starts_of(plan), starts_of(plan, stored.starts)
    for name, numbers in own.items():
        mine, its = (one.cpu().to_dense() for one in (numbers, recorded[name]))
        is_same = mine.shape == its.shape and bool(same_start(mine, its).all())
        if name not in stored.starts or not is_same:
            yield name


def _forms(starts: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: one.shape for name, one in starts.items()}


def made_starts(plan: Plan) -> dict[str, torch.Tensor]:
    """The starting tensors that a plan makes, on the CPU.

    Raises:
        NotRecorded: one cannot be made.
    """
    try:
        return {name: value.cpu() for name, value in starts_of(plan).items()}
    except Stopped as stopped:
        raise NotRecorded(f"its tensor '{stopped.site.name}' cannot be made: {stopped.__cause__}") from stopped


def bound_case(path: str | Path, overrides: Sequence[Override]) -> Plan:
    """The plan of a recipe in a cell.

    Raises:
        WrongCase: it does not bind.
    """
    try:
        return plan_of(load_recipe(path, overrides))
    except RecipeError as error:
        raise WrongCase(str(error)) from error


def eager_cell(case: str, device: str, dtype: str) -> tuple[Override, ...]:
    """The overrides that make the eager cell of a case on a device in a dtype."""
    cell = {"device": device, "dtype": dtype, "backend": "eager"}
    return (*(word_override(key, word) for key, word in cell.items()), *of_case(case))
