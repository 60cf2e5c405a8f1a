"""One trial: a number gives a recipe; it is loaded, run, judged, told, saved, read back and compared with itself."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import torch
import yaml
from bounds.guard import library
from rich.console import Console

from fuzz.calls import sample, step
from fuzz.mutations import mutated
from fuzz.tensors import tensor
from tensorflow_free import Recipe, RecipeError, Result, StorageError, compare_results, load_recipe, read_result
from tensorflow_free.codec.numbers import bits
from tensorflow_free.codec.parts import parts_of
from tensorflow_free.loading import plan_of
from tensorflow_free.report.result_report import page_of
from tensorflow_free.run.failures import step_error
from tensorflow_free.run.out_of_memory import is_out_of_memory
from tensorflow_free.runner import run
from tensorflow_free.text.drawing import draw, text_of

Outcome = Literal["ok", "refused", "step failed", "out of memory"]

RECIPES: Final = Path(__file__).parents[2] / "recipes"
WIDTH: Final = 100


def recipe_of(number: int) -> dict[str, Any]:
    """The recipe of a trial; the same for the same number."""
    random = Random(number)
    return mutated(_valid(random), random)


def _valid(random: Random) -> dict[str, Any]:
    chance = random.random()
    if chance < 0.25:
        return random.choice(_of_the_repository())
    if chance < 0.65 and (found := sample(random)) is not None:
        return found
    tensors = {name: tensor(random) for name in "xyz"}
    return {"tensors": tensors, "steps": {"a": step(list(tensors), random)}}


@cache
def _of_the_repository() -> list[dict[str, Any]]:
    """The recipes of this repository that read no files and compile nothing."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(RECIPES.rglob("*.yaml"))]
    found = [yaml.safe_load(text) for text in texts if "path:" not in text and "defaults:" not in text]
    return [one for one in found if one.get("steps") and "backend" not in one and "cpu_capability" not in str(one)]


def tried(number: int) -> Outcome:
    """Run a trial; whatever leaves it as an exception is a finding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            recipe = load_recipe(recipe_of(number))
        except RecipeError as error:
            refused = error
        else:
            return _ran(recipe)
        assert refused.problems
        assert all(line.isprintable() for line in str(refused).split("\n"))
        return "refused"


def guarded(trial: Callable[[int], Outcome]) -> Callable[[int], Outcome]:
    """The trial under the guard of memory; from now on, each tensor's memory ends at a page that may not be touched."""
    guard = library()
    guard.guard_enable(1)
    torch.empty(1)  # takes the guard's addresses, before any limit of memory

    def watched(number: int) -> Outcome:
        outcome = trial(number)
        assert not guard.guard_changed(), "something writes outside its memory"
        return outcome

    return watched


def _ran(recipe: Recipe) -> Outcome:
    """Run a recipe as the command does, and hold what was saved against what was there."""
    plan = plan_of(recipe)
    result, _ = run(plan)
    with tempfile.TemporaryDirectory() as folder:
        _told(result)
        try:
            kept = read_result(result.save(folder))
        except StorageError as error:
            # a worker has a few gigabytes, and a recipe may make a tensor of as many
            assert is_out_of_memory(error.__cause__), error  # noqa: PT017 - any other is a finding
            return "out of memory"
        _told(kept)
        _held(result, kept)
        load_recipe(Path(folder) / "recipe.yaml")
    if result.error is None:
        return "ok"
    assert str(step_error(result.error, plan))
    return "step failed"


def _told(result: Result) -> None:
    assert text_of(page_of(result))
    draw(page_of(result), Console(file=io.StringIO(), width=WIDTH, force_terminal=True))


def _held(result: Result, kept: Result) -> None:
    """The result read back has every value of the one that was saved, bit for bit."""
    assert list(kept) == list(result)
    assert [one.outcome for one in kept.expectations] == [one.outcome for one in result.expectations]
    for name, record in result.records.items():
        mine, its = record.value, kept.records[name].value
        if isinstance(mine, torch.Tensor):
            assert kept.records[name].unstored or _alike(mine, its), f"{name} is read back otherwise"
    bad = [one for one in compare_results(kept, result).values if one.outcome == "mismatch"]
    assert not bad, bad


def _alike(mine: torch.Tensor, its: torch.Tensor) -> bool:
    if mine.is_meta:
        return its.is_meta
    if mine.layout == torch._mkldnn or "dequantized" in parts_of(mine):  # type: ignore[attr-defined]
        return True
    ours, theirs = parts_of(mine), parts_of(its)
    return ours.keys() == theirs.keys() and all(_bits(ours[part]) == _bits(theirs[part]) for part in ours)


def _bits(value: torch.Tensor) -> tuple[Any, ...]:
    raw = bits(value).flatten() if value.numel() else torch.empty(0, dtype=torch.uint8)
    # a view of numbers as booleans has other bytes than 0 and 1, which no copy keeps
    raw = raw != 0 if value.dtype == torch.bool else raw
    return value.dtype, tuple(value.shape), bytes(raw.numpy())
