"""`NAME.after` is there where a step that changes the value has run, and nowhere else."""

from __future__ import annotations

import pytest

from tensorflow_free import load_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import run

TENSORS = {"a": {"init": "ones", "size": [2]}, "b": {"init": "ones", "size": [3]}}
FAIL = "a + b"
ADD = {"op": "add_", "args": ["a", 1]}


def after(steps, tensors=TENSORS, overrides=()):
    """The names under which values stand a second time, and the step at which the run stopped."""
    plan = plan_of(load_recipe({"tensors": tensors, "steps": steps}, list(overrides)))
    result, _ = run(plan)
    return [name for name in result if name.endswith(".after")], result.error and result.error.step


def test_a_change_that_failed_is_none():
    steps = {"b": "a.expand(4, 2)", "c": "b.add_(1)"}
    assert after(steps, {"a": {"init": "ones", "size": [1, 2]}}) == ([], "c")


STOPS = {
    "before the change": ({"f": FAIL, "c": ADD}, []),
    "after the change": ({"c": ADD, "f": FAIL}, ["a.after"]),
    "between a change and another": ({"v": "a[0]", "c": ADD, "f": FAIL, "d": "b.mul_(2)"}, ["a.after", "v.after"]),
    "in a block, before": ({"w": {"with": "no_grad", "steps": {"f": FAIL, "c": ADD}}}, []),
    "in a block, after": ({"w": {"with": "no_grad", "steps": {"c": ADD, "f": FAIL}}}, ["a.after"]),
    "after a block": ({"w": {"with": "no_grad", "steps": {"n": "a * 1", "c": "n.add_(1)"}}, "f": FAIL}, ["n.after"]),
    "after a block that changed before it gave": ({"w": {"repeat": 2, "steps": {"c": ADD, "n": "a * 1"}}, "f": FAIL}, ["a.after"]),
    "in the first round": ({"l": {"repeat": 3, "steps": {"f": FAIL, "c": ADD}}}, []),
}  # fmt: skip


@pytest.mark.parametrize("stop", STOPS)
def test_what_had_changed_when_the_run_stopped(stop):
    steps, expected = STOPS[stop]
    assert after(steps) == (expected, "f")


LATER = {
    # the concatenation grows from round to round, until `f` no longer fits
    "a change of each round, before": ({"c": ADD, "f": "n + b", "m": "torch.cat([n, n])"}, ["a.after"]),
    "a change of each round, after": ({"f": "n + b", "c": ADD, "m": "torch.cat([n, n])"}, ["a.after"]),
    "a value given anew": ({"p": "n * 1", "f": "n + b", "c": "p.add_(1)", "m": "torch.cat([n, n])"}, []),
    "a value not given anew": ({"f": "n + b", "p": "n * 1", "c": "p.add_(1)", "m": "torch.cat([n, n])"}, ["p.after"]),
}


@pytest.mark.parametrize("stop", LATER)
def test_what_had_changed_when_a_later_round_stopped(stop):
    steps, expected = LATER[stop]
    loop = {"loop": {"repeat": 3, "carry": {"n": "m"}, "steps": steps}}
    tensors = {**TENSORS, "n": [1.0]}
    found, step = after(loop, tensors)
    assert step == "f"
    assert found == expected


def test_a_run_that_ends_has_them_by_schema_in_every_cell():
    steps = {"v": "a.to(torch.float32)", "c": "v.zero_()"}
    cells = [after(steps, overrides=[f"dtype={dtype}"])[0] for dtype in ("float64", "float32", "bfloat16")]
    assert cells == [["a.after", "v.after"]] * 3


def test_a_pass_that_fails_comes_after_all_steps():
    recipe = {"tensors": TENSORS, "steps": {"c": ADD, "y": "a * 1"}, "backward": "y"}
    plan = plan_of(load_recipe(recipe))
    result, _ = run(plan)
    assert result.error.step == "backward"
    assert "a.after" in list(result)
