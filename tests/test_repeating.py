"""`repeat`: what a round hands on, and what is gathered of each."""

import torch

from tensorflow_free import load_recipe, register_op, run_recipe

SHARED = torch.zeros(2)


@register_op("repeating.same_memory")
def same_memory(x: torch.Tensor) -> torch.Tensor:
    return SHARED.copy_(x)


def test_a_trace_is_of_each_round_though_an_op_gives_the_same_memory_in_all():
    inner = {"y": "repeating.same_memory(x)", "v": "y.detach()", "z": "x + 1"}
    loop = {"repeat": 3, "carry": {"x": "z"}, "trace": ["y", "v"], "steps": inner}
    result = run_recipe(load_recipe({"tensors": {"x": [0.0, 1.0]}, "steps": {"loop": loop}}))
    assert result["loop.y"].tolist() == result["loop.v"].tolist() == [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]


def test_a_trace_is_of_each_round_though_the_next_changes_it():
    inner = {"y": "x * 2", "z": {"op": "add_", "args": ["x", 1.0]}}
    loop = {"repeat": 3, "trace": ["y", "z"], "steps": inner}
    result = run_recipe(load_recipe({"tensors": {"x": 1.0}, "steps": {"loop": loop}, "record": "outputs"}))
    assert (result["loop.y"].tolist(), result["loop.z"].tolist()) == ([2.0, 4.0, 6.0], [2.0, 3.0, 4.0])


def test_a_trace_of_views_holds_no_more_than_they_do():
    loop = {"repeat": 2, "trace": ["y"], "steps": {"h": "x * 2", "y": "h[0]"}}
    result = run_recipe(load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": {"loop": loop}}))
    assert result["loop.y"].tolist() == [2.0, 2.0]


def test_values_that_change_places_are_all_read_before_one_is_handed_on():
    loop = {"repeat": 3, "carry": {"a": "c", "b": "d"}, "steps": {"c": "b + 0", "d": "a + 0"}}
    result = run_recipe(load_recipe({"tensors": {"a": 1.0, "b": 2.0}, "steps": {"loop": loop}}))
    assert (result["c"].item(), result["d"].item()) == (2.0, 1.0)


def test_each_round_is_told():
    told = []
    loop = {"repeat": 3, "carry": {"x": "y"}, "steps": {"y": "x + 1"}}
    run_recipe(load_recipe({"tensors": {"x": 1.0}, "steps": {"loop": loop}}), progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3), (1, 1)]
