"""A result in Python: values by name, and what is said where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tensorflow_free import Recipe, load_recipe, run_recipe
from tensorflow_free.codec.parts import counts
from tensorflow_free.codec.values import plain
from tensorflow_free.result.model import RunFile
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record, recorded

SCHEMA = Path(__file__).parent.parent / "docs" / "result.schema.json"


def run(overrides=(), **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


def linear():
    tensors = {"x": 1.0, "w": {"data": 2.0, "requires_grad": True}, "b": {"data": 3.0, "requires_grad": True}}
    return run(tensors=tensors, steps={"y": "w * x", "z": "b.detach() + y"}, backward="y")


def result_of(**values):
    return Result(Recipe(), {name: Record(name, "step", value) for name, value in values.items()})


# values by name


def test_values_and_gradients_come_by_name():
    result = linear()
    assert (result["y"].item(), result["w.grad"].item()) == (2.0, 1.0)


def test_tensors_come_detached_and_on_the_cpu():
    result = linear()
    for name in result:
        if result[name] is not None:
            assert not result[name].requires_grad
            assert result[name].device.type == "cpu"


def test_a_gradient_that_there_is_not_is_none():
    result = linear()
    assert result["x.grad"] is None
    assert result["b.grad"] is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("w.gard", "did you mean 'w.grad'"),
        ("why", "'why' is not a value of this run"),
        ("q.grad", "'q.grad' is not a value"),
    ],
)
def test_a_name_that_there_is_not_is_told_with_the_nearest(name, near):
    with pytest.raises(KeyError, match=near):
        linear()[name]


def test_a_result_is_iterated_in_the_order_of_the_recipe():
    result = linear()
    assert list(result)[:4] == ["x", "w", "b", "y"]
    assert list(result.keys()) == list(result)
    assert len(result) == len(list(result))


def test_in_tells_what_is_recorded():
    result = linear()
    assert "y" in result
    assert "w.grad" in result
    assert "nothing" not in result
    assert 3 not in result


def test_fields_of_several_values_have_names_of_their_own():
    result = run(tensors={"x": [3.0, 1.0, 2.0]}, steps={"top": {"op": "topk", "args": ["x", 2]}})
    assert result["top.values"].tolist() == [3.0, 2.0]
    assert result["top.indices"].tolist() == [0, 2]
    assert "top" not in result


def test_several_values_without_names_have_positions():
    result = run(tensors={"x": [1.0, 2.0, 3.0]}, steps={"parts": {"op": "split", "args": ["x", 2]}})
    assert result["parts.0"].tolist() == [1.0, 2.0]
    assert result["parts.1"].tolist() == [3.0]


def test_numbers_and_sizes_are_values_as_they_are():
    steps = {
        "n": {"op": "item", "args": ["x"]},
        "s": {"op": "shape", "args": ["x"]},
        "l": {"op": "tolist", "args": ["v"]},
    }
    result = run(tensors={"x": 1.5, "v": [1.0, 2.0]}, steps=steps)
    assert (result["n"], result["s"], result["l"]) == (1.5, torch.Size([]), [1.0, 2.0])


@pytest.mark.parametrize("empty", [(), [], torch.Size([])])
def test_a_value_of_nothing_is_recorded(empty):
    assert [record.value for record in recorded("x", "step", empty)] == [empty]


@pytest.mark.filterwarnings("ignore")
def test_a_nested_tensor_is_recorded():
    (record,) = recorded("x", "step", torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))
    assert record.stride is None


# what it comes to


def test_a_result_is_well_when_all_that_is_expected_holds():
    recipe = {"tensors": {"x": 1.0}, "steps": {"y": "x + 1"}}
    assert run(**recipe).is_well
    assert run(**recipe, expect={"y": 2.0}).is_well
    assert not run(**recipe, expect={"y": 3.0}).is_well


def test_counts_are_those_of_isnan_and_isinf():
    x = torch.tensor([1.0, float("nan"), float("inf"), -float("inf"), 3e38, 3e38])
    assert counts(x) == (int(x.isnan().sum()), int(x.isinf().sum()))
    assert counts(x.to(torch.float8_e5m2).view(2, 3)) == (1, 4)
    assert counts(torch.complex(x, x)) == (1, 2)
    assert counts(torch.ones(3)) == (0, 0)
    assert counts(torch.empty(0)) == (0, 0)
    assert counts(torch.tensor([1])) is None
    assert counts(torch.empty(2, device="meta")) is None


def test_plain_values_are_strict_json():
    values = [float("nan"), float("-inf"), 1 + 2j, complex(float("nan"), 0), torch.int8, torch.Size([2]), {"a": (1.0,)}]
    text = json.dumps(plain(values), allow_nan=False)
    assert json.loads(text) == ["nan", "-inf", [1.0, 2.0], ["nan", 0.0], "int8", [2], {"a": [1.0]}]


def test_the_schema_in_the_docs_is_that_of_the_model():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == RunFile.model_json_schema()


def test_a_result_is_short_to_print_and_gives_its_items():
    result = run_recipe(
        load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x * 2"}, "expect": {"y": [2.0, 4.0]}})
    )
    assert repr(result) == "<Result recipe cpu float32 eager: 2 values, well>"
    assert [(name, value.tolist()) for name, value in result.items()] == [("x", [1.0, 2.0]), ("y", [2.0, 4.0])]
