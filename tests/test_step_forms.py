"""Steps that are bound by their pattern come to what they come to alone."""

from __future__ import annotations

import gc
import re
from functools import partial
from typing import Any

import pytest

from tensorflow_free import RecipeError, load_recipe
from tensorflow_free.binding.step_forms import Forms
from tensorflow_free.loading import plan_of

TENSORS = {"x": {"init": "ones", "size": [2, 3]}, "w": [1.0, 2.0, 3.0], "mean": 1.0, "i": [0, 1], "strided": 2.0}

STEPS = {
    "a": "x * w", "b": "w * x", "c": "x * x", "d": "x + 0.5", "e": "w + 0.25", "f": "x + 0", "g": "x + 1", "h": "x + True",
    "j": "x.T", "k": "w.T", "l": "a.T", "m": "x.shape", "n": "x.shape[0]", "o": "x[0]", "p": "x[1:, :2]", "q": "w[i]",
    "r": "x[i, 1]", "s": "torch.cat([x, a])", "t": "torch.cat([a, x], 1)", "u": "F.relu(x, inplace=True)",
    "v": "F.relu(a, inplace=False)", "y": "x.to(torch.float16)", "z": "w.to('cpu')", "ab": "x.to(w)", "ac": "a.view(3, 2)",
    "ad": "b.view(2, 3)", "ae": "x.add_(w)", "af": "a.add_(2)", "ag": "F.mse_loss(a, b, reduction='sum')",
    "ah": "mean * 2", "ai": "torch.tensor([1, 2.5, True])", "aj": "torch.full((2, 3), 7)", "ak": "torch.full((3, 2), 0.5)",
    "al": "x.sum(dim=-1)", "am": "x.sum(dim=0, keepdim=True)", "an": {"op": "mul", "args": ["x", {"tensor": 1.5}]},
    "ao": {"op": "mul", "args": ["w", {"tensor": 2}]}, "ap": "topk(w, 2).values", "aq": "ap.T", "ar": "x.where(x > 0, w)",
    "aw": "x[-1]", "ax": "x[-2]", "ay": "x[i, 0]", "az": "a[i, -1]", "ba": "x[..., None]", "bb": "x[:, 1:2]", "bc": "x[:, 0:1]",
    "bd": "w[i.shape[0]:]", "be": "w[707007001:]", "bf": "x * 707007003", "bg": "w[w > 1]", "bh": "x[a.shape[0] - 1]",
    "bi": {"op": "[]", "args": ["x", 1]}, "bj": {"op": "[]", "args": ["x", {"ref": "i"}]}, "bk": "x[mean.shape]",
    "as_": {"op": "add", "args": ["x", {"ref": "mean"}]}, "at": "x.clamp(min=0.5)", "au": "x.clamp(max=2)", "av": "-x",
}  # fmt: skip
"""Steps that differ in names, numbers, kinds of values, fields, words, subscripts, and what is done to memory."""

WRONG = ("x.clamp(minn=1)", "mul(x)", "x * nothing", "strided.to(strided)", "F.mse_loss(x, w, reduction=mean)", "x[nothing]",
         "later + x", "x.softmax(w)", "sum(x, dim=mean)", "x.Q", "x.add_(w, 2, 3)", "F.relu(x, inplace=0)")  # fmt: skip


def said(part: Any) -> Any:
    """A part of a plan as it can be compared."""
    if isinstance(part, partial):
        return "partial", said(part.func), said(part.args), said(part.keywords)
    if isinstance(part, dict):
        return [(key, said(value)) for key, value in part.items()]
    if isinstance(part, list | tuple):
        return [said(one) for one in part]
    return f"{type(part).__name__} {re.sub('0x[0-9a-f]+', '', repr(part))}"


def outcome(steps: dict[str, Any], changes: dict[str, Any]) -> Any:
    """The calls of a recipe, or its problems."""
    try:
        plan = plan_of(load_recipe({"tensors": TENSORS, "steps": steps, "backward": [], **changes}))
    except RecipeError as error:
        return str(error)
    return said([plan.initial, plan.prelude, plan.forward, plan.rest, plan.recordings, plan.devices])


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, each step is fitted to its op for itself."""
    monkeypatch.setattr(Forms, "_by_pattern", lambda *_: None)


@pytest.mark.parametrize("changes", [{}, {"record": "outputs"}, {"backend": "aot_eager"}, {"device": "meta"}])
def test_steps_bound_by_their_pattern_are_as_each_alone(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    found = outcome(STEPS, changes)
    alone(monkeypatch)
    assert found == outcome(STEPS, changes)
    assert not isinstance(found, str)


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_of_a_pattern_as_of_a_step_alone(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    steps = {**STEPS, "wrong": wrong, "again": wrong, "later": "x * 2"}
    found = outcome(steps, {})
    alone(monkeypatch)
    assert found == outcome(steps, {})


def test_each_step_of_a_pattern_has_its_own_numbers() -> None:
    recipe = load_recipe({"tensors": {"x": 2.0}, "steps": {f"s{at}": f"x * {at}.5 + {at}" for at in range(5)}})
    values = list(plan_of(recipe).initial)
    assert [one for one in values if isinstance(one, float)] == [0.5, 1.5, 2.5, 3.5, 4.5]


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("step", ["x * 2", "x * nothing"])
def test_loading_leaves_garbage_collection_as_it_was(step: str, is_on: bool) -> None:
    try:
        (gc.enable if is_on else gc.disable)()
        outcome({"y": step}, {})
        assert gc.isenabled() == is_on
    finally:
        gc.enable()
