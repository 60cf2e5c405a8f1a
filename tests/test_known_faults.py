"""`xfail`: marks on cells, values and steps that are known to fail; one that holds again is a failure."""

from __future__ import annotations

import pytest

from tensorflow_free import RecipeError, StepError, load_recipe, run_recipe

PASSING = {"tensors": {"x": 2.0}, "steps": {"y": "x * 2", "z": "x * 3"}, "expect": {"y": 4.0, "z": 6.0}}
WRONG = {**PASSING, "expect": {"y": 5.0, "z": 6.0}}
FAILING = {"tensors": {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, "steps": {"h": "a * 2", "y": "a + b", "z": "y * 2"}}


def run(overrides=(), **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


def outcomes(result):
    return [(one.name, one.outcome) for one in result.expectations]


def marked(recipe, *faults, overrides=(), **more):
    return run(overrides, **recipe, xfail=[{"reason": "a known one", **fault} for fault in faults], **more)


def test_a_value_that_is_known_to_fail_leaves_the_run_well():
    result = marked(WRONG, {"keys": ["y"], "issue": 7})
    assert outcomes(result) == [("y", "known fault"), ("z", "holds")]
    assert result.expectations[0].message.endswith("(known: a known one)")
    assert result.is_well


def test_a_mark_without_keys_is_on_all_that_fails():
    result = marked({**PASSING, "expect": {"y": 5.0, "z": 7.0}}, {})
    assert outcomes(result) == [("y", "known fault"), ("z", "known fault")]
    assert result.is_well


def test_a_mark_on_another_value_does_not_help():
    result = marked(WRONG, {"keys": ["z"]})
    assert outcomes(result) == [("y", "fails"), ("z", "holds"), ("z", "fixed")]
    assert not result.is_well


@pytest.mark.parametrize("fault", [{}, {"keys": ["y"]}, {"keys": ["y", "z"]}])
def test_a_fault_that_is_gone_is_a_failure_until_its_mark_goes(fault):
    result = marked(PASSING, fault)
    assert result.expectations[-1].outcome == "fixed"
    assert result.expectations[-1].message == "it holds now: remove the mark"
    assert not result.is_well


def test_a_fixed_fault_is_placed_where_its_mark_stands():
    result = marked(PASSING, {"when": {"device": "cuda"}}, {"keys": ["y"]})
    assert [(one.path, one.asks) for one in result.expectations[2:]] == [("xfail.1", "the known fault: a known one")]


def test_a_mark_is_on_the_fields_of_its_value_too():
    steps = {"top": {"op": "topk", "args": ["x", 1]}}
    result = run(
        tensors={"x": [1.0, 2.0]}, steps=steps, expect={"top.values": [9.0]}, xfail=[{"keys": ["top"], "reason": "r"}]
    )
    assert outcomes(result) == [("top.values", "known fault")]


@pytest.mark.parametrize(
    ("when", "is_marked"),
    [
        ({"dtype": "float16"}, True),
        ({"dtype": ["float64", "float16"]}, True),
        ({"dtype": ["float64", "float32"]}, False),
        ({"dtype": "float16", "device": "cuda"}, False),
        ({"device": ["cpu", "cuda"]}, True),
        ({"params.n": 2}, True),
        ({"params.n": [1, 3]}, False),
        ({"case": ["small", "big"]}, True),
        ({"case": "small"}, False),
        ({"settings.deterministic": True}, True),
        ({"settings.deterministic": False}, False),
        ({"settings.num_threads": [1, 2]}, False),
        ({"backend": "eager"}, True),
    ],
)
def test_a_mark_is_for_the_cells_that_when_names(when, is_marked):
    cases = {"small": {"params": {"n": 1}}, "big": {"params": {"n": 2}}}
    more = {"cases": cases, "params": {"n": 0}, "settings": {"deterministic": True}}
    result = marked(WRONG, {"when": when}, overrides=["case=big", "dtype=float16"], **more)
    assert result.expectations[0].outcome == ("known fault" if is_marked else "fails")
    assert result.is_well == is_marked


def test_an_error_of_a_step_may_be_a_known_fault():
    for fault in ({}, {"keys": ["y"]}, {"keys": ["h", "y"]}):
        result = marked({**FAILING, "expect": {"h": [2.0, 4.0], "z": 1.0}}, fault)
        assert result.is_well
        assert outcomes(result) == [("h", "holds"), ("z", "not judged"), ("y", "known fault")]


def test_an_error_in_a_part_of_a_one_line_step_is_known_by_the_steps_name():
    recipe = {"tensors": FAILING["tensors"], "steps": {"y": "(a + b) * 2"}}
    assert marked(recipe, {"keys": ["y"]}).is_well


def test_an_error_of_backward_may_be_a_known_fault():
    recipe = {"tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}}, "steps": {"y": "x * 2"}, "backward": "y"}
    assert marked(recipe, {}).is_well


def test_an_error_of_another_step_is_an_error():
    with pytest.raises(StepError, match=r"steps\.y"):
        marked(FAILING, {"keys": ["h"]})


def test_an_expected_error_that_does_not_come_may_be_a_known_fault():
    recipe = {"tensors": {"x": 1.0}, "steps": {"y": "x * 1"}, "expect": {"error": {"step": "y"}}}
    assert outcomes(marked(recipe, {})) == [("error", "known fault")]


def test_a_step_that_no_longer_stops_is_fixed():
    recipe = {"tensors": {"x": 1.0}, "steps": {"y": "x * 1"}}
    assert [one.outcome for one in marked(recipe, {}).expectations] == ["fixed"]


def test_a_value_that_nothing_judges_is_left_to_a_comparison():
    recipe = {"tensors": {"x": 1.0}, "steps": {"y": "x * 1"}}
    assert marked(recipe, {"keys": ["y"]}).expectations == []


def test_a_value_that_a_cell_does_not_record_is_not_said_to_be_fixed():
    recipe = {"tensors": {"x": 1.0}, "steps": {"h": "x * 1", "y": "h * 1"}, "expect": {"h": 9.0, "y": 1.0}}
    result = marked(recipe, {"keys": ["h"]}, overrides=["record=outputs"])
    assert outcomes(result) == [("h", "not judged"), ("y", "holds")]
    assert result.is_well


def test_what_was_not_reached_is_not_said_to_be_fixed():
    from tensorflow_free.loading import plan_of
    from tensorflow_free.runner import run as run_plan

    recipe = {**FAILING, "expect": {"z": 1.0}, "xfail": [{"keys": ["z"], "reason": "r"}]}
    result, _ = run_plan(plan_of(load_recipe(recipe)))
    assert outcomes(result) == [("z", "not judged")]


def test_two_marks_on_one_value_both_bear_out():
    result = marked(WRONG, {"keys": ["y"]}, {"keys": ["y", "z"]})
    assert outcomes(result) == [("y", "known fault"), ("z", "holds")]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"keys": ["y"]}, r"needs the key 'reason'"),
        ({"reason": "r", "keys": ["yy"]}, r"xfail\.0\.keys\.0: 'yy' is not a value of this recipe; did you mean 'y'\?"),
        ({"reason": "r", "when": {"dtpe": "float16"}}, r"'dtpe' is not something .*; did you mean 'dtype'\?"),
        ({"reason": "r", "when": {"params.m": 1}}, r"'params\.m' is not something"),
    ],
)
def test_a_mark_that_says_nothing_is_refused(fault, message):
    with pytest.raises(RecipeError, match=message):
        run(**PASSING, xfail=[fault])
