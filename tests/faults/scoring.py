"""The score of the bench: which faults the fixtures catch, and whether each is laid at the right step's door."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tensorflow_free import load_recipe
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.loading import cases_of
from tensorflow_free.recipe.models import Step
from tensorflow_free.registry import find
from tests.faults.fault import Fault, injected

RECIPES: Final = Path(__file__).parent.parent.parent / "recipes"

DTYPES: Final = ("float64", "float32")
"""In which the fixtures look for faults, in this order."""

CATCHES: Final = ("mismatch", "failed")


@dataclass(frozen=True, slots=True)
class Fixture:
    """One case of a recipe that has a golden.

    Attributes:
        ops: the op of each of its steps and checks, by the registry's name.
        uses: the ops of its steps.
        is_simple: whether it has no blocks, and runs eagerly.
    """

    path: Path
    case: str
    ops: Mapping[str, str]
    uses: frozenset[str]
    is_simple: bool

    @property
    def name(self) -> str:
        return f"{self.path.stem}{f' {self.case}' if self.case else ''}"


@dataclass(frozen=True, slots=True)
class Catch:
    """A fixture that caught a fault: the cell, the steps that it suspects, and how much of the error it used."""

    fixture: Fixture
    cell: str
    outcome: str
    suspects: tuple[str, ...]
    used: float

    def names(self, fault: Fault) -> bool:
        """Whether the fault's op is that of a suspect."""
        return any(self.fixture.ops.get(step) in fault.ops for step in self.suspects)


def recorded_fixtures(folder: Path) -> list[Fixture]:
    """Copy the recipes of the repository and their goldens into a folder, and list them; short ones first."""
    shutil.copytree(RECIPES, folder)
    found = [fixture for path in sorted(folder.rglob("*.yaml")) for fixture in fixtures_of(path)]
    return sorted(found, key=lambda one: (not one.is_simple, len(one.ops), one.name))


def fixtures_of(path: Path) -> Iterator[Fixture]:
    for case in cases_of(path) or ("",):
        recipe = load_recipe(path, [f"case={case}"] if case else [])
        steps = dict(all_steps(recipe.steps))
        ops = {
            name: op.name
            for name, step in {**steps, **recipe.checks}.items()
            if (op := find(step.op or "")) is not None
        }
        uses = frozenset(ops[name] for name in steps if name in ops)
        simple = steps.keys() <= ops.keys() and recipe.backend.name == "eager"
        yield Fixture(path, case, ops, uses, simple)


def all_steps(steps: Mapping[str, Step]) -> Iterator[tuple[str, Step]]:
    """Every step with its name, those inside blocks too."""
    for name, step in steps.items():
        yield name, step
        yield from all_steps(step.steps or {})


def catches(fault: Fault, fixtures: Sequence[Fixture], dtypes: Iterable[str] = DTYPES) -> Iterator[Catch]:
    """Verify the fixtures that use the fault's ops with it in place, and tell of those that do not pass."""
    using = [one for one in fixtures if one.uses & set(fault.ops)]
    with injected(fault):
        for dtype in dtypes:
            for fixture in using:
                found = verify_case(fixture.path, fixture.case, [f"dtype={dtype}"])
                if found.outcome in CATCHES:
                    yield Catch(fixture, found.cell, found.outcome, suspects_of(found), used_of(found))


def suspects_of(found: Verification) -> tuple[str, ...]:
    """The steps that a verification says it was: going back, those whose backward is suspect."""
    comparison, result = found.comparison, found.result
    if comparison is not None and (where := comparison.where) is not None:
        # a gradient that is there and should not be, or the reverse, speaks of the value itself
        itself = where.direction == "forward" or comparison[where.value].rule == "structure" or not where.through
        return (*([where.step] if itself else []), *where.through)
    if result is None:
        return ()
    if result.error is not None:
        # where autograd refuses to begin, it is the target that it refuses
        targets = [one.partition(":")[0] for one in result.error.operands] if result.error.step == "backward" else []
        return (result.error.step, *targets)
    unmet = [f"{one.path} {one.asks}" for one in result.expectations if one.outcome == "fails"]
    return tuple(dict.fromkeys(re.findall(r"[A-Za-z_]\w*", unmet[0]))) if unmet else ()


def used_of(found: Verification) -> float:
    worst = None if found.comparison is None else found.comparison.worst
    return 0.0 if worst is None else worst.used


def first_catch(fault: Fault, fixtures: Sequence[Fixture]) -> Catch | None:
    """The first fixture that catches it, or None where it slips through."""
    return next(catches(fault, fixtures), None)
