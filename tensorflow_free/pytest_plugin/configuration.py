"""The options that concern recipes, from the command line and the ini file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pytest

from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.composition.overrides import Axis, Override
from tensorflow_free.pytest_plugin import discovery
from tensorflow_free.recipe.keys import CELL
from tensorflow_free.recipe.names import RECIPE_DTYPES, did_you_mean
from tensorflow_free.run.error_patterns import pattern_problem, register_for_children

if TYPE_CHECKING:
    from tensorflow_free.sweep.earlier import Earlier


@dataclass(frozen=True)
class RecipeOptions:
    """What the ini and the command line say of recipes.

    Attributes:
        files: fits the paths of recipe files.
        swept: what the options vary, of the keys of `CELL`.
        overrides: of all recipes: how often each runs, whether each step is judged alone, too, and whether it runs
            forward only.
        needs_golden: whether a recipe without a golden fails, whatever it expects.
        strict: whether a recipe fails of which not everything could be judged.
        recording: what to record: `missing`, `failing`, `all`, or None.
        apart: which recipes run in a worker process.
        earlier: what ran before, and must run.
        valued_marks: marks that take arguments; a tag of that name is none of them.
    """

    files: re.Pattern[str]
    swept: tuple[Axis, ...]
    overrides: tuple[Override, ...]
    needs_golden: bool
    strict: bool
    recording: str | None
    apart: Literal["devices", "all", "none"]
    earlier: Sequence[Earlier]
    valued_marks: frozenset[str]


_OPTIONS: Final = pytest.StashKey[RecipeOptions]()


def options_of(config: pytest.Config) -> RecipeOptions:
    """What is asked, read once a session.

    Raises:
        pytest.UsageError: an option says what no recipe can be.
    """
    found = config.stash.get(_OPTIONS, None)
    if found is None:
        register_patterns(config)
        marks = [line.partition(":")[0] for line in config.getini("markers")]
        found = config.stash[_OPTIONS] = RecipeOptions(
            files=discovery.compiled(config.getini("recipe_files")),
            swept=tuple(axis for key in CELL if (axis := swept(config, key)).overrides),
            overrides=(*repeats(config), *isolated(config), *forward(config)),
            needs_golden=bool(config.getoption("require_goldens") or config.getini("require_goldens")),
            strict=bool(config.getoption("strict_recipes") or config.getini("strict_recipes")),
            recording=config.getoption("record_recipes"),
            apart=apart(config),
            earlier=earlier(config),
            valued_marks=frozenset(mark.partition("(")[0].strip() for mark in marks if "(" in mark),
        )
    return found


def swept(config: pytest.Config, key: str) -> Axis:
    """The values of a key that an option sweeps over; none where it is not given.

    Raises:
        pytest.UsageError: one of them is no dtype of a recipe.
    """
    given = config.getoption(f"recipe_{key}")
    values = tuple(dict.fromkeys(word for one in (given or "").split(",") if (word := one.strip())))
    unknown = [value for value in values if key == "dtype" and value not in RECIPE_DTYPES]
    if unknown:
        near = did_you_mean(unknown[0], RECIPE_DTYPES) or f"; it is one of {', '.join(RECIPE_DTYPES)}"
        raise pytest.UsageError(f"--recipe-dtype: '{unknown[0]}' is not a dtype of a recipe{near}")
    return Axis(key, tuple(as_override(f"{key}={value}") for value in values))


def repeats(config: pytest.Config) -> tuple[Override, ...]:
    """The override that says how often each recipe runs on the same numbers; none where no option says it.

    Raises:
        pytest.UsageError: it is no number of runs.
    """
    given = config.getoption("recipe_repeats")
    if given is None:
        return ()
    if not (given.isascii() and given.isdigit() and int(given)):
        raise pytest.UsageError(f"--recipe-repeats: '{given}' is not a number of runs; give an integer of at least 1")
    return (as_override(f"repeats={int(given)}"),)


def register_patterns(config: pytest.Config) -> None:
    """Take in the patterns of errors that are of a missing kernel.

    Raises:
        pytest.UsageError: one of them finds nothing, or everything.
    """
    given = config.getoption("recipe_unsupported") or []
    for problem in filter(None, map(pattern_problem, given)):
        raise pytest.UsageError(f"--recipe-unsupported: {problem}")
    register_for_children(given)


def earlier(config: pytest.Config) -> list[Earlier]:
    """What ran before, and must run.

    Raises:
        pytest.UsageError: a path names nothing of the kind.
    """
    given = config.getoption("recipe_must_run") or []
    if not given:
        return []
    from tensorflow_free.errors import StorageError  # noqa: PLC0415 - a session without it needs no pydantic
    from tensorflow_free.sweep.earlier import earlier_at  # noqa: PLC0415 - as above

    try:
        return [earlier_at(path) for path in given]
    except StorageError as error:
        raise pytest.UsageError(f"--recipe-must-run: {error}") from error


def isolated(config: pytest.Config) -> tuple[Override, ...]:
    """The override that asks for the verdict on each step alone; none where no option does."""
    return (as_override("judge.isolated=true"),) if config.getoption("recipe_isolated") else ()


def forward(config: pytest.Config) -> tuple[Override, ...]:
    """The override by which recipes run forward only; none where no option asks for it."""
    return (as_override("forward=true"),) if config.getoption("recipe_forward") else ()


def apart(config: pytest.Config) -> Literal["devices", "all", "none"]:
    """Which recipes run in a worker process, as `CaseWorker` takes it.

    Raises:
        pytest.UsageError: two options contradict each other.
    """
    workers, process = config.getoption("recipe_in_workers"), config.getoption("recipe_in_process")
    if workers and process:
        raise pytest.UsageError("--recipe-in-process: it cannot be given with --recipe-in-workers; give one of the two")
    return "all" if workers else "none" if process else "devices"
