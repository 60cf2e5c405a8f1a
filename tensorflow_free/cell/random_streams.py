"""Which values of two stored runs depend on their random streams, found without running anything."""

from __future__ import annotations

from collections.abc import Mapping

from tensorflow_free.recipe.graph import differentiated, reads_of, steps_of
from tensorflow_free.recipe.models import Recipe, Step
from tensorflow_free.registry import find
from tensorflow_free.replay.visits import is_off
from tensorflow_free.result.result import Result


def downstream(mine: Result, its: Result) -> frozenset[str]:
    """The values and gradients downstream of a random step, where the two runs have other random streams."""
    if _stream(mine) == _stream(its):
        return frozenset()
    steps = dict(steps_of(mine.recipe.steps))
    random = _random(steps, reads_of(mine.recipe))
    if not random:
        return frozenset()
    led = _leading(mine.recipe, steps, random)
    return frozenset(name for name in (*mine, *its) if _hangs(name, random, led))


def _stream(result: Result) -> tuple[object, ...]:
    """What a random stream depends on; another torch may draw otherwise from the same seed."""
    recipe, torch = result.recipe, None if result.environment is None else result.environment.torch
    return recipe.device.partition(":")[0], recipe.dtype, recipe.backend.name, recipe.seed, torch


def _random(steps: Mapping[str, Step], reads: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The random steps, and the values that read one."""
    random = {name for name, step in steps.items() if _draws(step)}
    count = 0
    # a value carried to the next round is read before its step
    while len(random) > count:
        count = len(random)
        for name, read in reads.items():
            step = steps[name]
            if random & {*read, *(step.steps or ())}:
                random.add(name)
            if name in random and _is_in_place(step):
                # what it changes in place is random, too
                random |= set(read)
    return random


def _leading(recipe: Recipe, steps: Mapping[str, Step], random: set[str]) -> set[str] | None:
    """The values whose gradients come through a random one; None where a run alone could tell."""
    through = random & differentiated(recipe)
    through |= {
        one.target.partition(".")[0] for one in recipe.backward if str(one.gradient).partition(".")[0] in random
    }
    if not through:
        return set()
    if any(step.is_block or step.op in ("backward", "grad") or _is_in_place(step) for step in steps.values()):
        return None
    for name, read in reversed(reads_of(recipe).items()):
        if name in through:
            through |= set(read)
    return through


def _hangs(name: str, random: set[str], led: set[str] | None) -> bool:
    base = name.partition(".")[0]
    return base in random or (name.endswith(".grad") and (led is None or base in led))


def _draws(step: Step) -> bool:
    found = find(step.op or "")
    return found is not None and found.random and not all(is_off(one, step) for one in found.signatures)


def _is_in_place(step: Step) -> bool:
    """Whether it may change what it reads, as far as its op's name tells; an op of the user's own may."""
    found = find(step.op or "")
    if found is not None and any(one.form == "user" for one in found.signatures):
        return True
    names = (step.op or "").split(".")
    return "out" in step.kwargs or names[-1] == "[]=" or any(one.endswith("_") and one[0] != "_" for one in names)
