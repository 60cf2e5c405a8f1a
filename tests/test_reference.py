"""What a cell is compared with: its own numbers, the reference, the eager run of its dtype, random steps."""

from dataclasses import replace

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.random_names import random_names
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.loading import plan_of
from tensorflow_free.replay.visits import draws
from tensorflow_free.runner import run, starts_of

NET = {
    "tensors": {"x": {"init": "randn", "size": [8, 6]}, "w": {"init": "randn", "size": [6, 3], "requires_grad": True}},
    "steps": {"h": "x @ w", "y": "F.softmax(h, dim=-1)", "loss": "(y ** 2).sum()"},
    "backward": "loss",
}


def compared(recipe, *overrides):
    loaded = load_recipe(recipe, overrides)
    return yardstick_of(recipe, overrides, loaded, KeptRuns()).compare(run_recipe(loaded))


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_an_eager_cpu_cell_is_well_in_every_dtype(dtype):
    comparison = compared(NET, f"dtype={dtype}")
    assert comparison.is_well, comparison.bad
    assert comparison.compared == 9
    assert {one.rule for one in comparison.values} <= {"equal", "rounding"}


def test_the_reference_starts_from_the_cells_own_numbers():
    low = load_recipe(NET, ["dtype=bfloat16"])
    reference = yardstick_of(NET, ["dtype=bfloat16"], low, KeptRuns()).reference
    assert reference["x"].dtype == torch.float64
    assert torch.equal(reference["x"], run_recipe(low)["x"].double())


def test_original_inputs_are_the_references_own():
    recipe = {**NET, "reference": {"inputs": "original"}}
    reference = yardstick_of(recipe, ["dtype=bfloat16"], load_recipe(recipe, ["dtype=bfloat16"]), KeptRuns()).reference
    assert torch.equal(reference["x"], run_recipe(load_recipe(NET, ["dtype=float64"]))["x"])


def test_a_reference_is_named_by_overrides():
    recipe = {**NET, "reference": {"dtype": "float32"}}
    comparison = compared(recipe, "dtype=bfloat16")
    assert comparison.reference == "cpu eager float32, own inputs"


TANH = {
    "tensors": {"x": {"init": "randn", "size": [4, 4], "requires_grad": True}},
    "steps": {"h": "x * 2", "c": {"op": "tanh", "args": ["h"]}, "loss": "(c * 1).sum()"},
    "backward": "loss",
}
LINE = "(h.exp() - (-h).exp()) / (h.exp() + (-h).exp())"
SHARED = {"h", "c", "loss_1", "loss", "x.grad", "h.grad", "c.grad", "loss_1.grad", "loss.grad"}


@pytest.mark.parametrize(
    "reference",
    [
        {"steps.c": LINE},
        {"steps": {"c": LINE}},
        {"steps.c": {"op": "tanh", "args": ["h"]}},
        {"steps.c.op": "tanh"},
        {"steps": {"h2": "h * 1", "c": "torch.tanh(h2)"}},
        {"steps.h2": "h * 1", "steps.c.args": ["h2"]},
        {"dtype": "float32", "steps.c": LINE, "tensors": {"more": [1.0]}},
    ],
)
def test_a_reference_takes_whatever_a_recipe_takes(reference):
    comparison = compared({**TANH, "reference": reference}, "dtype=float32")
    assert comparison.is_well, comparison.bad
    assert {one.name for one in comparison.values} == SHARED


def test_a_reference_that_differs_shows_at_the_step_that_it_replaces():
    comparison = compared({**TANH, "reference": {"steps.c": "h.sin() * 1"}})
    assert {one.name for one in comparison.bad} == {"c", "loss_1", "loss", "x.grad", "h.grad"}


def test_parts_of_a_line_that_mean_something_else_in_the_reference_are_not_compared():
    reference = {"steps.loss": "(c + 1).sum() - 16"}
    assert {one.name for one in compared({**TANH, "reference": reference}).values} == SHARED - {"loss_1", "loss_1.grad"}


def test_parts_of_a_line_in_which_only_numbers_differ_are_compared():
    recipe = {**TANH, "params": {"k": 1.0}, "reference": {"params.k": 2.0}}
    recipe["steps"] = {**TANH["steps"], "loss": "(c * ${params.k}).sum()"}
    assert {one.name for one in compared(recipe).bad} >= {"loss_1", "loss"}


def test_gradients_of_steps_that_the_reference_does_not_go_through_are_not_compared():
    comparison = compared({**TANH, "reference": {"steps.c": "torch.tanh(x * 2)"}})
    assert comparison.is_well, comparison.bad
    assert {one.name for one in comparison.values} == SHARED - {"h.grad"}


def test_a_tensor_that_the_reference_replaces_is_its_own():
    recipe = {**TANH, "reference": {"tensors.x.init": "zeros"}}
    reference = yardstick_of(recipe, ["dtype=float32"], load_recipe(recipe, ["dtype=float32"]), KeptRuns()).reference
    assert reference["x"].count_nonzero() == 0


def test_a_mistake_in_a_reference_is_told_at_its_key():
    with pytest.raises(
        NoReference, match=r"override 'reference\.steps': steps\.c: 'tahn' is not an op; did you mean 'tanh'"
    ):
        compared({**TANH, "reference": {"steps.c": "tahn(h)"}})


def test_a_compiled_cell_is_held_to_the_noise_of_eager_and_records_the_same():
    comparison = compared(NET, "backend=aot_eager")
    assert comparison.is_well
    assert {one.name for one in comparison.values} == {"loss", "w.grad"}
    assert {one.rule for one in comparison.values} <= {"equal", "rounding", "baseline"}


def test_a_reference_of_other_shapes_is_refused():
    recipe = {
        "params": {"n": 3},
        "tensors": {"x": {"init": "ones", "size": ["${params.n}"]}},
        "steps": {"y": "x.sum()"},
        "reference": {"params": {"n": 5}},
    }
    with pytest.raises(NoReference, match=r"\[3\] in the cell and \[5\] in its reference"):
        compared(recipe)


def test_a_reference_of_another_seed_starts_from_the_cells_numbers():
    assert compared({**NET, "reference": {"seed": 7}}, "dtype=float64").is_well


def test_rounds_of_a_block_widen_a_default_tolerance():
    steps = {"h": "x * 1", "train": {"repeat": 200, "carry": {"h": "h_next"}, "steps": {"h_next": "h * 1.01"}}}
    recipe = {"tensors": {"x": {"init": "rand", "size": [50]}}, "steps": steps}
    assert compared(recipe).is_well


def test_a_reference_that_fails_is_told():
    recipe = {"tensors": {"x": [1.0]}, "steps": {"y": "x.view(int32)"}}
    assert compared({**recipe, "reference": {"dtype": "float32"}}).is_well
    halves = {"tensors": {"x": {"init": "ones", "size": [2]}}, "steps": {"y": "x.view(int32)"}}
    with pytest.raises(NoReference, match="failed at 'z'"):
        compared({**halves, "steps": {"y": "x.element_size()", "z": {"op": "select", "args": ["x", 0, "y"]}}})
    with pytest.raises(NoReference, match="'nowhere' is not a device"):
        compared({**recipe, "reference": {"device": "nowhere"}})


def test_cells_that_share_a_reference_run_it_once(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("tensors: {x: {init: randn, size: [3]}}\nsteps: {y: x.exp()}\nrecord: outputs\n", encoding="utf-8")
    kept = KeptRuns()
    cells = (["backend=eager"], ["backend=aot_eager"])
    eager, compiled = (yardstick_of(path, cell, load_recipe(path, cell), kept) for cell in cells)
    assert eager.reference is compiled.reference


# starting numbers that are given


def test_given_numbers_take_the_place_of_drawn_ones():
    plan = plan_of(load_recipe(NET, ["dtype=float64"]))
    numbers = {"x": torch.full((8, 6), 0.1), "w": torch.ones(6, 3)}
    result, _ = run(plan, given=numbers)
    assert torch.equal(result["x"], torch.full((8, 6), 0.1).double())
    assert torch.equal(result["h"], result["x"] @ result["w"])


def test_given_numbers_lie_in_the_memory_that_the_recipe_asks_for():
    recipe = {"tensors": {"x": {"init": "randn", "size": [3, 4], "stride": [1, 5]}}, "steps": {"y": "x.t()"}}
    plan = plan_of(load_recipe(recipe, ["dtype=float64"]))
    result, _ = run(plan, given=starts_of(plan_of(load_recipe(recipe))))
    assert result.records["x"].stride == (1, 5)
    assert torch.equal(result["x"], run_recipe(load_recipe(recipe))["x"].double())


def test_numbers_that_are_given_stay_as_they_are():
    recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": {"op": "add_", "args": ["x", 1.0]}}}
    numbers = {"x": torch.tensor([5.0, 6.0])}
    result, _ = run(plan_of(load_recipe(recipe)), given=numbers)
    assert torch.equal(result["y"], torch.tensor([6.0, 7.0]))
    assert torch.equal(numbers["x"], torch.tensor([5.0, 6.0]))


# random steps

NOISY = {
    "tensors": {"x": {"init": "ones", "size": [64], "requires_grad": True}},
    "steps": {"a": "x * 2", "d": "F.dropout(a, p=0.5)", "e": "d.exp()", "b": "a + 1", "y": "(e + b).sum()"},
    "backward": "y",
}


def test_what_lies_downstream_of_a_random_step_is_found():
    plan = plan_of(load_recipe(NOISY))
    result, _ = run(plan)
    assert random_names(plan, None, result) == {"d", "e", "y", "y_1", "a.grad", "x.grad", "d.grad"}


def test_what_draws_nothing_is_not_random():
    assert draws(load_recipe(NOISY))
    assert not draws(load_recipe(NET))
    still = load_recipe({**NOISY, "steps": {**NOISY["steps"], "d": "F.dropout(a, p=0.5, training=False)"}})
    assert random_names(plan_of(still), None, run(plan_of(still))[0]) == frozenset()


def test_another_random_stream_is_neither_pass_nor_failure():
    comparison = compared(NOISY, "dtype=float32", "backend=aot_eager", "record=all")
    outcomes = {one.name: one.outcome for one in comparison.values}
    assert outcomes["d"] == outcomes["x.grad"] == "not comparable"
    assert outcomes["b"] == outcomes["a"] == "ok"
    assert comparison.is_well


def test_the_same_random_stream_is_judged():
    assert compared(NOISY, "dtype=float64").not_comparable == 0


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_a_compiled_graph_may_give_zeros_and_no_more_to_a_leaf_off_the_path(number):
    leaf = {"init": "ones", "size": [3], "requires_grad": True}
    recipe = {
        "tensors": {"x": leaf, "w": leaf},
        "steps": {"y": "(x * 2).sum()", "z": "(w * 3).sum()"},
        "backward": "y",
    }
    loaded = load_recipe(recipe, ["backend=aot_eager"])
    result = run_recipe(loaded)
    assert torch.equal(result["w.grad"], torch.zeros(3))
    result.records["w.grad"] = replace(result.records["w.grad"], value=torch.full((3,), number))
    comparison = yardstick_of(recipe, ["backend=aot_eager"], loaded, KeptRuns()).compare(result)
    assert comparison.is_well is (number == 0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("off", [0, 1])
def test_an_argmax_that_is_off_by_one_is_a_mismatch_though_rounding_makes_places_differ(dtype, off):
    recipe = {
        "tensors": {"x": {"init": "rand", "size": [50, 500]}},
        "steps": {"h": "x * 1.01", "y": f"(h.roll({off}, 1)).argmax(1)"},
        "reference": {"steps.y": "h.argmax(1)"},
    }
    loaded = load_recipe(recipe, [f"dtype={dtype}"])
    comparison = yardstick_of(recipe, [f"dtype={dtype}"], loaded, KeptRuns()).compare(run_recipe(loaded))
    assert (not comparison.bad) is (off == 0)
