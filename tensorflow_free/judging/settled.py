"""What a run that stopped had done with: the values and gradients that a whole run would have in the same numbers.

Example:
    >>> from tensorflow_free import load_recipe
    >>> from tensorflow_free.loading import plan_of
    >>> from tensorflow_free.runner import run
    >>> recipe = {"tensors": {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, "steps": {"h": "a * 2", "y": "h + b"}}
    >>> result, _ = run(plan_of(load_recipe(recipe)))
    >>> result.error.step, list(settled(result).records)
    ('y', ['a', 'b', 'h'])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe, Step
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record


def settled(result: Result, other: Result | None = None) -> Result:
    """The result without what later steps, rounds or backward passes would still have changed.

    Left out are, of a run that stopped at a step, gradients, values as they are at the end, and those of the rounds of
    a `repeat` that was not over, unless the other run ended with that very round; of one that stopped in a backward
    pass, the gradients that it did not come to, and all where several passes add to them.
    """
    error = result.error
    if error is None or _named(result.recipe.checks, error.step):
        return result
    is_far = other is not None and bool(result.rounds) and rounds_of(other.recipe, error.step) == _last_round(result)
    kept = _kept_backward(result) if _in_a_pass(result.recipe, error) else _kept_forward(result, error, is_far=is_far)
    return replace(result, records={record.name: record for record in kept})


def settled_both(one: Result, other: Result) -> tuple[Result, Result]:
    """Two results, as far as they can be held against each other; whole where both stopped at the same step."""
    ends = [None if each.error is None else (each.error.step, each.error.path, each.rounds) for each in (one, other)]
    return (one, other) if ends[0] == ends[1] else (settled(one, other), settled(other, one))


def as_far_as(result: Result) -> list[str]:
    """The overrides by which another run of the recipe ends with the round in which this one stopped.

    None where it stopped in no `repeat`, or in one of several, of which the outer ones had whole rounds before.
    """
    if result.error is None or not result.rounds or any(result.rounds[:-1]):
        return []
    around = [path for path, step in _around(result.recipe.steps, result.error.step) if step.repeat is not None]
    return [
        f"{'.'.join(f'steps.{name}' for name in path)}.repeat={rounds}"
        for path, rounds in zip(around, _last_round(result), strict=True)
    ]


def rounds_of(recipe: Recipe, stopped: str) -> list[int]:
    """How many rounds each `repeat` around a step has, from the outermost in."""
    return [step.repeat for _, step in _around(recipe.steps, stopped) if step.repeat is not None]


def _last_round(result: Result) -> list[int]:
    return [done + 1 for done in result.rounds]


def _around(steps: Mapping[str, Step], name: str) -> Iterator[tuple[tuple[str, ...], Step]]:
    """The blocks around a step, each with the names that lead to it, from the outermost in."""
    for block, step in steps.items():
        if step.steps is not None and _named(step.steps, name):
            yield (block,), step
            yield from (((block, *path), inner) for path, inner in _around(step.steps, name))


def _named(steps: Mapping[str, Step], name: str) -> bool:
    """Whether one of these steps, or of those inside them, has this name."""
    return any(name == one for one, _ in steps_of(steps))


def _in_a_pass(recipe: Recipe, error: StepFailed) -> bool:
    """Whether a run stopped in a pass of the key `backward`, which follows all steps."""
    return error.step == error.op == "backward" and not _named(recipe.steps, error.step)


def _kept_forward(result: Result, error: StepFailed, *, is_far: bool) -> Iterator[Record]:
    left_open = set(_rounds_around(result.recipe.steps, error.step))
    if is_far:
        # of the last round it has what came before the step
        names = [name for name, _ in steps_of(result.recipe.steps)]
        left_open &= set(names[names.index(error.step) :])
    for record in result.records.values():
        if record.kind not in ("gradient", "after") and record.name.partition(".")[0] not in left_open:
            yield record


def _rounds_around(steps: Mapping[str, Step], stopped: str) -> Iterator[str]:
    """The outermost `repeat` around the step that stopped, or the one that did, and all steps in it."""
    for name, step in steps.items():
        inner = dict(steps_of(step.steps or {}))
        if stopped not in inner and stopped != name:
            continue
        if step.repeat is not None:
            yield from (name, *inner)
        elif step.steps is not None:
            yield from _rounds_around(step.steps, stopped)


def _kept_backward(result: Result) -> Iterator[Record]:
    once = _adds_once(result.recipe)
    for record in result.records.values():
        if record.kind != "gradient" or (once and record.value is not None):
            yield record


def _adds_once(recipe: Recipe) -> bool:
    """Whether one backward pass alone makes all gradients."""
    return len(recipe.backward) == 1 and all(step.op != "backward" for _, step in steps_of(recipe.steps))
