"""The records of a run: made when they are asked for, of values as they stood."""

import copy
import gc
import pickle
import weakref

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe

KEPT: list[torch.Tensor] = []
NOTED: list[weakref.ref[torch.Tensor]] = []


@register_op("run_records.keep")
def keep(x: torch.Tensor) -> torch.Tensor:
    KEPT[:] = [x + 1]
    return KEPT[0]


@register_op("run_records.note")
def note(x: torch.Tensor) -> torch.Tensor:
    y = x.exp()
    NOTED.append(weakref.ref(y))
    return y


@pytest.fixture
def records():
    recipe = {"tensors": {"x": [3.0, 1.0, 2.0]}, "steps": {"y": "x * 2", "s": "x.sort()", "n": "x.numel()"}}
    return run_recipe(load_recipe(recipe)).records


def of(*records):
    return [(one.name, one.kind, one.op, one.stride) for one in records]


def test_records_are_those_of_the_values(records):
    assert of(*records.values())[:2] == [("x", "tensor", None, (1,)), ("y", "step", "*", (1,))]
    assert [one.value for name, one in records.items() if name != "y"][-1] == 3
    assert torch.equal(records["y"].value, torch.tensor([6.0, 2.0, 4.0]))


def test_a_record_is_made_once(records):
    assert records["y"] is records["y"] is dict(records)["y"] is (records | {})["y"]


def test_records_are_equal_to_a_dict_of_them(records):
    assert records == dict(records)
    assert dict(records) == records
    assert list(records) == ["x", "y", "s.values", "s.indices", "n"]


def test_records_are_shown_as_a_dict_of_them(records):
    assert repr(records) == repr(dict(records))


@pytest.mark.parametrize("act", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_records_are_copied_and_pickled_whole(records, act):
    made = act(records)
    assert of(*made.values()) == of(*records.values())
    assert all(torch.equal(made[name].value, records[name].value) for name in ("x", "y", "s.values"))


def test_a_name_that_is_not_there_is_told(records):
    with pytest.raises(KeyError, match="'z'"):
        records["z"]


def test_a_value_that_an_op_keeps_is_recorded_as_it_stood():
    result = run_recipe(load_recipe({"tensors": {"x": [[1.0, 2.0]]}, "steps": {"y": "run_records.keep(x)"}}))
    KEPT[0].t_()
    assert result["y"].shape == (1, 2)
    assert result.records["y"].stride == (2, 1)


def test_the_gradient_of_a_value_that_an_op_keeps_is_recorded_as_it_stood():
    leaf = {"data": [[1.0, 2.0]], "requires_grad": True}
    steps = {"y": "run_records.keep(x)", "z": "y.sum()"}
    result = run_recipe(load_recipe({"tensors": {"x": leaf}, "steps": steps, "backward": "z"}))
    KEPT[0].grad.t_()
    assert result["y.grad"].shape == (1, 2)
    assert [result.records[name].kind for name in ("y", "y.grad", "x.grad")] == ["step", "gradient", "gradient"]


def test_a_result_keeps_no_history_alive():
    leaf = {"init": "ones", "size": [4], "requires_grad": True}
    steps = {"a": "run_records.note(x)", "b": "a * a", "y": "b.detach()"}
    result = run_recipe(load_recipe({"tensors": {"x": leaf}, "steps": steps, "record": ["b"]}))
    gc.collect()
    assert NOTED.pop()() is None
    assert (result.records["b"].grad_fn, result.records["b"].requires_grad) == ("MulBackward0", True)


def test_a_leaf_without_history_tells_that_it_requires_a_gradient():
    leaf = {"init": "ones", "size": [2], "requires_grad": True}
    result = run_recipe(load_recipe({"tensors": {"x": leaf}, "steps": {"y": "x.detach() + 1"}}))
    assert [result.records[name].requires_grad for name in ("x", "y")] == [True, False]
    assert not result["x"].requires_grad
