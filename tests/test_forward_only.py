"""Recipes forward only: what needs gradients is left out and told; all else is what it is in a whole run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch._dynamo.backends import registry

from tensorflow_free import RecipeError, compare_results, load_recipe, read_result, run_recipe
from tensorflow_free.cli import recipe_main, run_recipe_main
from tensorflow_free.golden.expecting import judge_case
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.verifying import verify
from tensorflow_free.loading import cases_of
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial

RECIPES = Path(__file__).parent.parent / "recipes"

TRAINED = {
    "tensors": {"w": {"data": [1.0, 2.0], "requires_grad": True}, "x": [3.0, 4.0]},
    "steps": {
        "h": "w * x",
        "loss": "h.sum()",
        "slope": {"op": "grad", "args": ["loss", "w"]},
        "lower": {"with": "no_grad", "steps": {"w1": {"op": "sub_", "args": ["w", "slope"]}}},
        "late": "w * 2",
        "apart": "x * 2",
    },
    "checks": {"gap": "late - h", "twice": "h * 2"},
    "expect": {
        "loss": 11.0, "slope": [3.0, 4.0], "late": [-4.0, -4.0], "w.after": [-2.0, -2.0], "gap": {"shape": [2]},
        "twice": [6.0, 16.0], "apart": {"close": "late", "shape": [2]}, "w": [1.0, 2.0],
    },
}  # fmt: skip


def ran(*overrides, **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


def outcomes(result):
    return {one.path: str(one.outcome) for one in result.expectations}


@pytest.mark.parametrize("override", ["forward=true", "backward=null", "~backward", "++backward=null", "backward=[]"])
def test_what_needs_gradients_is_left_out_and_all_else_is_judged(override):
    whole, found = ran(**TRAINED), ran(override, **TRAINED)
    left = found.left_out
    assert left.leaves == ("w",)
    assert left.steps == ("slope", "lower", "w1", "late", "gap")
    assert left.values == ("w.after",)
    assert left.expectations == (
        "expect.slope", "expect.late", "expect.w.after", "expect.gap", "expect.apart", "expect.apart",
    )  # fmt: skip
    assert outcomes(found) == {"expect.loss": "holds", "expect.twice": "holds", "expect.w": "holds"}
    assert list(found) == ["w", "x", "h", "loss", "apart", "twice"]
    assert all(found[name].equal(whole[name]) for name in found)
    assert whole.left_out is None


def test_backward_deleted_by_its_value_is_forward_only_and_by_another_refused():
    tensors = {"w": {"data": 2.0, "requires_grad": True}}
    recipe = {"tensors": tensors, "steps": {"y": "w * 3"}, "backward": "y", "expect": {"w.grad": 3.0}}
    assert ran("~backward=y", **recipe).left_out.expectations == ("expect.w.grad",)
    with pytest.raises(RecipeError, match="'backward' is 'y' and not 'z'"):
        ran("~backward=z", **recipe)
    assert ran("backward=null", "forward=false", **recipe).left_out is None


def test_no_graph_is_made():
    recipe = {"tensors": {"w": {"data": 2.0, "requires_grad": True}}, "steps": {"y": "w * 3", "z": "w.detach()"}}
    inside = {"again": {"with": "enable_grad", "steps": {"v": "w * 2"}}}
    found = ran("backward=null", **{**recipe, "steps": {**recipe["steps"], **inside}, "backward": "y"})
    assert {one.requires_grad for one in found.records.values()} == {False}
    assert {one.grad_fn for one in found.records.values()} == {None}
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "step",
    [
        {"op": "backward", "args": ["y"]}, "w.grad", "y.grad_fn", "y.requires_grad", {"op": "is_leaf", "args": ["y"]},
        {"op": "retain_grad", "args": ["y"]},
    ],
)  # fmt: skip
def test_a_step_that_asks_autograd_is_left_out(step):
    tensors = {"w": {"data": [2.0], "requires_grad": True}}
    steps = {"y": "w.exp().sum()", "asked": step, "other": {"op": "stack", "args": [["y", "y"]]}}
    assert ran("forward=true", tensors=tensors, steps=steps).left_out.steps == ("asked",)


def test_what_a_round_hands_on_that_needs_a_gradient_is_left_out_of_all_rounds():
    step = {
        "repeat": 3,
        "steps": {
            "y": "x * x",
            "g": {"op": "grad", "args": ["y", "x"]},
            "x1": "x - 0.1 * g",
            "n1": "n + 1",
            "k": "z + 1",
        },
        "carry": {"x": "x1", "n": "n1", "z": "y"},
        "trace": ["y", "n1"],
    }
    tensors = {"x": {"data": 1.0, "requires_grad": True}, "n": 0.0, "z": 0.0}
    expect = {"descent.y": {"shape": [3]}, "descent.n1": [1.0, 2.0, 3.0], "n1": 3.0, "k": {"shape": []}}
    found = ran("forward=true", tensors=tensors, steps={"descent": step}, expect=expect)
    assert found.left_out.steps == ("y", "g", "x1_1", "x1", "k")
    assert found.left_out.values == ("descent.y",)
    assert outcomes(found) == {"expect.descent.n1": "holds", "expect.n1": "holds"}


def test_what_draws_after_draws_that_are_left_out_is_left_out_unless_it_has_a_seed_of_its_own():
    tensors = {"w": {"data": [1.0, 2.0], "requires_grad": True}}
    steps = {
        "first": {"op": "rand_like", "args": ["w"]},
        "loss": "w * 2",
        "g": {"op": "grad", "args": ["loss", "w"], "kwargs": {"grad_outputs": {"init": "randn"}}},
        "second": {"op": "rand_like", "args": ["first"]},
        "own": {"op": "rand_like", "args": ["first"], "seed": 3},
    }
    whole, found = (ran(*words, tensors=tensors, steps=steps) for words in ((), ("forward=true",)))
    assert found.left_out.steps == ("g", "second")
    assert all(found[name].equal(whole[name]) for name in ("first", "own"))


def test_an_expected_error_of_backward_is_left_out_and_one_of_a_step_is_not():
    tensors = {"w": {"data": [1.0, 2.0], "requires_grad": True}}
    error = {"error": {"step": "backward", "match": "scalar"}}
    assert ran("forward=true", tensors=tensors, steps={"y": "w * 2"}, backward="y", expect=error).is_well
    leaf = ran(
        "forward=true",
        tensors=tensors,
        steps={"y": {"op": "add_", "args": ["w", 1]}},
        expect={"error": {"match": "leaf"}},
    )
    assert (leaf.is_well, leaf.left_out.expectations) == (True, ("expect.error",))
    shape = {"steps": {"y": "w + w.new_ones(3)"}, "expect": {"error": {"step": "y", "match": "size of tensor"}}}
    assert outcomes(ran("forward=true", tensors=tensors, **shape)) == {"expect.error": "holds"}
    plain = ran("forward=true", steps={"y": "1 * 1"}, expect={"error": {"match": "leaf"}})
    assert outcomes(plain) == {"expect.error": "fails"}


@pytest.mark.parametrize(
    ("fault", "is_well"),
    [({"reason": "r"}, True), ({"reason": "r", "keys": ["w.grad"]}, True), ({"reason": "r", "keys": ["y"]}, False)],
)
def test_a_known_fault_that_may_be_of_what_is_left_out_is_not_called_fixed(fault, is_well):
    recipe = {"tensors": {"w": {"data": 2.0, "requires_grad": True}}, "steps": {"y": "w * 3"}, "backward": "y"}
    found = ran("forward=true", **recipe, xfail=[fault], expect={"y": 6.0, "w.grad": 4.0})
    assert found.is_well == is_well


def test_relations_are_of_the_values_that_are_there():
    tensors = {"x": {"data": [[1.0, 2.0], [3.0, 4.0]], "requires_grad": True}}
    relations = {
        "batch": [{"of": {"x": 0}, "values": ["x.grad"]}, {"of": {"x": 0}, "values": ["y", "x.grad"]}, {"x": 0}]
    }
    found = ran(
        "forward=true", tensors=tensors, steps={"y": "x.exp()", "t": "y.sum()"}, backward="t", relations=relations
    )
    assert found.left_out.relations == ("relations.batch.0",)
    assert [str(one.outcome) for one in found.expectations] == ["holds", "holds"]


def test_a_function_that_is_compiled_for_several_cases_runs_forward_only():
    found = ran(
        "backward=null",
        tensors={"x": {"init": "ones", "size": [2], "requires_grad": True}},
        cases={"small": {}, "big": {"tensors": {"x": {"size": [5]}}}},
        case="small",
        backend={"name": "eager_noexcept", "dynamic": True, "calls": ["small", "big"]},
        steps={"y": "x.exp().sum()"},
        backward="y",
        expect={"y": {"close": 5 * torch.e, "rtol": 1e-5}, "x.grad": {"shape": [5]}},
    )
    assert (found.is_well, found.left_out.expectations) == (True, ("expect.x.grad",))
    assert set(found.recipe.written["cases"]) == {"small", "big"}


def test_a_compiler_is_given_a_graph_for_inference(monkeypatch):
    seen = []

    def backend(graph, inputs):
        seen.append(
            (torch.is_grad_enabled(), any(one.requires_grad for one in inputs if isinstance(one, torch.Tensor)))
        )
        return graph

    backend._tags = ()
    for known, value in ((registry._COMPILER_FNS, backend), (registry._BACKENDS, None)):
        monkeypatch.setitem(known, "told_of_grad", value)
    recipe = {
        "tensors": {"w": {"data": [2.0], "requires_grad": True}},
        "steps": {"y": "(w * 3).sum()"},
        "backward": "y",
    }
    ran("forward=true", "backend=told_of_grad", **recipe)
    ran("backend=told_of_grad", **recipe)
    assert seen == [(False, False), (True, True)]


def test_each_recipe_of_this_repository_is_well_forward_only():
    count, unwell = 0, []
    for path in sorted(RECIPES.rglob("*.yaml")):
        for case in cases_of(path) or ("",):
            found = run_recipe(load_recipe(path, ["backward=null", *([f"case={case}"] if case else [])]))
            count += 1
            unwell += [] if found.is_well else [f"{path.name} {case}"]
            assert not any(one.kind == "gradient" for one in found.records.values())
    assert (unwell, count > 90) == ([], True)


# rows, results, goldens


def row_of(path, *overrides):
    return Trial(None).row(Cell(0, str(path), load_overrides(overrides), {}, "0"))


def load_overrides(overrides):
    from tensorflow_free.composition.override_texts import as_override

    return tuple(map(as_override, overrides))


def test_a_row_says_that_it_is_forward_only_and_what_it_leaves_out():
    row = row_of(RECIPES / "gru.yaml", "dtype=bfloat16", "backward=null", "tolerance={rtol: 1, atol: 1}")
    assert (str(row.outcome), row.forward, row.exit_code) == ("ok", True, None)
    assert row.told == [
        "5 expectations of gradients and 2 steps that need gradients (slopes, slopes_fused) left out: forward only"
    ]
    assert row_of(RECIPES / "gru.yaml").forward is False


def test_a_cell_all_of_which_needs_gradients_is_not_comparable():
    row = row_of(RECIPES / "linear_regression.yaml", "forward=true")
    assert (str(row.outcome), row.reason) == ("not comparable", "it is forward only, and all of it needs gradients")


def test_a_wrong_value_is_found_forward_and_a_wrong_gradient_is_not_looked_for(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        "tensors: {x: {init: randn, size: [8], requires_grad: true}}\nsteps: {h: x * 2, y: h.sigmoid(), t: y.sum()}\n"
        "backward: t\nreference: {steps.y: h.tanh()}\n"
    )
    row = row_of(path, "forward=true", "judge.isolated=true")
    assert (str(row.outcome), row.culprit.step, row.culprit.direction) == ("mismatch", "y", "forward")
    path.write_text(
        path.read_text()
        .replace("h.tanh()", "h.sigmoid()")
        .replace("backward: t", "backward: {target: t, gradient: 3.0}")
    )
    assert str(row_of(path, "forward=true").outcome) == "ok"


def test_a_golden_is_verified_forward_and_its_gradients_are_not_missed(tmp_path):
    for name in ("adam", "gru", "linear_regression"):
        for file in RECIPES.glob(f"{name}.*"):
            shutil.copy(file, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found = {
        name: list(verify(tmp_path / f"{name}.yaml", ["forward=true"])) for name in ("adam", "gru", "linear_regression")
    }
    assert {name: [str(one.outcome) for one in ones] for name, ones in found.items()} == {
        "adam": ["ok"], "gru": ["ok"], "linear_regression": ["partly judged"],
    }  # fmt: skip
    assert found["gru"][0].comparison.compared > 10
    assert not any(one.name.endswith(".grad") for one in found["gru"][0].comparison.values)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_golden_of_a_file_that_is_forward_only_is_stale_when_it_is_no_more(tmp_path):
    path = tmp_path / "r.yaml"
    text = "tensors: {x: {data: [1.0, 2.0], requires_grad: true}}\nsteps: {y: x.sin(), t: y.sum()}\nbackward: t\n"
    path.write_text(f"{text}forward: true\n")
    list(record(path))
    assert [str(one.outcome) for one in verify(path)] == ["ok"]
    path.write_text(text)
    assert [str(one.outcome) for one in verify(path)] == ["stale"]


def test_a_wrong_forward_value_mismatches_its_golden_forward(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        "tensors: {x: {data: [1.0, 2.0], requires_grad: true}}\nsteps: {y: {op: sin, args: [x]}, t: y.sum()}\nbackward: t\n"
    )
    assert [one.did for one in record(path)] == ["written"]
    (found,) = verify(path, ["backward=null", "steps.y.op=cos"])
    assert (str(found.outcome), found.comparison.where.step) == ("mismatch", "y")
    assert "left out: forward only" not in found.reason
    assert str(judge_case(path, "", load_overrides(["forward=true"])).outcome) == "ok"


def test_a_result_tells_what_it_leaves_out_when_it_is_read_back_and_compares_with_a_whole_run(tmp_path):
    whole, found = ran(**TRAINED), ran("forward=true", **TRAINED)
    back = read_result(found.save(tmp_path / "f"))
    assert back.left_out == found.left_out
    assert json.loads((tmp_path / "f" / "result.json").read_text())["left_out"]["leaves"] == ["w"]
    again = run_recipe(load_recipe(tmp_path / "f" / "recipe.yaml"))
    assert again.left_out == found.left_out
    for pair in ((whole, back), (back, whole)):
        comparison = compare_results(*pair)
        assert comparison.is_well
        assert [one.name for one in comparison.values] == ["w", "x", "h", "loss", "apart"]
    with pytest.raises(KeyError, match="'late' needs gradients, and this run is forward only"):
        back["late"]


def test_the_command_line_tells_once_what_is_left_out(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_recipe_main([str(RECIPES / "linear_autograd.yaml"), "--forward", "--no-save"]) == 0
    told = capsys.readouterr().out
    assert "· eager · forward only · seed 0 ·" in told
    assert told.count("1 expectation of gradients left out: forward only.") == 1
    assert recipe_main(["verify", str(RECIPES / "gru.yaml"), "--forward"]) == 0
    assert "left out: forward only, in 1 cell." in capsys.readouterr().out
    with pytest.raises(RecipeError, match="flag '--forward': a golden is recorded whole"):
        recipe_main(["record", "--forward", str(RECIPES / "gru.yaml")])
