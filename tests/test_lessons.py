"""A run as a lesson: what each step made and handed on, in numbers, against plain torch and what micrograd prints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.pages.lessons import NoLessonError, lesson_of_run

RECIPES = Path(__file__).parent.parent / "recipes"


def lesson(recipe, *overrides):
    return lesson_of_run(run_recipe(load_recipe(recipe, overrides)))["states"]


def of(steps, **tensors):
    spec = {name: {"init": "tensor", "data": data, "requires_grad": True} for name, data in tensors.items()}
    return lesson({"tensors": spec, "steps": steps, "backward": list(steps)[-1]})


def handed(states):
    return [(state["step"], one) for state in states for one in state.get("handed", ())]


def test_a_step_is_written_out_with_numbers_in_the_places_of_names():
    first, second = lesson(RECIPES / "linear_autograd.yaml")[:2]
    assert (first["line"], first["numbers"], first["made"][0]["words"]) == ("mul(w, x)", "mul(2, 1)", "2")
    assert (second["line"], second["numbers"], second["made"][0]["words"]) == ("add(wx, b)", "add(2, 3)", "5")


def test_micrograds_numbers_are_those_that_its_readme_prints():
    states = lesson(RECIPES / "micrograd.yaml")
    sums = {one["operand"]: one["sum"] for _, one in handed(states) if "sum" in one}
    assert [sums[name]["words"] for name in "ab"] == ["138.834", "645.577"]
    assert all(len(sums[name]["parts"]) == sums[name]["of"] == 5 for name in "ab")
    assert [one["local"] for step, one in handed(states) if step == "f"] == [["-14"]]


def test_the_local_derivative_of_each_element_is_told_where_none_hangs_on_another():
    [(_, one)] = [found for found in handed(of({"e": "x.exp()", "y": "e.sum()"}, x=[0.0, 1.0])) if found[0] == "e"]
    assert (one["kind"], one["local"]) == ("each", ["1", "2.71828"])
    assert (one["incoming"], one["handed"]) == (["1", "1"], ["1", "2.71828"])


def test_a_local_derivative_that_mixes_elements_is_a_matrix():
    states = of({"s": "F.softmax(x, 0)", "y": "s @ w"}, x=[0.0, 1.0], w=[1.0, 3.0])
    [one] = [one for step, one in handed(states) if step == "s"]
    wanted = torch.autograd.functional.jacobian(lambda x: x.softmax(0), torch.tensor([0.0, 1.0]))
    assert one["kind"] == "matrix"
    assert one["local"] == [f"{number:.6g}" for number in wanted.flatten().tolist()]


def test_of_large_values_shapes_and_pictures_are_told():
    states = lesson(RECIPES / "attention.yaml", "case=small")
    found = [one for step, one in handed(states) if step == "weights"]
    assert [(one["kind"], one["shapes"]) for one in found] == [("not written out", [[2, 3, 5], [2, 3, 5]])]
    assert found[0]["picture"]["heat"]


def test_the_rounds_of_a_block_are_told_one_after_another():
    loop = {"repeat": 2, "steps": {"d": "x * x"}, "carry": {"x": "d"}}
    states = lesson({"tensors": {"x": 3.0}, "steps": {"loop": loop}})
    assert [(one["rounds"], one["numbers"]) for one in states] == [([1], "3 * 3"), ([2], "9 * 9")]


def test_a_value_that_is_read_twice_by_one_step_gets_both_parts_at_once():
    assert [(one["operand"], one["local"]) for _, one in handed(of({"y": "x * x"}, x=3.0))] == [("x", ["6"])]


def test_what_is_changed_in_place_hands_on_its_gradient():
    states = of({"a": "x * 2", "b": "a.exp_()"}, x=1.0)
    assert [one["local"] for step, one in handed(states) if step == "b"] == [[f"{torch.tensor(2.0).exp().item():.6g}"]]


def test_a_compiled_run_that_is_not_saved_is_refused_with_the_reason():
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml", ["backend=aot_eager"]))
    with pytest.raises(NoLessonError, match="it is not saved"):
        lesson_of_run(result)


def test_a_saved_run_is_told_from_the_numbers_that_it_started_from(tmp_path):
    result = run_recipe(load_recipe({"tensors": {"x": {"init": "randn", "size": []}}, "steps": {"y": "x * 2"}}))
    result.save(tmp_path)
    [state] = lesson_of_run(result, tmp_path)["states"]
    assert state["made"][0]["words"] == f"{result['y'].item():.6g}"


def test_a_gradient_that_is_differentiated_is_told_as_such():
    found = handed(lesson(RECIPES / "second_derivative.yaml"))
    assert [(one["result"], one["operand"], one["kind"], one["words"]) for _, one in found] == [
        ("y", "x", "number", "12"),
        ("x.grad", "x", "again", "12"),
        ("x.grad", "x", "again", "6"),
    ]


def test_a_value_that_each_round_reads_gets_a_sum_and_what_a_round_hands_to_the_next_is_another_value_in_each():
    tensors = {name: {"init": "tensor", "data": data, "requires_grad": True} for name, data in (("x", 2.0), ("w", 3.0))}
    loop = {"repeat": 2, "steps": {"d": "x * w"}, "carry": {"x": "d"}}
    states = lesson({"tensors": tensors, "steps": {"loop": loop}, "backward": "d"})
    assert [(one["operand"], one["words"], one.get("sum", {}).get("words")) for _, one in handed(states)] == [
        ("x", "3", None),
        ("w", "6", "6"),
        ("x", "9", None),
        ("w", "6", "12"),
    ]
