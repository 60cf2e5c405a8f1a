"""A random step with a seed of its own: as after torch.manual_seed, and the run's stream goes on as if it were not there."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import RecipeError, load_recipe, register_op, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns

TENSORS = {"p": [0.2, 0.3, 0.5], "x": {"init": "ones", "size": [100]}}
DRAWN = {"op": "multinomial", "args": ["p", 3, True], "seed": 7}
DROPPED = {"op": "F.dropout", "args": ["x"], "seed": 7}


def load(steps, overrides=(), **recipe):
    return load_recipe({"tensors": TENSORS, "steps": steps, **recipe}, list(overrides))


def run(steps, overrides=(), **recipe):
    return run_recipe(load(steps, overrides, **recipe))


@pytest.mark.parametrize("seed", [0, 7, -1, 2**63])
def test_it_draws_as_after_manual_seed(seed):
    torch.manual_seed(seed)
    expected = torch.multinomial(torch.tensor(TENSORS["p"]), 3, True)
    assert torch.equal(run({"y": {**DRAWN, "seed": seed}})["y"], expected)


def test_the_runs_stream_goes_on_as_if_it_had_not_drawn():
    plain = run({"a": "torch.rand(3)", "b": "torch.rand(3)"})
    between = run({"a": "torch.rand(3)", "y": DRAWN, "b": "torch.rand(3)"})
    assert torch.equal(between["b"], plain["b"])


def test_each_round_draws_the_same():
    block = {"repeat": 3, "steps": {"y": DRAWN}, "trace": ["y"]}
    drawn = run({"loop": block})["loop.y"]
    assert torch.equal(drawn, drawn[:1].expand(3, 3))


def test_a_seed_goes_with_gradients():
    steps = {"y": DROPPED, "loss": "y.sum()"}
    tensors = {"x": {"init": "ones", "size": [100], "requires_grad": True}}
    result = run(steps, tensors=tensors, backward="loss")
    assert torch.equal(result["x.grad"], result["y"])


def test_an_override_gives_it_and_takes_it_away():
    steps = {"y": {**DRAWN, "seed": 1}}
    assert torch.equal(run(steps, ["steps.y.seed=7"])["y"], run({"y": DRAWN})["y"])
    assert torch.equal(run(steps, ["~steps.y.seed"])["y"], run({"y": "torch.multinomial(p, 3, True)"})["y"])


def test_the_recipe_of_a_result_gives_the_same_again(tmp_path):
    result = run({"a": DRAWN, "b": DROPPED})
    result.save(tmp_path)
    again = run_recipe(load_recipe(tmp_path / "recipe.yaml"))
    assert all(torch.equal(again[name], result[name]) for name in ("a", "b"))


def test_an_op_of_the_users_own_may_have_one():
    register_op("mine.noise", lambda x: torch.rand(x.shape), replace=True)
    torch.manual_seed(3)
    assert torch.equal(run({"y": {"op": "mine.noise", "args": ["x"], "seed": 3}})["y"], torch.rand(100))


REFUSED = [
    ({"op": "exp", "args": ["x"], "seed": 0}, "steps.y.seed: 'seed' is for random steps, and 'exp' draws no random numbers"),
    ({"op": "multinomial", "args": ["p", 2], "seed": 1.5}, "steps.y.seed: '1.5' does not fit `seed`, which is an integer"),
    ({"op": "multinomial", "args": ["p", 2], "seed": 2**64}, f"steps.y.seed: '{2**64}' is out of range"),
    ({"repeat": 2, "seed": 0, "steps": {"z": "x + 1"}}, "steps.y.seed: 'seed' is not a key of a `repeat` block"),
    ({"op": "manual_seed", "args": [0]}, "steps.y.op: 'manual_seed' is not an op; the key `seed` seeds a recipe"),
    ({"op": "torch.manual_seed", "args": [0]}, "steps.y.op: 'torch.manual_seed' is not an op; the key `seed` seeds"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "told"), REFUSED, ids=str)
def test_what_has_no_seed_is_told(step, told):
    with pytest.raises(RecipeError) as refused:
        load({"y": step})
    assert str(refused.value).startswith(told)


def test_a_compiled_step_has_none():
    with pytest.raises(RecipeError, match=r"steps.y.seed: 'seed' is for steps that run one by one, and 'inductor'"):
        load({"y": DRAWN}, ["backend=inductor"])


def test_what_it_draws_in_a_dtype_is_drawn_again_by_its_reference():
    overrides = ["dtype=float32"]
    source = {"tensors": TENSORS, "steps": {"y": {"op": "rand_like", "args": ["x"], "seed": 7}, "z": "x + 1"}}
    recipe = load_recipe(source, overrides)
    yardstick = yardstick_of(source, overrides, recipe, KeptRuns())
    assert yardstick.incomparable == frozenset()
    assert torch.equal(yardstick.reference["y"], run_recipe(recipe)["y"].double())
